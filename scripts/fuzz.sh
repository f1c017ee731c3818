#!/bin/sh
# schemathesis on the whole API, for minutes and with new inputs each time; `make test` runs a short one that never changes.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
exec "$VENV/bin/python" -m pytest -m long tests/security/test_fuzz.py "$@"
