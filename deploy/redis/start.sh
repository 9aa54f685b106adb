#!/bin/sh
# Runs Redis with its password from a file: a command line and an environment can be read by others.
set -eu
umask 077
{
  printf 'requirepass %s\n' "$(cat /run/secrets/redis-password)"
  cat /deploy/redis.conf
} > /tmp/with-password.conf
exec redis-server /tmp/with-password.conf
