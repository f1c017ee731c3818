#!/bin/sh
# The commands of docs/operations.md, extracted and executed on a clean Debian (tools/operations_check.py says how).
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
exec "$VENV/bin/python" -m tools.operations_check "$@"
