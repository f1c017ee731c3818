#!/bin/sh
# Restart the workers of this host one after another; clients of each resume on the others. rolling-restart.sh 1 2
set -eu

[ $# -gt 0 ] || { echo "usage: $0 <instance> …   (1 is greenroom@1)" >&2; exit 2; }
for instance in "$@"; do
    echo "Restarting greenroom@$instance"
    systemctl restart "greenroom@$instance"
    tries=0
    until curl -fsS -o /dev/null "http://127.0.0.1:300$instance/readyz"; do
        tries=$((tries + 1))
        [ $tries -lt 60 ] || { echo "greenroom@$instance is not ready after 30 s: stopping here" >&2; exit 1; }
        sleep 0.5
    done
    sleep 2 # nginx leaves out for a second whom it found closed: the next may go when this one is asked again
done
