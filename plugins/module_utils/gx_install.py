"""What has to happen on a GX so that it runs the wanted exporter: pure, touches nothing.

A GX has busybox, tar, sshd and a Python that cannot run Ansible's modules. So its state comes as lines of text from one
shell script, and what to do goes back as another.
"""

from __future__ import annotations

import hashlib
import io
import shlex
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field

BASE = "/data/dbus2prom"
SUMS = ".sha256"
RC_LOCAL = "/data/rc.local"
RC_LINE = f"{BASE}/arm.sh >/dev/null 2>&1 &"
MAPS = ("map_fast.tsv", "map_slow.tsv")
KEPT_RELEASES = 2

READ_STATE = f"""
cd {BASE}/current 2>/dev/null && echo "release=$(basename "$(readlink {BASE}/current)")" &&
sha256sum -c {SUMS} 2>/dev/null | sed -n 's/^\\(.*\\): FAILED.*/edited=\\1/p'
grep -qxF {shlex.quote(RC_LINE)} {RC_LOCAL} 2>/dev/null && [ -x {RC_LOCAL} ] && echo rc_local=yes
[ -e /service/dbus2prom/run ] && echo service=yes
[ -d {BASE} ] && echo present=yes
command -v python3 >/dev/null && python3 -c 'import dbus, gi' 2>/dev/null && echo python=yes
[ -d /data ] && [ -w /data ] && echo data=yes
exit 0
"""


@dataclass(frozen=True)
class State:
    """What a GX has now. `release` is the digest that is switched on, `edited` the files changed since."""

    release: str = ""
    edited: tuple[str, ...] = ()
    rc_local: bool = False
    service: bool = False
    present: bool = False
    python: bool = False
    data: bool = False


@dataclass(frozen=True)
class Plan:
    """The steps in order, each a word, and what an operator must know."""

    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def changed(self) -> bool:
        return bool(self.steps)


def parse(output: str) -> State:
    """Read the lines that READ_STATE prints."""
    pairs = [line.partition("=")[::2] for line in output.splitlines() if "=" in line]
    first = dict(reversed(pairs))
    flags = {name: first.get(name) == "yes" for name in ("rc_local", "service", "present", "python", "data")}
    edited = tuple(sorted(value for name, value in pairs if name == "edited"))
    return State(release=first.get("release", ""), edited=edited, **flags)


def plan(state: State, digest: str, wanted: str) -> Plan:
    """Decide what has to be done; `wanted` is present or absent."""
    if wanted == "absent":
        return Plan(("remove",) if state.present or state.rc_local or state.service else ())
    steps = []
    if state.release != digest:
        steps.append("install")
    if steps or not (state.rc_local and state.service):
        steps.append("arm")
    return Plan(tuple(steps), tuple(_warnings(state, replaces="install" in steps)))


def _warnings(state: State, replaces: bool):
    for name in state.edited:
        if name not in MAPS:
            yield f"{BASE}/{name} was changed on the GX" + (" and is replaced" if replaces else "; the change stays")
        elif replaces:
            yield (
                f"{BASE}/{name} was edited on the GX: the edit is kept as {_local(name)} and no longer served; "
                "put its rows into the map of the site"
            )
        else:
            yield f"{BASE}/{name} was edited on the GX; the edit stays in use until the next version is installed"


def _local(name: str) -> str:
    return name.replace(".tsv", ".local.tsv")


def settings(fast_port: int, slow_port: int, listen: str) -> str:
    """The file settings.sh: where the exporters listen."""
    return (
        "# shellcheck shell=sh disable=SC2034\n"
        "# Written by Ansible (ovr.edge, role gx_exporter): change the inventory, not this file.\n"
        f"FAST_PORT={fast_port}\nSLOW_PORT={slow_port}\nLISTEN={listen}\n"
    )


def sums(files: Mapping[str, bytes]) -> str:
    """The checksums of all files, as `sha256sum -c` reads them."""
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))


def digest(files: Mapping[str, bytes]) -> str:
    """The name of a release: it follows from names and contents alone."""
    return hashlib.sha256(sums(files).encode()).hexdigest()[:12]


def archive(files: Mapping[str, bytes]) -> bytes:
    """One tar with the files and their checksums; the same files always give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted({**files, SUMS: sums(files).encode()}.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755 if content.startswith(b"#!") else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def install_script(release: str, names: list[str]) -> str:
    """Unpack a tar from standard input as a release, switch to it, and keep the one before.

    Nothing is switched before every file lies whole on the disk.
    """
    keep_edits = "\n".join(
        f"if [ -f current/{name} ] && ! grep -qF \"$(sha256sum < current/{name} | cut -d' ' -f1)\" current/{SUMS}; "
        f"then cp current/{name} {_local(name)}; fi"
        for name in MAPS
    )
    tops = " ".join(shlex.quote(name) for name in sorted({name.partition("/")[0] for name in names}))
    return f"""set -e
mkdir -p {BASE}/releases
cd {BASE}
rm -rf releases/.part
mkdir releases/.part
tar -xf - -C releases/.part
(cd releases/.part && sha256sum -c {SUMS} >/dev/null)
sync
{keep_edits}
if [ -x arm.sh ]; then ./arm.sh off >/dev/null 2>&1 || true; fi
rm -rf releases/{release}
mv releases/.part releases/{release}
ln -sfn releases/{release} current.new
mv -T current.new current
for name in {tops}; do ln -sfn current/$name $name; done
ls -1t releases | grep -vxF {release} | tail -n +{KEPT_RELEASES} | while read -r old; do rm -rf "releases/$old"; done
sync
"""


def arm_script() -> str:
    """Start the exporters now and at every boot."""
    line = shlex.quote(RC_LINE)
    return f"""set -e
[ -f {RC_LOCAL} ] || printf '#!/bin/sh\\n' > {RC_LOCAL}
grep -qxF {line} {RC_LOCAL} || echo {line} >> {RC_LOCAL}
chmod +x {RC_LOCAL}
{BASE}/arm.sh
{BASE}/run_exporters.sh
"""


def remove_script() -> str:
    """Leave no trace: neither process, nor boot line, nor file."""
    return f"""set -e
if [ -x {BASE}/arm.sh ]; then {BASE}/arm.sh off >/dev/null 2>&1 || true; fi
if [ -f {RC_LOCAL} ]; then
	grep -vxF {shlex.quote(RC_LINE)} {RC_LOCAL} > {RC_LOCAL}.new || true
	cat {RC_LOCAL}.new > {RC_LOCAL}
	rm {RC_LOCAL}.new
	[ "$(cat {RC_LOCAL})" != '#!/bin/sh' ] || rm {RC_LOCAL}
fi
rm -rf {BASE}
"""
