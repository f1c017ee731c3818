#!/bin/sh
# Write the generated parts of docs/ again: settings, errors, OpenAPI, AsyncAPI.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
exec "$VENV/bin/flask" --app wsgi docs "$@"
