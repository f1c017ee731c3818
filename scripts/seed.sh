#!/bin/sh
# Make the demo room and its accounts (again: nothing is doubled) and print the host's login.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements.txt
"$VENV/bin/flask" --app wsgi db upgrade
exec "$VENV/bin/flask" --app wsgi seed "$@"
