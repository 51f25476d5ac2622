#!/bin/sh
# Start both exporters, or restart them; under the supervisor where it is armed, else in the background.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"

start_alone() {
	stop_alone
	cd "$here/service"
	setsid ./run >"$RUN/log" 2>&1 </dev/null 9>&- &
	echo $! >"$RUN/pid"
}

start() {
	if ! supervised; then
		start_alone
	elif svstat "$SERVICE" | grep -q ': up '; then
		svc -tc "$SERVICE"
	else
		svc -u "$SERVICE"
	fi
}

only_one start || {
	log "is being started by somebody else"
	exit 0
}
end_debugging
start
wait_healthy "$START_S" && log "both ports answer" && exit 0
log "does not answer after $START_S s: killed and started again"
if supervised; then svc -k "$SERVICE"; else start_alone; fi
wait_healthy "$START_S" && log "both ports answer" && exit 0
log "still no answer; see $ROOT/var/log/dbus2prom/current or $RUN/log" >&2
exit 1
