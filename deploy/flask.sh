#!/bin/sh
# A flask command with the settings of this host's workers: deploy/flask.sh create-user ada --operator
set -eu

cd "$(dirname "$0")/.."
set -a
# shellcheck source=/dev/null
. /etc/greenroom/env
set +a
export APP_ENV=production DATA_DIR=/var/lib/greenroom
exec runuser --user greenroom -- .venv/bin/flask --app wsgi "$@"
