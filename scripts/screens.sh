#!/bin/sh
# Take the screenshots of docs/ again, from a running demo in a real browser.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
exec "$VENV/bin/python" -m tools.screens "$@"
