"""docs/reference/metrics.md: every series of the GX, made from the shipped maps and from what the exporter answers.

`python -m tests.metrics_page` writes the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tests.unit.gx.exporter import LABEL, MAPS, REPO, SAMPLE, at, bus, dbus2prom

PAGE = REPO / "docs" / "reference" / "metrics.md"
COMMAND = "python -m tests.metrics_page"
PORTS = {"fast": (9480, "0.5 s"), "slow": (9481, "5 s")}
SERIES_HEAD = ["series", "type", "unit", "labels", "source", "rate", "meaning"]
SELF_HEAD = ["series", "type", "labels", "port", "meaning"]

INTRO = """# What a GX publishes

Made from `files/gx/map_fast.tsv` and `files/gx/map_slow.tsv` by `{command}`; edit the maps, not this page.
What meters publish: [acuvim.md](acuvim.md).

- On the way vmagent adds `system_id`, `node_id` and `deployment_id` to every series.
- Every series has the labels `group` and `name`. The column *labels* shows the value of `name`, where a table has
  several groups as `group/name`, and then which other labels there are.
- `phase` is `L1`, `L2` or `L3`; so is `l{{1-3}}` in a name.
- `device_instance` tells devices of one class apart. Series of {shared} have it only where two of the class are
  there.
- *Source* is the class of the D-Bus service and the path, in which `*` is one element; × is what the value is
  multiplied by.
- *Rate* is how often vmagent asks. What says 0.5 s is on port 9480, what says 5 s on port 9481. The exporter learns of
  changes by signals; *polled* marks what never signals, so that it asks: every second, or every 5 s for port 9481.
- An *info* is always 1; its text is in the label `value`.
- What is invalid, gone or stale has no series. It is never 0.
"""


def text() -> str:
    """The whole page."""
    parts = [INTRO.format(command=COMMAND, shared=shared_classes())]
    for title, note, rows in sections():
        parts.append(f"## {title}\n{note}\n{table(SERIES_HEAD, series_lines(rows))}")
    parts.append(f"## The exporter itself\n\n{table(SELF_HEAD, self_lines())}")
    return "\n".join(parts)


def shared_classes() -> str:
    rows = [row for _, _, rows in sections() for _, row in rows]
    kinds = {row.kind for row in rows if row.exact is None and not row.has_instance}
    return " and ".join(f"`{kind}`" for kind in sorted(kinds))


def table(head: list[str], lines: Iterable[list[str]]) -> str:
    every = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in every).replace("|  |", "| |")


def sections() -> list[tuple[str, str, list]]:
    """(title, note, [(rate, row)]) as the comments of the maps divide them; what concerns one device stays together."""
    found: dict[str, tuple[str, list]] = {}
    for view, file in MAPS.items():
        lines = file.read_text().splitlines()
        for row in dbus2prom.parse_map("\n".join(lines))[0]:
            heading = next(line for line in reversed(lines[: row.line]) if line.startswith("# "))
            title, note = re.fullmatch(r"# ([^(]+?)(?: \((.+)\))?", heading).groups()
            found.setdefault(title, (note or "", []))[1].append((PORTS[view][1], row))
    families = list(dict.fromkeys(title.partition(":")[0] for title in found))
    titles = sorted(found, key=lambda title: families.index(title.partition(":")[0]))
    return [(title, sentence(found[title][0]), found[title][1]) for title in titles]


def sentence(note: str) -> str:
    return f"\n{note[0].upper()}{note[1:]}.\n" if note else ""


def series_lines(rows: list) -> Iterator[list[str]]:
    """One line a series; classes that have it alike share the line."""
    several = len({dict(row.labels)["group"] for _, row in rows} - {row.kind for _, row in rows}) > 1
    classes: dict[tuple, list[str]] = {}
    for rate, row in rows:
        scale = "" if row.scale == 1 else f" × {row.scale:g}".replace("e+0", "e")
        cells = (code(row.pretty), row.type, row.unit, labels(row, several), rate, row.polled, row.help)
        classes.setdefault((*cells, row.path, scale), []).append(row.kind)
    for (name, kind, unit, shown, rate, polled, meaning, path, scale), kinds in classes.items():
        source = f"{', '.join(dict.fromkeys(kinds))} `{re.sub('{[a-z_]+}', '*', path)}`{scale}"
        yield [name, kind, unit, shown, source, f"{rate}, polled" if polled else rate, meaning]


def code(name: str) -> str:
    return f"`{name.replace('{phase}', 'l{1-3}')}`"


def labels(row, with_group: bool) -> str:
    own = dict(row.labels)
    name = f"{own['group']}/{own['name']}" if with_group else own["name"]
    others = [label for label in own if label not in ("group", "name")]
    return ", ".join([f"`{name}`", *others, *["device_instance"] * row.has_instance])


def self_lines() -> list[list[str]]:
    """What the exporter says about itself, as it answers with an inverter/charger on the bus."""
    views = [dbus2prom.load_view(view, str(file)) for view, file in MAPS.items()]
    exporter = dbus2prom.Exporter(views, at(0))
    texts = {path: "text" for _, path in dbus2prom.INFO_PATHS}
    exporter.cache = bus({"vebus.ttyS4": {"/DeviceInstance": 276, **texts}})
    found: dict[str, list[str]] = {}
    for view in views:
        for metric, kind, names, meaning in described(exporter.metrics(view, at(1))):
            line = found.setdefault(metric, [f"`{metric}`", kind, names, "", meaning])
            line[3] = ", ".join(filter(None, [line[3], str(PORTS[view.name][0])]))
    return list(found.values())


def described(scrape: str) -> Iterator[tuple[str, str, str, str]]:
    """(metric, type, label names, help) of the metrics that no map names."""
    help_of = dict(re.findall(r"^# HELP (\S+) (.+?)\.?$", scrape, re.MULTILINE))
    for metric, kind in re.findall(r"^# TYPE (\S+) (\S+)$", scrape, re.MULTILINE):
        if metric.startswith("dbus2prom_") or metric == "victron_device_info":
            sample = SAMPLE.search(scrape, re.search(rf"^{metric}[ {{]", scrape, re.MULTILINE).start())
            yield metric, kind, ", ".join(label for label, _ in LABEL.findall(sample[2] or "")), help_of[metric]


if __name__ == "__main__":
    PAGE.write_text(text())
