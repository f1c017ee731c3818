#!/bin/sh
# Style, formatting and layers. `make lint ARGS=--fix` mends what can be mended.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
if [ "${1:-}" = --fix ]; then "$VENV/bin/ruff" format .; fi
"$VENV/bin/ruff" check "$@" .
"$VENV/bin/ruff" format --check .
"$VENV/bin/lint-imports" --no-logo
