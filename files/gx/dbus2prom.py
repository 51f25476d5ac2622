#!/usr/bin/env python3
"""Serve the D-Bus of a Victron GX (Venus OS) as Prometheus metrics: one bus connection, one cache, a port for each map.

    signals, polls, reads | cache | bind the rows of a map to what is there | text

A value that is invalid, gone or stale yields no series. Only reads: Hello, AddMatch, ListNames, GetNameOwner, GetItems
and GetValue are all that is ever sent. Runs on Python 3.8 to 3.13 with dbus-python, GLib and those modules of the
standard library that every Venus OS has (its image splits them); all but the last two sections import without a bus.
"""

import argparse
import collections
import itertools
import os
import re
import signal
import socket
import sys
import time
import zlib

VERSION = "0.1.0"
PREFIX = "com.victronenergy."
COLUMNS = ["service", "path", "pretty", "group", "name", "phase", "device", "type", "unit", "scale", "poll", "help"]
FIELD_COLUMNS = 7  # the maps in the field end after `device`
RESERVED_LABELS = ("system_id", "device_instance", "instance", "job", "value")
TYPES = ("gauge", "counter", "info")

TICK_S = 1.0
HUNG_S = 5.0  # /-/healthy fails when the loop has not ticked for so long
KILL_S = 30  # and the kernel ends the process, so that the bus daemon does not queue signals for it for ever
POLL_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 5.0
READ_AGAIN_S = (1.0, 4.0)  # a service takes its name before it has all its paths
RECONCILE_S = 60.0
RETRY_S = 10.0
DISCOVER_S = 3.0
UNSIGNALLED = 32  # paths of one service that are polled because they were found changed without a signal
SIGNAL_DELAY_S = 2.0  # a service may send the signal of a change after it answered a read with it

# How long a class may be silent before its values are no longer believed. A tank may be silent for hours; a running
# inverter/charger was never seen silent for more than a few seconds.
SILENCE_S = {"vebus": 15.0}
RESTING_STATES = (0, 1)  # off and low power: nothing changes, so silence says nothing
# Venus reboots at a load of 10 over 5 minutes or 6 over 15: be a lighter guest before that.
LOAD_LIMITS = (6.0, 4.0)
SLOW_POLL_TICKS = 5  # between two polls on a loaded GX, and always of what is invalid or not on the first port

Now = collections.namedtuple("Now", "mono wall")


def clock():
    """The moment: `mono` [s] for ages, `wall` [s since the epoch] for people."""
    return Now(time.monotonic(), time.time())


def log(text):
    print(text, file=sys.stderr, flush=True)


# ---- maps ------------------------------------------------------------------------------------------------------------


class Problem(collections.namedtuple("Problem", "file line column text remedy")):
    """What is wrong in one line of a map, and what to write instead."""

    __slots__ = ()

    def __str__(self):
        return f"{self.file}:{self.line}: column {self.column}: {self.text}; {self.remedy}"


class BadCell(ValueError):
    def __init__(self, column, text, remedy):
        super().__init__(text)
        self.column, self.text, self.remedy = column, text, remedy


CAPTURE = re.compile(r"\{([a-z_]+)\}")
SERVICE = re.compile(r"com\.victronenergy\.([A-Za-z0-9_]+)(?:\.(.+))?")
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class Row:
    """One line of a map: which paths of which services it reads, and the series that they become.

    `com.victronenergy.vebus.*` is every vebus service; `.{device_instance}` too, and its series carry that label
    always, not only where two of a kind exist. In a path `*` and `{name}` stand for one element, `{phase}` for L1 to
    L9. A capture fills the columns that name it (small letters in `pretty`); one that no column names is a label.
    """

    def __init__(self, cells, file="map", line=0):
        if len(cells) < FIELD_COLUMNS:
            text = f"{len(cells)} columns instead of {FIELD_COLUMNS} or more"
            raise BadCell(COLUMNS[len(cells)], text, "separate by tabs, write - for no label")
        if len(cells) > len(COLUMNS):
            raise BadCell(len(COLUMNS) + 1, f"{len(cells)} columns", f"end the line after {COLUMNS[-1]}")
        blank = ("", "-", "—")
        cell = dict(zip(COLUMNS, ["" if value in blank else value for value in cells] + [""] * len(COLUMNS)))
        self.file, self.line = file, line
        self.kind, self.exact, self.has_instance = _service(cell["service"])
        self.path, self.prefix, self.matcher, names = _path(cell["path"])
        self.pretty = cell["pretty"]
        self.labels = [(label, cell[label]) for label in ("group", "name", "phase", "device") if cell[label]]
        self.labels += [(name, "{%s}" % name) for name in names if not self._names(name)]
        self._check_captures(cell, names)
        self._check_labels()
        self.type = _choice(cell, "type", TYPES, "gauge")
        self.unit, self.help = cell["unit"], cell["help"]
        self.scale = _scale(cell["scale"])
        # The bus never signals apparent power (venus issue 95), in whatever map it stands.
        self.polled = _choice(cell, "poll", ("poll",), "") == "poll" or self.path.endswith("/S")

    def _names(self, capture):
        return any("{%s}" % capture in text for text in [self.pretty] + [value for _, value in self.labels])

    def _check_captures(self, cell, names):
        if not self.pretty:
            raise BadCell("pretty", "no metric name", "write one such as victron_ac_out_power")
        for column in ("pretty", "group", "name", "phase", "device"):
            for name in CAPTURE.findall(cell[column]):
                if name not in names:
                    raise BadCell(column, f"{{{name}}} is not in the path", f"write {{{name}}} into the path too")

    def _check_labels(self):
        labels = [label for label, _ in self.labels]
        for label in labels:
            if labels.count(label) > 1 or label in RESERVED_LABELS:
                raise BadCell("path", f"{{{label}}} would be a label of that name", "use it in a column, or rename it")

    def matches(self, paths):
        """Return (row, path, captures) for each of the paths that the row means."""
        if self.matcher is None:
            return [(self, self.path, {})] if self.path in paths else []
        near = sorted(path for path in paths if path.startswith(self.prefix))
        found = [(path, self.matcher.fullmatch(path)) for path in near]
        return [(self, path, match.groupdict()) for path, match in found if match]

    def literal_paths(self):
        """The paths that can be told without asking the service."""
        if self.matcher is None:
            return [self.path]
        paths = [self.path.replace("{phase}", phase) for phase in ("L1", "L2", "L3")]
        return [] if "*" in self.path or CAPTURE.search(paths[0]) else paths

    def examples(self):
        """Series that the row can yield: three phases, two of whatever else it captures."""
        names = CAPTURE.findall(self.path)
        choices = [("L1", "L2", "L3") if name == "phase" else ("0", "1") for name in names]
        instance = "0" if self.has_instance else None
        return [self.series(dict(zip(names, chosen)), instance) for chosen in itertools.product(*choices)]

    def sample(self, series, value):
        """Return the line of a series with a value of the bus, or None where that is no number."""
        if self.type == "info":
            return f"{add_label(series, 'value', value)} 1"
        if isinstance(value, str):
            value = number(value)
            if value is None:
                return None
        return f"{series} {value if self.scale == 1 else value * self.scale}"

    def series(self, captures, instance=None):
        """Return the metric's name and its labels as text."""
        metric = _fill(self.pretty, {name: value.lower() for name, value in captures.items()})
        labels = [(label, _fill(template, captures)) for label, template in self.labels]
        if instance is not None:
            labels.append(("device_instance", str(instance)))
        return sanitise(metric), label_text(labels)


def _service(text):
    found = SERVICE.fullmatch(text)
    if not found:
        raise BadCell(
            "service", f"{text!r} is not a service", "write com.victronenergy.CLASS or com.victronenergy.CLASS.*"
        )
    kind, suffix = found.groups()
    anyone = suffix in ("*", "{device_instance}")
    if suffix and not anyone and re.search(r"[*{]", suffix):
        raise BadCell("service", f"{suffix!r} after the class", "write * or {device_instance} or the whole name")
    return kind, None if anyone else text, suffix == "{device_instance}"


def _path(text):
    path = text if text.startswith("/") else "/" + text
    if path == "/" or re.search(r"//|\s|/$", path):
        raise BadCell("path", f"{text!r} is not a path", "write it like /Ac/Out/P")
    names = CAPTURE.findall(path)
    if len(set(names)) < len(names) or re.search(r"[{}]", CAPTURE.sub("", path)):
        raise BadCell("path", f"{text!r} has a bad capture", "write each {name} once, in small letters")
    if not names and "*" not in path:
        return path, path, None, names
    element = {"*": r"[^/]+", "{phase}": r"(?P<phase>L[1-9])"}
    parts = re.split(r"(\*|\{[a-z_]+\})", path)
    for index in range(len(parts)):
        name = rf"(?P<{parts[index][1:-1]}>[^/]+)"
        parts[index] = element.get(parts[index], name) if index % 2 else re.escape(parts[index])
    return path, re.match(r"[^*{]*", path).group(), re.compile("".join(parts)), names


def _choice(cell, column, allowed, default):
    value = cell[column] or default
    if value and value not in allowed:
        raise BadCell(column, f"{value!r} is not known", "write " + " or ".join(allowed) + " or -")
    return value


def _scale(text):
    try:
        scale = float(text or 1)
    except ValueError:
        scale = 0.0
    if not scale or scale != scale or scale in (float("inf"), float("-inf")):
        raise BadCell("scale", f"{text!r} is not a factor", "write a number such as 0.01, or -")
    return scale


def _fill(template, captures):
    return CAPTURE.sub(lambda found: captures[found.group(1)], template)


def sanitise(text):
    """Return a valid metric name: what it may not hold becomes an underscore."""
    name = re.sub(r"[^a-zA-Z0-9_:]", "_", text)
    return name if METRIC.fullmatch(name) else "_" + name


def label_text(labels):
    """Return {a="b",...}, or nothing where there is no label."""
    text = ",".join(f'{label}="{escape(value)}"' for label, value in labels)
    return "{" + text + "}" if text else ""


def add_label(series, label, value):
    start = series[:-1] + "," if series.endswith("}") else series + "{"
    return f'{start}{label}="{escape(value)}"}}'


def escape(value):
    return str(value).replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def parse_map(text, file="map"):
    """Return the rows of a map, and the problems of the lines that are none."""
    rows, problems = [], []
    for number, line in enumerate(text.split("\n"), 1):
        cells = [cell.strip() for cell in line.rstrip("\r").split("\t")]
        if not line.strip() or line.lstrip().startswith("#") or cells[:2] == COLUMNS[:2]:
            continue
        try:
            rows.append(Row(cells, file, number))
        except BadCell as bad:
            problems.append(Problem(file, number, bad.column, bad.text, bad.remedy))
    return rows, problems


def read_map(file):
    """Return rows and problems of a map file; those of its `.local.tsv` sibling come first and win."""
    local = re.sub(r"(\.local)?\.tsv$", ".local.tsv", file)
    rows, problems = parse_map(read_text(file), file)
    if local == file or not os.path.exists(local):
        return rows, problems
    own, own_problems = parse_map(read_text(local), local)
    kept = {(row.pretty, tuple(row.labels)) for row in own}
    return own + [row for row in rows if (row.pretty, tuple(row.labels)) not in kept], own_problems + problems


def read_text(file):
    with open(file, encoding="utf-8-sig", errors="replace") as opened:
        return opened.read()


def misnamed(rows):
    """Return a problem for each row whose metric is named otherwise than the map says."""
    found = []
    for row in rows:
        if not METRIC.fullmatch(CAPTURE.sub("x", row.pretty)):
            text, served = f"{row.pretty!r} is not a metric name", row.examples()[0][0]
            found.append(Problem(row.file, row.line, "pretty", text, f"write {served}, which is what is served"))
    return found


def uncounted(rows):
    """Return a problem for each counter whose name does not say that it counts; the field has some, and keeps them."""
    wrong = [row for row in rows if row.type == "counter" and not row.pretty.endswith("_total")]
    remedy = "write _total at its end, unless the name is in use"
    return [Problem(row.file, row.line, "pretty", f"{row.pretty!r} is a counter", remedy) for row in wrong]


def conflicts(rows):
    """Return a problem for each row that can yield a series which an earlier row yields too."""
    first, found = {}, []
    for row in rows:
        for series in row.examples():
            other = first.setdefault(series, row)
            if other is not row:
                text = f"{''.join(series)} is already the series of {other.file}:{other.line}"
                found.append(Problem(row.file, row.line, "pretty", text, "give one of the two a name of its own"))
                break
    return found


# ---- values and the cache --------------------------------------------------------------------------------------------


def plain(value):
    """Return a bus value as int, float or text; None where it is invalid (an empty array) or no single value."""
    if isinstance(value, float):
        return float(value) if value - value == 0 else None  # not for inf and nan
    if isinstance(value, int):
        return int(value)  # by type: str() of the byte 1 is a control character
    return str(value) if isinstance(value, str) else None


def number(value):
    """Return a cached value as number; None where it is none. Some services publish numbers as text."""
    if not isinstance(value, str):
        return value
    try:
        return plain(float(value))
    except ValueError:
        return None


def item_value(item):
    """Return the value in a {Value, Text} dictionary, or NOTHING when it carries none."""
    return item.get("Value", NOTHING) if isinstance(item, dict) else NOTHING


NOTHING = object()
EMPTY = {}


class Service:
    """What is known of one service: `values` by path, and `shown`: the same, or empty while they are not believed."""

    def __init__(self, name, owner, now):
        self.name, self.owner = name, owner
        self.kind = name[len(PREFIX) :].split(".")[0]
        self.values, self.shown = {}, EMPTY
        self.labels = label_text([("service", name)])
        self.blocks = {}  # by view and path, the blocks of text that show its value
        self.ready = False  # read once as a whole, so that labels are known
        self.heard, self.updated = now.mono, now.wall
        self.forget_matches()
        # What the engine keeps here: how to read, when next, what is under way, what does not signal.
        self.method, self.reading, self.next_read, self.reads = "GetItems", False, now.mono, 0
        self.polling, self.unsignalled, self.suspects = set(), set(), {}

    def forget_matches(self):
        self.matched = {}  # by view, rows that mean one of the paths
        self.wanted = None  # by the engine, which paths matter and which of them are polled

    def show(self, values):
        """Let every block read these values: its own, or none."""
        if self.shown is not values:
            self.shown = values
            for blocks in self.blocks.values():
                make_stale(blocks, blocks)

    @property
    def settled(self):
        """Whether it has been read often enough to have all its paths."""
        return self.reads > len(READ_AGAIN_S)

    @property
    def instance(self):
        """The device instance: stable across ports, unlike the name; None where invalid."""
        value = self.values.get("/DeviceInstance")
        return value if isinstance(value, int) else None

    def silent(self, now):
        """Whether it has been quiet for longer than a running device of its class ever is."""
        limit = SILENCE_S.get(self.kind)
        return limit is not None and now.mono - self.heard > limit and self.values.get("/State") not in RESTING_STATES


class Cache:
    """The services of the bus. `version` moves when what there is changes, not when a value does."""

    def __init__(self):
        self.services = {}
        self.version = 0
        self.plural = set()  # classes with two devices; for good, or labels would come and go with a cable

    def appear(self, name, owner, now):
        """A name has a (new) owner: return the service to read, or None when that is known already."""
        known = self.services.get(name)
        if known and known.owner == owner:
            return None
        service = self.services[name] = Service(name, owner, now)
        self.version += 1
        return service

    def vanish(self, name):
        if self.services.pop(name, None):
            self.version += 1

    def owned_by(self, owner):
        return [service for service in self.services.values() if service.owner == owner]

    def ready(self, kind=None):
        """The services that have been read, in an order that does not depend on who came first."""
        found = [service for service in self.services.values() if service.ready and kind in (None, service.kind)]
        return sorted(found, key=lambda service: (service.instance is None, service.instance or 0, service.name))

    def update(self, service, values, now, told=False):
        """Take values by path; return the changed paths. `told`: by a signal, which proves it alive in any case."""
        changed = {path for path, value in values.items() if service.values.get(path, NOTHING) != value}
        new = changed - service.values.keys()
        service.values.update(values)
        for blocks in service.blocks.values():
            make_stale(blocks, changed)
        if new:
            service.forget_matches()
        if new or "/DeviceInstance" in changed:
            self.version += 1
        if told or changed:
            service.heard, service.updated = now.mono, now.wall
            service.show(service.values)
        return changed

    def set_ready(self, service, ready, now):
        """Show the service, or no longer; when it is shown already, silence decides alone."""
        if service.ready != ready:
            service.ready, service.heard = ready, now.mono
            service.show(service.values)
            self.version += 1
        if len({other.instance for other in self.ready(service.kind)}) > 1:
            self.plural.add(service.kind)

    def hide_silent(self, now):
        for service in self.services.values():
            if service.shown and service.silent(now):
                service.show(EMPTY)


# ---- views: a map bound to what is there -----------------------------------------------------------------------------


class Block:
    """One metric: its HELP and TYPE and, by series, the sources of its value (service, path, row), best first.

    Its lines are kept until one of its values changes: most values do not between two scrapes.
    """

    def __init__(self, metric, row):
        meaning = row.help or f"{row.kind} {row.path} on the D-Bus"
        unit = f" [{row.unit}]" if row.unit else ""
        kind = "gauge" if row.type == "info" else row.type
        self.header = f"# HELP {metric} {escape(meaning + unit)}.\n# TYPE {metric} {kind}"
        self.sources = {}
        self.kept, self.stale = [], True

    def lines(self):
        if self.stale:
            self.kept, self.stale = self._lines(), False
        return self.kept

    def _lines(self):
        found = [self.header]
        for series, sources in self.sources.items():
            for service, path, row in sources:
                value = service.shown.get(path)
                line = row.sample(series, value) if value is not None else None
                if line:
                    found.append(line)
                    break
        return found if len(found) > 1 else []


def make_stale(blocks, paths):
    """Have the blocks of these paths made anew; `blocks` are by path."""
    for path in paths:
        for block in blocks.get(path, ()):
            block.stale = True


class View:
    """What one port serves: the rows of a map, bound to the services that are there."""

    def __init__(self, name, rows, problems=()):
        self.name, self.rows, self.problems = name, rows, problems
        self.labels = label_text([("view", name)])
        self.exact = {row.exact for row in rows}
        self.blocks, self.version = [], None
        self.conflicts = self.without_source = 0
        self.scrape_s = 0.0

    def matches(self, service):
        """Return (row, path, captures) for each path of the service that a row of its class means."""
        if self.name not in service.matched:
            rows = [row for row in self.rows if row.kind == service.kind]
            service.matched[self.name] = [match for row in rows for match in row.matches(service.values)]
        return service.matched[self.name]

    def means(self, row, service, present):
        """Whether the row reads this service: the one it names, or, after a cable moved, one that no row names."""
        if row.exact is None or row.exact == service.name:
            return True
        return row.exact not in present and service.name not in self.exact

    def bind(self, cache):
        """Make the blocks anew when services or paths have come or gone."""
        if self.version == cache.version:
            return
        self.version = cache.version
        services = cache.ready()
        present = {service.name for service in services}
        found = {}
        for service in services:
            for row, path, captures in self.matches(service):
                if self.means(row, service, present):
                    found.setdefault(row, []).append((service, path, captures))
        self.without_source = len(self.rows) - len(found)
        for service in cache.services.values():
            service.blocks[self.name] = {}
        self._fill_blocks(found, cache.plural)

    def _fill_blocks(self, found, plural):
        blocks, self.conflicts = {}, 0
        for row in self.rows:
            for service, path, captures in found.get(row, ()):
                wanted = row.has_instance or (service.kind in plural and row.exact != service.name)
                metric, labels = row.series(captures, service.instance if wanted else None)
                block = blocks.get(metric) or blocks.setdefault(metric, Block(metric, row))
                sources = block.sources.setdefault(metric + labels, [])
                self.conflicts += bool(sources)
                sources.append((service, path, row))
                service.blocks[self.name].setdefault(path, []).append(block)
        self.blocks = list(blocks.values())

    def lines(self, cache):
        """The text lines of every series that has a value now."""
        self.bind(cache)
        return [line for block in self.blocks for line in block.lines()]


INFO_PATHS = (
    ("product", "/ProductName"),
    ("serial", "/Serial"),
    ("firmware", "/FirmwareVersion"),
    ("custom_name", "/CustomName"),
    ("connection", "/Mgmt/Connection"),
)


def device_info_lines(cache):
    """One `victron_device_info` a service: its texts as labels, so that they need not stand on every series."""
    lines = ["# HELP victron_device_info Texts that a device says about itself.", "# TYPE victron_device_info gauge"]
    for service in cache.ready():
        texts = [(label, service.shown.get(path)) for label, path in INFO_PATHS]
        labels = [("service", service.name), ("device_instance", service.instance), *texts]
        if service.shown:
            lines.append("victron_device_info" + label_text([pair for pair in labels if pair[1] is not None]) + " 1")
    return lines if len(lines) > 2 else []


class Stats:
    """What the exporter counts about itself."""

    def __init__(self, now):
        self.started, self.ticked = now, now
        self.signals = self.polls = self.failures = self.drift = self.errors = 0
        self.round_trip_s = 0.0
        self.degraded = 0

    def tick_age(self, now):
        return now.mono - self.ticked.mono


Stat = collections.namedtuple("Stat", "head name value")


def stat(name, kind, meaning, value=None):
    """A metric about the exporter: its HELP and TYPE, its name, and the function that reads its value."""
    name = "dbus2prom_" + name
    return Stat(f"# HELP {name} {meaning}\n# TYPE {name} {kind}", name, value)


def stat_text(stat, samples):
    """The text of a metric; `samples` are pairs of labels, as text, and value."""
    return "\n".join([stat.head] + [f"{stat.name}{labels} {value}" for labels, value in samples])


VIEW_STATS = [
    stat("map_rows", "gauge", "Rows of the map.", lambda view: len(view.rows)),
    stat("map_errors", "gauge", "Wrong lines of the map, which are left out.", lambda view: len(view.problems)),
    stat("map_conflicts", "gauge", "Sources beyond the first of their series.", lambda view: view.conflicts),
    stat("map_rows_without_source", "gauge", "Rows that nothing on the bus answers.", lambda view: view.without_source),
    stat("scrape_duration_seconds", "gauge", "Time that the last scrape took.", lambda view: round(view.scrape_s, 6)),
]
PROCESS_STATS = [
    stat("signals_total", "counter", "Signals with values received.", lambda stats: stats.signals),
    stat("polls_total", "counter", "Values asked for because they are never signalled.", lambda stats: stats.polls),
    stat("call_failures_total", "counter", "Calls that failed or were not answered.", lambda stats: stats.failures),
    stat("errors_total", "counter", "Messages that could not be understood.", lambda stats: stats.errors),
    stat("reconcile_drift_total", "counter", "Values found changed without a signal.", lambda stats: stats.drift),
    stat("bus_round_trip_seconds", "gauge", "Time of the last call.", lambda stats: round(stats.round_trip_s, 6)),
    stat("degraded", "gauge", "1 while polling less because the GX is loaded.", lambda stats: int(stats.degraded)),
]
BUILD = stat("build_info", "gauge", "What is running.")
UPTIME = stat("uptime_seconds", "gauge", "Time since the start.")
SERVICES = stat("services", "gauge", "Services on the bus.")
UPDATED = stat("service_last_update_timestamp_seconds", "gauge", "When the service last sent or changed a value.")


class Exporter:
    """Every view on the one cache, and what the exporter says about itself."""

    def __init__(self, views, now):
        self.views, self.cache, self.stats = views, Cache(), Stats(now)
        self.build = [("version", VERSION), ("python", "{}.{}.{}".format(*sys.version_info)), ("release", release())]

    def metrics(self, view, now):
        """Return the text of a scrape. What concerns the process stands on the first port, texts on the last."""
        lines = view.lines(self.cache)
        if view is self.views[-1]:
            lines += device_info_lines(self.cache)
        lines += [stat_text(stat, [(view.labels, stat.value(view))]) for stat in VIEW_STATS]
        if view is self.views[0]:
            lines += self._process_texts(now)
        view.scrape_s = time.monotonic() - now.mono
        return "\n".join(lines) + "\n"

    def _process_texts(self, now):
        services = self.cache.ready()
        shown = sum(1 for service in services if service.shown)
        states = [
            ('{state="shown"}', shown),
            ('{state="silent"}', len(services) - shown),
            ('{state="unread"}', len(self.cache.services) - len(services)),
        ]
        uptime = round(now.mono - self.stats.started.mono, 3)
        return [
            stat_text(BUILD, [(label_text(self.build), 1)]),
            stat_text(UPTIME, [("", uptime)]),
            *[stat_text(stat, [("", stat.value(self.stats))]) for stat in PROCESS_STATS],
            stat_text(SERVICES, states),
            stat_text(UPDATED, [(service.labels, round(service.updated, 3)) for service in services]),
        ]

    def answer(self, view, path, now):
        """Return status, content type and text for a path."""
        if path == "/metrics":
            return "200 OK", "text/plain; version=0.0.4; charset=utf-8", self.metrics(view, now)
        age = self.stats.tick_age(now)
        if path in ("/-/healthy", "/-/ready", "/"):
            if age > HUNG_S:
                return "503 Service Unavailable", PLAIN_TEXT, f"the loop has not ticked for {age:.0f} s\n"
            return "200 OK", PLAIN_TEXT, "ok\n"
        return "404 Not Found", PLAIN_TEXT, "there is /metrics and /-/healthy\n"


def release():
    """The release that this file was installed with, or nothing when it runs from anywhere else."""
    folder = os.path.dirname(os.path.realpath(__file__))
    return os.path.basename(folder) if os.path.basename(os.path.dirname(folder)) == "releases" else ""


# ---- HTTP ------------------------------------------------------------------------------------------------------------

PLAIN_TEXT = "text/plain; charset=utf-8"
REQUEST_BYTES = 8192
SEND_BYTES = 65536  # a whole answer, as a rule; the kernel holds no more for a client that does not read
CONNECTIONS = 16
IDLE_S = 120.0

Request = collections.namedtuple("Request", "method path keep_alive gzip")


def parse_request(data):
    """Return (request, rest of data), (None, data) while it is incomplete; ValueError when it is no HTTP."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > REQUEST_BYTES:
            raise ValueError("request too long")
        return None, data
    first, *rest = data[:end].decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("not HTTP/1")
    headers = {name.strip().lower(): value.strip().lower() for name, _, value in (line.partition(":") for line in rest)}
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise ValueError("a body is not expected")
    connection = headers.get("connection", "")
    keep_alive = "close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection
    gzip = accepts_gzip(headers.get("accept-encoding", ""))
    return Request(method, target.partition("?")[0], keep_alive, gzip), data[end + 4 :]


def accepts_gzip(header):
    codings = [coding.replace(" ", "") for coding in header.split(",")]
    return any(re.fullmatch(r"gzip(;q=(1(\.0*)?|0\.0*[1-9][0-9]*))?", coding) for coding in codings)


def response(status, content_type, text, request):
    """Return head and body as one piece: in two, delayed acknowledgements cost 40 ms a scrape."""
    body = text.encode("utf-8")
    head = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {content_type}",
        "Connection: " + ("keep-alive" if request.keep_alive else "close"),
    ]
    if request.gzip and len(body) > 500:
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        body = packer.compress(body) + packer.flush()
        head += ["Content-Encoding: gzip", "Vary: Accept-Encoding"]
    head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + (b"" if request.method == "HEAD" else body)


def listen(address, port):
    """Return a listening socket; SystemExit with a sentence where that is not possible."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    try:
        listener.bind((address, port))
        listener.listen(CONNECTIONS)
    except OSError as error:
        raise SystemExit(
            f"dbus2prom: cannot listen on {address}:{port}: {error.strerror or error}; is it running already?"
        )
    listener.setblocking(False)
    return listener


class Server:
    """One port in the GLib loop: no thread, so no lock on the cache."""

    def __init__(self, glib, exporter, view, listener):
        self.glib, self.exporter, self.view, self.listener = glib, exporter, view, listener
        self.connections = set()
        glib.io_add_watch(listener.fileno(), glib.PRIORITY_DEFAULT, glib.IO_IN, self._accept)

    def _accept(self, *_):
        try:
            peer, _ = self.listener.accept()
        except OSError:
            return True
        if len(self.connections) >= CONNECTIONS:
            min(self.connections, key=lambda connection: connection.used).close()
        peer.setblocking(False)
        self.connections.add(Connection(self, peer))
        return True

    def close_idle(self, now):
        for connection in [one for one in self.connections if now.mono - one.used > IDLE_S]:
            connection.close()


class Connection:
    """A client: requests in, each answered with one write, what the socket does not take at once is sent later."""

    def __init__(self, server, peer):
        self.server, self.peer = server, peer
        self.received, self.unsent = b"", b""
        self.closing = False
        self.used = clock().mono
        self.reading, self.writing = self._watch(server.glib.IO_IN, self._readable), None

    def _watch(self, condition, callback):
        glib = self.server.glib
        condition |= glib.IO_ERR | glib.IO_HUP
        return glib.io_add_watch(self.peer.fileno(), glib.PRIORITY_DEFAULT, condition, callback)

    def close(self):
        """End it; may be called from its own callbacks, which then return True."""
        for watch in (self.reading, self.writing):
            if watch:
                self.server.glib.source_remove(watch)
        self.reading = self.writing = None
        self.server.connections.discard(self)
        self.peer.close()

    def _readable(self, *_):
        try:
            data = self.peer.recv(REQUEST_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        self.received += data
        if not data or len(self.received) > 2 * REQUEST_BYTES:
            self.close()
            return True
        self.used = clock().mono
        self._answer_all()
        return True

    def _answer_all(self):
        """Answer what is complete; a client that does not read its answers gets no new ones."""
        try:
            while not self.unsent and not self.closing:
                request, self.received = parse_request(self.received)
                if request is None:
                    return
                self._answer(request)
        except ValueError as error:
            bad = Request("GET", "", False, False)
            self._send(response("400 Bad Request", PLAIN_TEXT, f"{error}\n", bad), closing=True)

    def _answer(self, request):
        if request.method in ("GET", "HEAD"):
            status, content_type, text = self.server.exporter.answer(self.server.view, request.path, clock())
        else:
            status, content_type, text = "405 Method Not Allowed", PLAIN_TEXT, "GET and HEAD only\n"
        self._send(response(status, content_type, text, request), closing=not request.keep_alive)

    def _send(self, data, closing):
        self.closing = closing
        self.unsent = data
        self._write()
        if self.unsent and not self.writing:
            self.writing = self._watch(self.server.glib.IO_OUT, self._writable)

    def _write(self):
        try:
            self.unsent = self.unsent[self.peer.send(self.unsent) :]
        except BlockingIOError:
            return
        except OSError:
            self.unsent, self.closing = b"", True
        if not self.unsent and self.closing:
            self.close()

    def _writable(self, *_):
        self._write()
        if not self.unsent and self.writing:
            self.server.glib.source_remove(self.writing)
            self.writing = None
            self._answer_all()
        return True


# ---- the bus ---------------------------------------------------------------------------------------------------------

BUS_ITEM = "com.victronenergy.BusItem"
BUS = "org.freedesktop.DBus"
MATCH_RULES = (
    f"type='signal',interface='{BUS_ITEM}',member='ItemsChanged'",
    f"type='signal',interface='{BUS_ITEM}',member='PropertiesChanged'",
    f"type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0namespace='{PREFIX[:-1]}'",
)
NOT_ANSWERED = (f"{BUS}.Error.NoReply", f"{BUS}.Error.Timeout", f"{BUS}.Error.TimedOut")
LEFT = (f"{BUS}.Error.ServiceUnknown", f"{BUS}.Error.NameHasNoOwner")
# Ways to read a service as a whole, best first; the last asks for each path of the maps.
NEXT_METHOD = {"GetItems": "GetValue", "GetValue": None}


class Engine:
    """Keeps the cache true: signals, polls of what never signals, and now and then a reading of everything."""

    def __init__(self, bus, lowlevel, exporter, load_limits=LOAD_LIMITS):
        self.bus, self.lowlevel, self.load_limits = bus, lowlevel, load_limits
        self.exporter, self.cache, self.stats = exporter, exporter.cache, exporter.stats
        self.ticks = 0

    def start(self):
        """Subscribe first, then ask who is there: nobody can slip through between."""
        self.bus.add_message_filter(self._on_message)
        for rule in MATCH_RULES:
            self.bus.add_match_string_non_blocking(rule)
        self._call(BUS, "/org/freedesktop/DBus", BUS, "ListNames", self._on_names, self._on_no_names)
        self.tick()

    def _call(self, destination, path, interface, method, done, failed, timeout=READ_TIMEOUT_S, argument=None):
        message = self.lowlevel.MethodCallMessage(destination, path, interface, method)
        message.set_auto_start(False)
        if argument is not None:
            message.append(argument, signature="s")
        sent = time.monotonic()

        def on_reply(reply):
            self.stats.round_trip_s = time.monotonic() - sent
            if isinstance(reply, self.lowlevel.ErrorMessage):
                self.stats.failures += 1
                failed(reply.get_error_name())
            else:
                done(*reply.get_args_list())

        self.bus.send_message_with_reply(message, on_reply, timeout, True)

    # who is there

    def _on_names(self, names):
        for name in names:
            if name.startswith(PREFIX):
                self._ask_owner(str(name))

    def _on_no_names(self, error):
        log(f"dbus2prom: the bus does not say who is on it: {error}")
        os._exit(1)  # an exception would be swallowed by the callback

    def _ask_owner(self, name):
        def appear(owner):
            self._appear(name, str(owner))

        self._call(BUS, "/org/freedesktop/DBus", BUS, "GetNameOwner", appear, log, argument=name)

    def _appear(self, name, owner):
        service = self.cache.appear(name, owner, clock())
        if service:
            log(f"{name} is there")
            self._read(service)

    # signals

    def _on_message(self, _, message):
        if isinstance(message, self.lowlevel.SignalMessage):
            try:
                self._on_signal(message.get_member(), message, clock())
            except Exception as error:  # one odd service must not silence the others
                self.stats.errors += 1
                log(f"signal of {message.get_sender()} {message.get_path()}: {type(error).__name__}: {error}")
        return self.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED

    def _on_signal(self, member, message, now):
        if member == "NameOwnerChanged":
            name, _, owner = message.get_args_list()
            if name.startswith(PREFIX):
                self._on_owner(str(name), str(owner))
            return
        services = self.cache.owned_by(message.get_sender())
        if services and member in ("ItemsChanged", "PropertiesChanged"):
            values = signal_values(member, message.get_path(), message.get_args_list()[0])
            self.stats.signals += 1
            for service in services:
                self.cache.update(service, values, now, told=True)
                for path in service.suspects.keys() & values.keys():
                    del service.suspects[path]

    def _on_owner(self, name, owner):
        if not owner:
            log(f"{name} has gone")
            self.cache.vanish(name)
        else:
            self._appear(name, owner)

    # readings

    def _read(self, service):
        if service.reading:
            return
        service.reading = True
        if service.method is None:
            self._read_paths(service)
            return

        def done(items):
            service.reading = False
            values = root_values(service.method, items)
            # Nothing is what a service answers that is just starting; twice nothing is one that cannot do better.
            if values is None or (not values and service.reads):
                self._try_next_method(service)
            else:
                self._on_read(service, values, clock())

        def failed(error):
            service.reading = False
            self._on_unread(service, error, clock())

        self._call(service.owner, "/", BUS_ITEM, service.method, done, failed)

    def _on_read(self, service, values, now):
        known = service.values.copy() if service.ready else {}
        changed = self.cache.update(service, values, now)
        mapped, polled, _ = self._wanted(service)
        for path in (changed & known.keys() & mapped) - polled - service.unsignalled:
            service.suspects.setdefault(path, now.mono)
        service.reads += 1
        service.next_read = now.mono + (RECONCILE_S if service.settled else READ_AGAIN_S[service.reads - 1])
        self.cache.set_ready(service, True, now)

    def _on_unread(self, service, error, now):
        service.next_read = now.mono + RETRY_S
        if error in LEFT:
            return
        if error in NOT_ANSWERED:
            if service.ready and now.mono - service.heard > READ_TIMEOUT_S:
                log(f"{service.name} does not answer")
                self.cache.set_ready(service, False, now)
        elif not (service.reads and service.values):
            self._try_next_method(service)

    def _try_next_method(self, service):
        service.method = NEXT_METHOD[service.method]
        self._read(service)

    def _read_paths(self, service):
        """A service that cannot be read as a whole: poll each path that a map names."""
        now = clock()
        rows = [row for view in self.exporter.views for row in view.rows if row.kind == service.kind]
        paths = {"/DeviceInstance"}.union(*(row.literal_paths() for row in rows))
        self.cache.update(service, dict.fromkeys(paths - service.values.keys()), now)
        service.unsignalled |= paths
        service.reading, service.next_read = False, now.mono + RECONCILE_S
        self.cache.set_ready(service, True, now)

    def _wanted(self, service):
        """Return the paths that the maps mean; of them those that never signal; of these those on the first port."""
        if service.wanted is None:
            matches = [view.matches(service) for view in self.exporter.views]
            mapped = {path for found in matches for _, path, _ in found}
            polled, often = (
                {path for found in some for row, path, _ in found if row.polled} for some in (matches, matches[:1])
            )
            service.wanted = mapped, polled, often
        return service.wanted

    def _due(self, service):
        """The paths to ask for in this tick. Each question costs both sides: most are left out of most ticks."""
        _, polled, often = self._wanted(service)
        if self.ticks % SLOW_POLL_TICKS == 0:
            return (polled | service.unsignalled) & service.values.keys()
        if self.stats.degraded:
            return set()
        return service.unsignalled | {path for path in often if service.values.get(path) is not None}

    # once a second

    def tick(self):
        now = clock()
        signal.alarm(KILL_S)
        self.ticks += 1
        self.stats.ticked = now
        self.stats.degraded = any(load > limit for load, limit in zip(os.getloadavg()[1:], self.load_limits))
        self.cache.hide_silent(now)
        for service in list(self.cache.services.values()):
            self._note_drift(service, now)
            if service.ready:
                self._poll(service)
        self._read_due(now)
        return True

    def _note_drift(self, service, now):
        for path in [path for path, since in service.suspects.items() if now.mono - since > SIGNAL_DELAY_S]:
            del service.suspects[path]
            self.stats.drift += 1
            if len(service.unsignalled) < UNSIGNALLED:
                service.unsignalled.add(path)
                log(f"{service.name}{path} changes without a signal: polled from now on")

    def _read_due(self, now):
        """Read what is due, of those that have been read before one a second."""
        due = [service for service in self.cache.services.values() if service.next_read <= now.mono]
        settled = [service for service in due if service.settled]
        unsettled = [service for service in due if not service.settled]
        for service in unsettled + ([] if self.stats.degraded else settled[:1]):
            self._read(service)

    def _poll(self, service):
        for path in self._due(service) - service.polling:
            service.polling.add(path)
            self._poll_path(service, path)

    def _poll_path(self, service, path):
        self.stats.polls += 1

        def done(value=None):
            service.polling.discard(path)
            self.cache.update(service, {path: plain(value)}, clock())

        def failed(error):
            service.polling.discard(path)
            if error not in NOT_ANSWERED:
                service.unsignalled.discard(path)
            self.cache.update(service, {path: None}, clock())

        self._call(service.owner, path, BUS_ITEM, "GetValue", done, failed, POLL_TIMEOUT_S)


def signal_values(member, path, argument):
    """Return the values by path that a signal carries."""
    items = argument if member == "ItemsChanged" else {path: argument}
    found = {str(path): item_value(item) for path, item in items.items()}
    return {path: plain(value) for path, value in found.items() if value is not NOTHING and path != "/"}


def root_values(method, items):
    """Return the values by path of a service read as a whole, or None where it gave no dictionary."""
    if not isinstance(items, dict):
        return None
    if method == "GetItems":
        return signal_values("ItemsChanged", "/", items)
    return {"/" + str(path).lstrip("/"): plain(value) for path, value in items.items()}


# ---- commands --------------------------------------------------------------------------------------------------------


def check(files):
    """Print what is wrong with the maps, taken together; return the exit code."""
    rows, problems = [], []
    for file in files:
        own_rows, own_problems = parse_map(read_text(file), file)
        rows, problems = rows + own_rows, problems + own_problems
    problems += misnamed(rows) + conflicts(rows)
    for problem in sorted(problems):
        print(problem)
    for problem in uncounted(rows):
        print(f"warning: {problem}")
    if not problems:
        print(f"{len(rows)} rows, no problem")
    return 1 if problems else 0


def discovered(cache):
    """Return a map of every number that is on the bus."""
    lines = {"# " + "\t".join(COLUMNS[:FIELD_COLUMNS]): None}
    for service in cache.ready():
        for path, value in sorted(service.values.items()):
            lines.update({discovered_row(service, path): None} if number(value) is not None else {})
    return "\n".join(lines) + "\n"


def discovered_row(service, path):
    """Return a row for the path: a phase is captured, everything else is written out."""
    name = service.name if "." not in service.name[len(PREFIX) :] else PREFIX + service.kind + ".{device_instance}"
    path = re.sub(r"/L[1-9](?=/|$)", "/{phase}", path, count=1)
    metric = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", path.strip("/").replace("{phase}", "")).lower()
    metric = re.sub(r"[^a-z0-9]+", "_", metric).strip("_")
    phase = "{phase}" if "{phase}" in path else "-"
    return "\t".join([name, path, f"victron_{service.kind}_{metric}", service.kind, metric, phase, "-"])


def port_map(text):
    """Split FILE:PORT."""
    file, _, port = text.rpartition(":")
    if not file or not port.isdigit() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE:PORT, such as map_fast.tsv:9480")
    return file, int(port)


def load_limits(text):
    """Split LOAD5,LOAD15."""
    found = re.fullmatch(r"([0-9.]+),([0-9.]+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not LOAD5,LOAD15, such as 6,4")
    return tuple(float(load) for load in found.groups())


def load_view(name, file):
    """Return a view; a wrong line costs that line only, and is said in the log and in a metric."""
    try:
        rows, problems = read_map(file)
    except OSError as error:
        raise SystemExit(f"dbus2prom: cannot read {file}: {error.strerror}; name the map as FILE:PORT")
    for problem in problems:
        log(f"left out: {problem}")
    if not rows:
        raise SystemExit(f"dbus2prom: {file} has no row; try --check {file}")
    log(f"{name}: {len(rows)} rows of {file}")
    return View(name, rows, problems)


def connect(address):
    """Return the system bus and the modules to use it with; the process ends when the bus does."""
    import dbus
    import dbus.lowlevel
    import dbus.mainloop.glib
    from gi.repository import GLib

    if address:
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = address
    try:
        bus = dbus.SystemBus(mainloop=dbus.mainloop.glib.DBusGMainLoop())
    except dbus.DBusException as error:
        raise SystemExit(f"dbus2prom: no system bus at {address or 'its usual address'}: {error.get_dbus_message()}")
    return bus, dbus.lowlevel, GLib


def serve(views, ports, options):
    """Serve until the bus or the process ends."""
    listeners = [listen(options.listen, port) for port in ports]
    exporter = Exporter(views, clock())
    bus, lowlevel, glib = connect(options.bus)
    servers = [Server(glib, exporter, view, listener) for view, listener in zip(views, listeners)]
    engine = Engine(bus, lowlevel, exporter, options.load_limits)

    def tick():
        for server in servers:
            server.close_idle(clock())
        return engine.tick()

    engine.start()
    glib.timeout_add(int(TICK_S * 1000), tick)
    log(f"serving on {options.listen}, ports {', '.join(map(str, ports))}")
    glib.MainLoop().run()


def discover(options):
    """Print a map of what is on the bus."""
    exporter = Exporter([], clock())
    bus, lowlevel, glib = connect(options.bus)
    loop = glib.MainLoop()
    Engine(bus, lowlevel, exporter).start()
    glib.timeout_add(int(DISCOVER_S * 1000), loop.quit)
    loop.run()
    sys.stdout.write(discovered(exporter.cache))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="dbus2prom.py", description=__doc__.split("\n")[0])
    parser.add_argument("--fast", type=port_map, metavar="MAP:PORT", help="serve this map on this port")
    parser.add_argument("--slow", type=port_map, metavar="MAP:PORT", help="serve this map on this port too")
    parser.add_argument("--bus", metavar="ADDRESS", help="D-Bus address instead of the system bus")
    parser.add_argument("--listen", metavar="ADDRESS", default="0.0.0.0", help="address to listen on [%(default)s]")
    limits = "poll less above these loads over 5 and 15 minutes [%s,%s]" % LOAD_LIMITS
    parser.add_argument("--load-limits", type=load_limits, metavar="A,B", default=LOAD_LIMITS, help=limits)
    parser.add_argument("--check", nargs="+", metavar="MAP", help="say what is wrong with maps, and end")
    parser.add_argument("--discover", action="store_true", help="print a map of what is on the bus, and end")
    parser.add_argument("--version", action="version", version=f"dbus2prom {VERSION}")
    options = parser.parse_args(arguments)
    if options.check:
        return check(options.check)
    if options.discover:
        return discover(options)
    given = [(name, *value) for name, value in (("fast", options.fast), ("slow", options.slow)) if value]
    if not given:
        parser.error("give --fast MAP:PORT, --slow MAP:PORT or both")
    return serve([load_view(name, file) for name, file, _ in given], [port for _, _, port in given], options)


if __name__ == "__main__":
    sys.exit(main())
