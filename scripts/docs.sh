#!/bin/sh
# Write again what is generated: env.example, the nginx configurations, and docs/ (settings, errors, OpenAPI, AsyncAPI).
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
"$VENV/bin/python" -m tools.env_example
"$VENV/bin/python" -m tools.nginx_conf
exec "$VENV/bin/flask" --app wsgi docs "$@"
