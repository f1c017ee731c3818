#!/bin/sh
# Every fault test, each fault three times where it is short, and the table of what was measured (about ten minutes).
# `make faults ARGS=--write` puts the table into docs/faults.md; `make test` runs the short ones once.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
exec "$VENV/bin/python" -m pytest -m fault --rounds 3 --table tests/faults "$@"
