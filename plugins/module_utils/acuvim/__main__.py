"""The discovery from a shell: the same code, registry and lock as the playbook.

    python3 -m acuvim --targets FILE                  look only: what is there, and why
    python3 -m acuvim --targets FILE --registry FILE --telegraf-dir DIR --staging DIR --template FILE

Exit status: 0 done, 1 nothing changed and the reason on standard error, 2 bad usage.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys

from . import report, targets
from .discover import Result, discover
from .errors import AcuvimError
from .settings import DEFAULTS, settings

_PROGRESS_FROM = 64


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        listed = targets.read(options.targets, options.addresses_max)
        modes = {"check_mode": options.check, "unsettled_only": options.unsettled}
        wanted = settings(listed, vars(options), shlex.split(options.telegraf_check), options.forget, **modes)
        result = discover(wanted, _show_progress if sys.stderr.isatty() else None)
    except AcuvimError as error:
        print(f"acuvim: {error}", file=sys.stderr)
        return 1
    print(_printed(result, options))
    return 0


def _printed(result: Result, options: argparse.Namespace) -> str:
    if options.json:
        return json.dumps(result.as_dict(), indent=2)
    return report.text(result, with_diff=options.diff)


def parser() -> argparse.ArgumentParser:
    """All options; those of DEFAULTS have the names that the module gives them."""
    made = argparse.ArgumentParser(prog="acuvim", description="Find Acuvim meters and write what Telegraf polls.")
    add = made.add_argument
    add("--targets", required=True, metavar="FILE", help="one address or network a line")
    add("--telegraf-check", default="", metavar="COMMAND", help="proves files in {path}, or below staging in {run}")
    add("--forget", action="append", default=[], metavar="KEY", help="remove a meter (serial, or ip/unit) for good")
    add("--check", action="store_true", help="show the plan, change nothing")
    add("--unsettled", action="store_true", help="ask only where no meter is polled that has shown its power unit")
    add("--diff", action="store_true", help="show each file before and after")
    add("--json", action="store_true", help="print everything as JSON")
    for name, default in DEFAULTS.items():
        shown = f"{_HELP[name]} ({default})" if default else _HELP[name]
        kind = json.loads if isinstance(default, (bool, dict)) else type(default)
        add(f"--{name.replace('_', '-')}", type=kind, default=default, metavar="X", help=shown)
    return made


_HELP = {
    "registry": "file of the known meters; without it nothing is remembered",
    "telegraf_dir": "folder that Telegraf watches; without it no files",
    "staging": "folder beside the watched one, on the same filesystem",
    "template": "Jinja template of one meter's file",
    "metrics_file": "file for node_exporter's textfile collector",
    "interval": "of the live values",
    "energy_interval": "of the counters",
    "networks": 'wired, wifi or an interval by network: {"10.10.4.0/24": "wired"}',
    "burst": "whether meters are also read every 100 ms, their most important values: true or false",
    "absent_after": "how long a meter may be missing until it is no longer polled, such as 30d; empty: for ever",
    "verify_url": "VictoriaMetrics: samples must arrive there, or all is put back",
    "verify_seconds": "how long to wait for them",
    "addresses_max": "refuse larger scans",
    "connects_per_second": "over all addresses",
    "hosts_at_once": "addresses asked at the same time",
    "connect_timeout": "of one attempt [s]",
    "connect_attempts": "for an address that does not answer",
    "reply_timeout": "of one read [s]",
    "lock_seconds": "how long to wait for another run",
}


def _show_progress(done: int, total: int) -> None:
    if total >= _PROGRESS_FROM:
        print(f"\r{done} of {total} addresses", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
