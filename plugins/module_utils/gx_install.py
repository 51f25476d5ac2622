"""What has to change on a GX so that it runs the wanted exporter: values in, values out, nothing is touched.

/data/dbus2prom/releases/DIGEST/   every file of a version
                current, previous  links to two of them
                map_fast.tsv ...   copies, because people edit them there
                everything else    links into current
/data/rc.local                     one line, which arms the exporters at each boot
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

HOME = "data/dbus2prom"
RC_LOCAL = "data/rc.local"
RC_LINE = f"/{HOME}/arm.sh >/dev/null 2>&1 &"
SERVICE = "service/dbus2prom"
MAPS = ("map_fast.tsv", "map_slow.tsv")


@dataclass(frozen=True)
class Entry:
    """A file or, with `target`, a symbolic link."""

    content: bytes = b""
    target: str = ""
    executable: bool = False

    @property
    def text(self) -> str:
        return f"-> {self.target}\n" if self.target else self.content.decode(errors="replace")


Files = Mapping[str, Entry]  # by path, without a leading slash


@dataclass(frozen=True)
class State:
    """What a GX has: `tree` by path below the root, and `facts` such as whether its Python has D-Bus."""

    tree: Files
    facts: Mapping[str, str] = field(default_factory=dict)

    def home(self, name: str) -> Entry | None:
        """The entry of that name in the exporter's folder."""
        return self.tree.get(f"{HOME}/{name}")

    def link(self, name: str) -> str:
        """The digest that `current` or `previous` is a link to, or nothing."""
        entry = self.home(name)
        return entry.target.rpartition("/")[2] if entry else ""

    def release(self, digest: str) -> Files:
        """The files of a release on the GX, by name."""
        return _below(self.tree, f"{HOME}/releases/{digest}/") if digest else {}

    @property
    def releases(self) -> set[str]:
        return {name.partition("/")[0] for name in _below(self.tree, f"{HOME}/releases/")}


@dataclass(frozen=True)
class Plan:
    """What to do. `changes` are sentences for people; `send` and `remove` are paths below the root."""

    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    send: Files = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    diff: tuple[dict[str, str], ...] = ()


def digest(files: Files) -> str:
    """The name of a release, which follows from its content alone."""
    total = hashlib.sha256()
    for name, entry in sorted(files.items()):
        total.update(f"{name}\0{entry.executable:d}\0{len(entry.content)}\0".encode() + entry.content)
    return total.hexdigest()[:12]


def release(texts: Mapping[str, str], fast_port: int, slow_port: int, listen: str) -> dict[str, Entry]:
    """The files of a release from their texts, with the settings of this site."""
    settings = (
        "# shellcheck shell=sh disable=SC2034\n"
        "# Written by role gx_exporter: change the inventory, not this file.\n"
        f"FAST_PORT={fast_port}\nSLOW_PORT={slow_port}\nLISTEN={listen}\n"
    )
    contents = {**texts, "settings.sh": settings}
    return {name: Entry(text.encode(), executable=text.startswith("#!")) for name, text in contents.items()}


def plan_present(state: State, files: Files, running: str) -> Plan:
    """Decide how to get from the state to these files. `running` is the release that answers on both ports, if any."""
    name = digest(files)
    send: dict[str, Entry] = {}
    if state.release(name) != files:
        send.update({f"{HOME}/releases/{name}/{file}": entry for file, entry in files.items()})
    kept, warnings = _kept(state, files)
    wanted = {**_layout(files, name), **kept}
    if state.link("current") not in ("", name):
        wanted["previous"] = Entry(target=f"releases/{state.link('current')}")
    send.update({f"{HOME}/{file}": entry for file, entry in wanted.items() if state.home(file) != entry})
    boot = Entry(armed(_text(state, RC_LOCAL)).encode(), executable=True)
    if state.tree.get(RC_LOCAL) != boot:
        send[RC_LOCAL] = boot
    keep = {name, wanted.get("previous", state.home("previous") or Entry()).target.rpartition("/")[2]}
    stale = _stale(state, wanted, keep) if send else ()
    changes = [*_changes(state, name, send, kept), *_starts(state, send, running, name)]
    return Plan(tuple(changes), tuple(warnings), send, stale, tuple(_diff(state, send)))


def plan_absent(state: State) -> Plan:
    """Decide how to leave no trace."""
    boot, rest = _text(state, RC_LOCAL), disarmed(_text(state, RC_LOCAL))
    changes, send, remove = [], {}, []
    if boot != rest:
        changes.append(f"take the line out of /{RC_LOCAL}" if rest else f"remove /{RC_LOCAL}, which held nothing else")
        if rest:
            send[RC_LOCAL] = Entry(rest.encode(), executable=state.tree[RC_LOCAL].executable)
        else:
            remove.append(RC_LOCAL)
    if [path for path in state.tree if path.startswith((HOME, SERVICE))]:
        changes.append(f"stop the exporters and remove /{HOME}")
    return Plan(tuple(changes), (), send, tuple(remove), tuple(_diff(state, send, remove)))


def armed(boot: str) -> str:
    """The text of rc.local with our line first, so that nothing above can end the script before it."""
    if RC_LINE in boot.splitlines():
        return boot
    first, rest = boot.split("\n", 1) if boot.startswith("#!") and "\n" in boot else ("#!/bin/sh", boot)
    return f"{first}\n{RC_LINE}\n{rest}"


def disarmed(boot: str) -> str:
    """The text of rc.local without our line; empty when nothing but the first line is left."""
    lines = [line for line in boot.splitlines(keepends=True) if line.strip() != RC_LINE]
    return "" if [line for line in lines if line.strip()] == ["#!/bin/sh\n"] else "".join(lines)


def changed_rows(deployed: str, edited: str) -> tuple[list[str], list[str]]:
    """Return the rows of an edited map that were not deployed, and the deployed rows that it lacks."""
    before, after = _rows(deployed), _rows(edited)
    return [row for row in after if row not in before], [row for row in before if row not in after]


def pack(files: Files) -> bytes:
    """A tar of the entries; the same entries always give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, entry in sorted(files.items()):
            info = tarfile.TarInfo(path)
            info.mode = 0o755 if entry.executable else 0o644
            if entry.target:
                info.type, info.linkname = tarfile.SYMTYPE, entry.target
            info.size = len(entry.content)
            tar.addfile(info, io.BytesIO(entry.content))
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, Entry]:
    """The files and links of a tar by path."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r|") as tar:
        for info in tar:
            if info.issym():
                found[info.name] = Entry(target=info.linkname)
            elif info.isfile():
                found[info.name] = Entry(tar.extractfile(info).read(), executable=bool(info.mode & 0o100))
    return found


def _layout(files: Files, name: str) -> dict[str, Entry]:
    """What lies in the exporter's folder beside the releases: maps as copies, the rest as links."""
    found = {"current": Entry(target=f"releases/{name}")}
    for file, entry in files.items():
        up = "../" * file.count("/")
        found[file] = entry if file in MAPS else Entry(target=f"{up}current/{file}")
    return found


def _kept(state: State, files: Files) -> tuple[dict[str, Entry], list[str]]:
    """What people changed on the GX: their rows as local maps, files of another installation in `before/`."""
    kept, warnings = {}, []
    if not state.link("current"):
        for path, entry in _below(state.tree, f"{HOME}/").items():
            if "/" not in path and not entry.target:
                kept[f"before/{path}"] = entry
                warnings.append(f"/{HOME}/{path} was there before: kept as before/{path}")
        return kept, warnings
    for name in MAPS:
        entry = state.home(name)
        known = [files[name], *(state.release(digest).get(name) for digest in state.releases)]
        if entry and not entry.target and entry.content not in [other.content for other in known if other]:
            deployed = state.release(state.link("current")).get(name, files[name])
            _keep_rows(state, name, deployed.text, entry.text, kept, warnings)
    return kept, warnings


def _keep_rows(state: State, name: str, deployed: str, edited: str, kept: dict, warnings: list) -> None:
    added, lacking = changed_rows(deployed, edited)
    local = name.replace(".tsv", ".local.tsv")
    if added:
        head = state.home(local).text if state.home(local) else "# Rows of this site: they win over those of the map.\n"
        kept[local] = Entry((head + "\n".join(added) + "\n").encode())
        warnings.append(f"/{HOME}/{name} was edited on the GX: {len(added)} rows are kept in {local} and win")
    if lacking:
        warnings.append(f"/{HOME}/{name} lacked {len(lacking)} rows on the GX, which are served again: {lacking[0]}")


def _stale(state: State, wanted: Files, keep: set[str]) -> tuple[str, ...]:
    """Links into a release that no longer has their file, and releases before the previous one."""
    links = [
        path
        for path, entry in _below(state.tree, f"{HOME}/").items()
        if "current/" in entry.target and path not in wanted
    ]
    old = [f"releases/{name}" for name in sorted(state.releases - keep)]
    return tuple(f"{HOME}/{path}" for path in [*links, *old])


def _changes(state: State, name: str, send: Files, kept: Files) -> list[str]:
    before = state.link("current")
    sentences = [f"keep /{HOME}/{file}" for file in sorted(kept)]
    if before != name:
        sentences.append(f"install release {name}" + (f" in place of {before}" if before else ""))
    elif _below(send, f"{HOME}/releases/{name}/"):
        sentences.append(f"repair release {name}")
    elif [path for path in send if path != RC_LOCAL and path.removeprefix(f"{HOME}/") not in kept]:
        sentences.append("repair the links and maps beside the release")
    if RC_LOCAL in send:
        sentences.append(f"arm /{RC_LOCAL}")
    return sentences


def _starts(state: State, send: Files, running: str, name: str) -> list[str]:
    if send:
        return ["restart the exporters" if running else "start the exporters"]
    if SERVICE not in state.tree:
        return ["arm the service, which is not in /service"]
    return [] if running == name else ["start the exporters, which do not answer as this release"]


def _diff(state: State, send: Files, remove: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """Before and after of each text; a new release is shown against the one that is current."""
    current = state.release(state.link("current"))
    for path, entry in sorted(send.items()):
        _, is_release, name = path.removeprefix(f"{HOME}/releases/").partition("/")
        is_release = is_release and path.startswith(f"{HOME}/releases/")
        old = current.get(name) if is_release else state.tree.get(path)
        if old != entry and not (is_release and name in MAPS):
            yield _difference(f"/{HOME}/{name}" if is_release else f"/{path}", old.text if old else "", entry.text)
    for path in remove:
        yield _difference(f"/{path}", state.tree[path].text, "")


def _difference(label: str, before: str, after: str) -> dict[str, str]:
    return {"before": before, "after": after, "before_header": label, "after_header": label}


def _below(tree: Files, folder: str) -> dict[str, Entry]:
    return {path.removeprefix(folder): entry for path, entry in tree.items() if path.startswith(folder)}


def _text(state: State, path: str) -> str:
    return state.tree[path].text if path in state.tree else ""


def _rows(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
