"""A GX as the box reaches it: one SSH call reads its state, one changes it, and its two ports are read over HTTP."""

from __future__ import annotations

import re
import shlex
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.ovr.edge.plugins.module_utils.gx_install import (
    HOME,
    RC_LOCAL,
    SERVICE,
    Plan,
    State,
    pack,
    unpack,
)

TAR_FOLLOWS = b"\n--\n"
FREE_KB = 2000
SWITCH_ON = (
    "On the GX, at access level Superuser: set a root password and switch on SSH on LAN, both in Settings > General; "
    "on newer firmware also Settings > General > Modification checks > All modifications enabled"
)
KEYS = f"/{HOME.partition('/')[0]}/home/root/.ssh/authorized_keys"

READ = f"""
cd "$ROOT/" || exit 1
[ -w data ] && echo data=yes
echo "free_kb=$(df -kP data 2>/dev/null | tail -n 1 | sed 's/  */ /g' | cut -d ' ' -f 4)"
python3 -c 'import dbus, gi' 2>/dev/null && echo python=yes
echo --
find {HOME} {RC_LOCAL} {SERVICE} {SERVICE}-watchdog '(' -type f -o -type l ')' 2>/dev/null | grep -v /supervise/ | {{
	set --
	while read -r path; do set -- "$@" "$path"; done # not every busybox's tar knows -T
	[ $# -eq 0 ] || tar cf - "$@"
}}
"""

# os.replace, because busybox's mv moves into what a link points to.
PLACE = """
import os, sys
source, root = sys.argv[1:]
for folder, names, files in os.walk(source):
    for name in files + [name for name in names if os.path.islink(os.path.join(folder, name))]:
        old = os.path.join(folder, name)
        new = os.path.join(root, os.path.relpath(old, source))
        os.makedirs(os.path.dirname(new), exist_ok=True)
        os.replace(old, new)
"""

# Everything lies whole on the disk before the first name is switched to it; a release comes as one folder.
INSTALL = f"""
set -eu
umask 022
cd "$ROOT/"
incoming={HOME}/.incoming
rm -rf $incoming
mkdir -p $incoming {HOME}/releases
tar xf - -C $incoming
sync
for new in $incoming/{HOME}/releases/*; do
	[ -d "$new" ] || continue
	rm -rf "{HOME}/releases/${{new##*/}}"
	mv "$new" {HOME}/releases/
done
python3 -c {shlex.quote(PLACE)} $incoming .
rm -rf $incoming "$@"
sync
{HOME}/arm.sh
{HOME}/run_exporters.sh
"""

REMOVE = f"""
set -eu
cd "$ROOT/"
[ ! -x {HOME}/arm.sh ] || {HOME}/arm.sh off
rm -rf {SERVICE} {SERVICE}-watchdog {HOME} run/dbus2prom var/log/dbus2prom
rm -rf data/.ovr-incoming
mkdir data/.ovr-incoming
tar xf - -C data/.ovr-incoming
[ ! -f data/.ovr-incoming/{RC_LOCAL} ] || mv data/.ovr-incoming/{RC_LOCAL} {RC_LOCAL}
rm -rf data/.ovr-incoming "$@"
sync
"""

Run = Callable[[list[str], bytes], tuple[int, bytes, bytes]]  # command, standard input → code, output, error


class GxError(Exception):
    """Why it does not work, and what to do, in a sentence or two."""


@dataclass(frozen=True)
class Login:
    """How to log in: `known_hosts` pins the host key at the first time."""

    host: str
    port: int
    user: str
    key: str
    known_hosts: str

    def command(self, words: str) -> list[str]:
        options = [
            *("BatchMode=yes", "IdentitiesOnly=yes", "LogLevel=ERROR", "ConnectTimeout=10"),
            *("ServerAliveInterval=5", "ServerAliveCountMax=6"),
            *("StrictHostKeyChecking=accept-new", f"UserKnownHostsFile={self.known_hosts}"),
            # Not hashed: a person must be able to find the line of a GX that was replaced.
            *("GlobalKnownHostsFile=/dev/null", "HashKnownHosts=no"),
        ]
        settings = [word for option in options for word in ("-o", option)]
        return ["ssh", "-i", self.key, "-p", str(self.port), *settings, f"{self.user}@{self.host}", words]


class Gx:
    """The GX behind a login. `root` is where its file system begins: empty but for tests."""

    def __init__(self, login: Login, run: Run, root: str = ""):
        self.login, self._run, self.root = login, run, root

    def read(self) -> State:
        """Ask what is there. Raises GxError where it cannot be reached or the exporter cannot live."""
        output = self._script(READ)
        head, _, data = output.partition(TAR_FOLLOWS)
        facts = dict(line.partition("=")[::2] for line in head.decode().splitlines())
        return State(unpack(data) if data else {}, facts)

    def install(self, plan: Plan) -> None:
        self._script(INSTALL, pack(plan.send), plan.remove)

    def remove(self, plan: Plan) -> None:
        self._script(REMOVE, pack(plan.send), plan.remove)

    def _script(self, script: str, data: bytes = b"", arguments: tuple[str, ...] = ()) -> bytes:
        words = shlex.join(["env", f"ROOT={self.root}", "sh", "-c", script, "sh", *arguments])
        code, output, error = self._run(self.login.command(words), data)
        if code:
            raise GxError(refusal(self.login, code, (error + output).decode(errors="replace").strip()))
        return output


def unable(state: State) -> str:
    """Why the exporter cannot live on this GX, or nothing."""
    if state.facts.get("data") != "yes":
        return "/data cannot be written there: is it a GX with Venus OS, and is the user root?"
    if state.facts.get("python") != "yes":
        return "its python3 has no dbus and gi: update the GX to Venus OS 2.80 or later"
    free = state.facts.get("free_kb", "")
    if free.isdigit() and int(free) < FREE_KB:
        return f"/data has only {free} kB free and {FREE_KB} are needed: remove old logs from /data/log"
    return ""


def refusal(login: Login, code: int, said: str) -> str:
    """What an SSH that ended with this code means for the person in front of it."""
    if "Permission denied" in said:
        return (
            f"the GX at {login.host} does not accept the box's key. {SWITCH_ON}. Then put this line into {KEYS} there "
            f"and run again:\n{public_key(login.key)}"
        )
    if "HOST IDENTIFICATION HAS CHANGED" in said or "Host key verification failed" in said:
        return (
            f"the GX at {login.host} shows another host key than at first. If it was replaced or reset, remove its "
            f"line from {login.known_hosts} on the box and run again; if not, something else has its address"
        )
    if code == 255:
        return f"the GX at {login.host} cannot be reached by SSH: {said}. Check its cable and power. {SWITCH_ON}"
    return f"a step on the GX at {login.host} ended with {code}: {said}"


def public_key(key: str) -> str:
    try:
        with open(f"{key}.pub", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return f"(the content of {key}.pub, which is missing on the box)"


class Ports:
    """The two ports of the exporter on the GX."""

    def __init__(self, host: str, ports: dict[str, int], seconds: float = 2.0):
        self.urls = {name: f"http://{host}:{port}/metrics" for name, port in ports.items()}
        self.seconds = seconds

    def running(self) -> str:
        """The release that answers, or nothing unless both ports do."""
        texts = list(self._texts().values())
        found = re.search(r'^dbus2prom_build_info\{.*release="([^"]*)"', "\n".join(texts), re.MULTILINE)
        return found.group(1) if found and all(texts) else ""

    def series(self) -> dict[str, int]:
        """How many series of the GX each port serves."""
        return {name: len(re.findall(r"^victron_", text, re.MULTILINE)) for name, text in self._texts().items()}

    def wait_for(self, release: str, seconds: float) -> None:
        """Wait until both ports answer as this release; GxError if they do not."""
        deadline = time.monotonic() + seconds
        while self.running() != release:
            if time.monotonic() > deadline:
                raise GxError(
                    f"{' and '.join(self.urls.values())} do not answer as release {release} after {seconds:.0f} s. See "
                    "/var/log/dbus2prom/current on the GX; an exporter of another installation may hold the ports, and "
                    "newer firmware starts nothing unless Settings > General > Modification checks > All modifications "
                    "enabled is on"
                )
            time.sleep(0.5)

    def _texts(self) -> dict[str, str]:
        return {name: self._text(url) for name, url in self.urls.items()}

    def _text(self, url: str) -> str:
        try:
            with urllib.request.urlopen(url, timeout=self.seconds) as reply:
                return reply.read().decode(errors="replace")
        except OSError:
            return ""
