#!/bin/sh
# Restart the exporters when a port is down or their loop hangs. Called every minute by cron and by its own service.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"

# How long it may still take: much where it was started just now, else what a busy GX may need.
patience() {
	up=$(svstat "$SERVICE" 2>/dev/null | sed -n 's/.*: up .*) \([0-9]*\) seconds.*/\1/p')
	if [ "${up:-0}" -gt "$START_S" ]; then echo 10; else echo "$START_S"; fi
}

only_one watchdog || exit 0
if debugging || healthy; then exit 0; fi
if wait_healthy "$(patience)" || debugging; then exit 0; fi
log "does not answer: restarted by the watchdog"
"$here/run_exporters.sh" 9>&-
