#!/bin/sh
# Measure Greenroom against its targets; see bench/README.md.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
exec "$VENV/bin/python" -m bench "$@"
