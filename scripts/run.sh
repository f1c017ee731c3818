#!/bin/sh
# Start Greenroom on a machine with nothing but Python: environment, database, demo, server. Settings: env.example.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements.txt
exec "$VENV/bin/python" -m tools.run
