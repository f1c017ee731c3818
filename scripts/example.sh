#!/bin/sh
# Run an example against a Greenroom of its own: `sh scripts/example.sh vue`, `react`, or `bot` (with a room's share token).
. "$(dirname "$0")/lib.sh"

example=${1:-}
case $example in
    vue | react)
        ensure_venv requirements.txt
        install_node_packages "examples/$example"
        exec "$VENV/bin/python" -m examples.serve "$@"
        ;;
    bot)
        shift
        ensure_venv requirements-dev.txt
        PYTHONPATH=clients/python/src exec "$VENV/bin/python" -m examples.bot "$@"
        ;;
    *) die "Which one? vue, react or bot." ;;
esac
