#!/bin/sh
# Arm the exporters: /data/rc.local calls this at each boot, because neither /service nor a crontab outlives one.
# `arm.sh off` undoes it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/lib.sh"
WATCHDOG=$SERVICE-watchdog
CRON_LINE="* * * * * $here/watchdog.sh >/dev/null 2>&1"

# Two things start the watchdog, for cron may be missing or its folder read-only.
cron() {
	command -v crontab >/dev/null || return 0
	if ! old=$(crontab -l 2>&1); then
		case $old in *"no crontab"*) old= ;; *) return 0 ;; esac
	fi
	new=$(echo "$old" | grep -vF "$here/watchdog.sh" || true)
	[ "$1" = off ] || new=${new:+$new
}$CRON_LINE
	if [ "$new" = "$old" ]; then return 0; fi
	if [ -z "$new" ]; then crontab -r; return 0; fi
	echo "$new" | crontab - 2>/dev/null || log "no crontab here: the service does its work"
}

arm() {
	stop_alone
	ln -sfn "$here/service" "$SERVICE"
	ln -sfn "$here/watchdog" "$WATCHDOG"
	for _ in 1 2 3 4 5 6 7 8; do # svscan looks every 5 s
		if supervised; then return 0; fi
		sleep 1
	done
	log "svscan does not take up $SERVICE" >&2
}

disarm() {
	rm -f "$SERVICE" "$WATCHDOG"
	for folder in "$here/watchdog" "$here/service" "$here/service/log"; do
		if command -v svc >/dev/null && svok "$folder" 2>/dev/null; then svc -dx "$folder"; fi
	done
	stop_alone
}

case ${1:-on} in
on)
	arm
	cron on
	;;
off)
	disarm
	cron off
	;;
*)
	log "arm.sh takes nothing, or off; not $1" >&2
	exit 2
	;;
esac
