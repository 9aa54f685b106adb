#!/bin/sh
# Makes Synapse's secrets on the first start, writes what depends on the environment, and runs it.
set -eu
umask 077

for name in macaroon-secret form-secret registration-shared-secret; do
  if [ ! -s "/data/$name" ]; then
    python -c 'import secrets; print(secrets.token_urlsafe(32))' > "/data/$name.new"
    mv "/data/$name.new" "/data/$name"
  fi
done

# JSON is YAML as well, and no value can break out of its place.
python - > /data/site.yaml <<'END'
import json, os
print(json.dumps({
    "server_name": os.environ["MATRIX_SERVER_NAME"],
    "public_baseurl": os.environ["MATRIX_PUBLIC_URL"].rstrip("/") + "/",
}))
END

# In memory: /tmp is no disk. The password is letters and digits, which need no escaping.
export PGPASSFILE=/tmp/pgpass
printf '*:*:*:synapse:%s\n' "$(cat /run/secrets/synapse-database-password)" > "$PGPASSFILE"

set -- --config-path /deploy/homeserver.yaml --config-path /data/site.yaml
python -m synapse.app.homeserver "$@" --generate-keys
exec /start.py run "$@"
