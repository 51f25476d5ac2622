"""Run by the interpreters that a GX may have: serve the shipped maps once, with only the modules that it surely has.

PYTHON portable.py PROGRAM FAST_MAP SLOW_MAP
"""

import contextlib
import pathlib
import sys

MISSING = ("dataclasses", "statistics", "resource", "tomllib", "dbus", "gi", "http", "unittest", "sqlite3", "syslog")


class Missing:
    """Makes modules unimportable, as on an image that leaves them out."""

    def find_spec(self, name, *_):
        if name.split(".")[0] in MISSING:
            raise ModuleNotFoundError("No module named " + repr(name))


@contextlib.contextmanager
def modules_missing():
    """A block in which they cannot be imported, not even those that were loaded before."""
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in MISSING}
    finder = Missing()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.modules.update(hidden)


def main():
    program, *maps = sys.argv[1:]
    scope = {"__name__": "dbus2prom", "__file__": program}
    source = pathlib.Path(program).read_text(encoding="utf-8")
    exec(compile(source, program, "exec"), scope)
    now = scope["Now"](0.0, 1700000000.0)
    exporter = scope["Exporter"]([scope["load_view"](pathlib.Path(file).stem, file) for file in maps], now)
    exporter.build = []
    values = {
        "/DeviceInstance": 276,
        "/State": 9,
        "/Ac/Out/P": 1200,
        "/Ac/Out/L1/V": 230.1,
        "/Soc": 87,
        "/CustomName": "é",
    }
    service = exporter.cache.appear("com.victronenergy.vebus.ttyS4", ":1.1", now)
    exporter.cache.update(service, values, now)
    exporter.cache.set_ready(service, True, now)
    request, _ = scope["parse_request"](b"GET /metrics HTTP/1.1\r\n\r\n")
    for view in exporter.views:
        text = "\n".join(view.lines(exporter.cache))
        sys.stdout.buffer.write(scope["response"]("200 OK", "text/plain", text, request))


if __name__ == "__main__":
    with modules_missing():
        main()
