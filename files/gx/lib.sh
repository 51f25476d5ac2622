# shellcheck shell=sh
# What the scripts share: busybox sh, and only what every GX has. The caller sets `here`, the folder of all files.
# ROOT is empty on a GX; a test passes a scratch folder.
: "${ROOT:=}"
: "${START_S:=20}"
SERVICE=$ROOT/service/dbus2prom
RUN=$ROOT/run/dbus2prom

# shellcheck source=/dev/null
. "${here:?}/settings.sh"

log() { echo "dbus2prom: $*"; }

serve() {
	set -- python3 "$here/dbus2prom.py" "$@" --listen "$LISTEN"
	# As Victron bounds its own Python services; their 100 MB of address space are too little on 64 bits.
	if command -v softlimit >/dev/null; then set -- softlimit -d 100000000 "$@"; fi
	exec nice -n 5 "$@"
}

serve_both() {
	serve --fast "$here/map_fast.tsv:$FAST_PORT" --slow "$here/map_slow.tsv:$SLOW_PORT"
}

only_one() {
	mkdir -p "$RUN"
	exec 9>"$RUN/$1.lock"
	flock -n 9
}

supervised() { command -v svok >/dev/null && svok "$SERVICE" 2>/dev/null; }

healthy() {
	address=$LISTEN
	[ "$address" != 0.0.0.0 ] || address=127.0.0.1
	for port in "$FAST_PORT" "$SLOW_PORT"; do
		curl -fsS -m 2 "http://$address:$port/-/healthy" >/dev/null 2>&1 || return 1
	done
}

uptime_s() { cut -d . -f 1 /proc/uptime; }

# Wait so many seconds at most: Python alone takes some to start on the slowest GX. Not by the clock, which may jump.
wait_healthy() {
	end=$(($(uptime_s) + $1))
	while [ "$(uptime_s)" -lt "$end" ]; do
		sleep 1
		if healthy; then return 0; fi
	done
	return 1
}

# A process without a supervisor: only where daemontools is not armed.
pid_alone() {
	read -r pid 2>/dev/null <"$RUN/pid" || return 1
	grep -q dbus2prom.py "/proc/$pid/cmdline" 2>/dev/null && echo "$pid"
}

stop_alone() {
	pid=$(pid_alone) || return 0
	kill "$pid"
	kill -CONT "$pid" 2>/dev/null || true
}

# run_fast.sh and run_slow.sh leave their process id in a file while they have taken the exporters' place.
debugging() {
	for file in "$RUN"/debug.*; do
		if [ -f "$file" ] && kill -0 "$(cat "$file")" 2>/dev/null; then return 0; fi
	done
	return 1
}

end_debugging() {
	for file in "$RUN"/debug.*; do
		[ -f "$file" ] || continue
		pid=$(cat "$file")
		rm -f "$file"
		kill "$pid" 2>/dev/null || true
	done
}

# Serve one view in a loop in the foreground; Ctrl-C brings both exporters back.
debug() {
	view=$1 port=$2 child=
	mkdir -p "$RUN"
	echo $$ >"$RUN/debug.$view"
	trap 'exit 130' INT TERM HUP
	trap 'debug_end' EXIT
	if supervised; then svc -d "$SERVICE"; else stop_alone; fi
	log "$view only, on port $port; Ctrl-C brings both exporters back"
	while :; do
		(serve "--$view" "$here/map_$view.tsv:$port") &
		child=$!
		wait "$child" || log "ended, starts again"
		sleep 1
	done
}

debug_end() {
	trap - EXIT
	rm -f "$RUN/debug.$view"
	[ -z "$child" ] || kill "$child" 2>/dev/null || true
	debugging || "$here/run_exporters.sh"
}
