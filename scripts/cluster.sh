#!/bin/sh
# The production shape on one machine, without Docker or root; see tools/cluster.py.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
exec "$VENV/bin/python" -m tools.cluster "$@"
