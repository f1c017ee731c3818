#!/bin/sh
# Every test, and which branches of app/ they took: a third slower than without.
COVERAGE=1 exec sh "$(dirname "$0")/test.sh" "$@"
