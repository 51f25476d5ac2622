#!/bin/sh
# Restart the exporters when a port is down or their loop hangs. Called every minute by cron and by its own service.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"

only_one watchdog || exit 0
if debugging || healthy; then exit 0; fi
if wait_healthy "$START_S" || debugging; then exit 0; fi # it may have been started just now
log "does not answer: restarted by the watchdog"
"$here/run_exporters.sh" 9>&-
