#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, each in a file of its own under secrets/. What is there stays.
# The folder is its owner's alone; the files in it can be read by the containers, whose users are others.
set -eu
cd "$(dirname "$0")/.."
umask 077
mkdir -p secrets
for name in admin-token postgres-password causeway-database-password synapse-database-password redis-password turn-secret; do
  [ -s "secrets/$name" ] && continue
  openssl rand -hex 24 > "secrets/$name.new"
  chmod 444 "secrets/$name.new"
  mv "secrets/$name.new" "secrets/$name"
  echo "made secrets/$name"
done
