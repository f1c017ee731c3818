#!/bin/sh
# The fault and load tests that take minutes; `make test` runs the short ones.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
install_node_packages
exec "$VENV/bin/python" -m pytest -m long "$@"
