#!/bin/sh
# mypy, strict; its settings are in pyproject.toml.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
exec "$VENV/bin/mypy" "$@"
