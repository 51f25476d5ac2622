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
from pathlib import Path

from . import modbus, probe, report, targets
from .discover import Result, Settings, discover
from .errors import AcuvimError
from .render import Polling
from .telegraf import Folder

_PROGRESS_FROM = 64


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.telegraf_dir and not (options.staging and options.template and options.registry):
        parser.error("--telegraf-dir needs --staging, --template and --registry")
    try:
        result = discover(_settings(options), _show_progress if sys.stderr.isatty() else None)
    except AcuvimError as error:
        print(f"acuvim: {error}", file=sys.stderr)
        return 1
    print(_printed(result, options))
    return 0


def _printed(result: Result, options: argparse.Namespace) -> str:
    if options.json:
        return json.dumps(result.as_dict(), indent=2)
    return report.text(result, with_diff=options.diff)


def _settings(options: argparse.Namespace) -> Settings:
    folder = None
    if options.telegraf_dir:
        check = tuple(shlex.split(options.telegraf_check))
        folder = Folder(Path(options.telegraf_dir), Path(options.staging), check)
    return Settings(
        targets=targets.read(options.targets, options.addresses_max),
        registry=options.registry,
        folder=folder,
        template=options.template,
        metrics_file=options.metrics_file,
        polling=Polling(options.interval, options.energy_interval),
        timing=modbus.Timing(options.connect_timeout, options.connect_attempts, options.reply_timeout),
        pace=probe.Pace(options.hosts_at_once, options.connects_per_second),
        verify_url=options.verify_url,
        verify_seconds=options.verify_seconds,
        lock_seconds=options.lock_seconds,
        forget=options.forget,
        check_mode=options.check,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="acuvim", description="Find Acuvim meters and write what Telegraf polls.")
    add = parser.add_argument
    add("--targets", required=True, metavar="FILE", help="one address or network a line")
    add("--registry", default="", metavar="FILE", help="the known meters; without it nothing is remembered")
    add("--telegraf-dir", default="", metavar="DIR", help="the folder that Telegraf watches; without it no files")
    add("--staging", default="", metavar="DIR", help="beside the watched folder, on the same filesystem")
    add("--template", default="", metavar="FILE", help="Jinja template of one meter's file")
    add("--telegraf-check", default="", metavar="COMMAND", help="proves files in {path}, or below staging in {run}")
    add("--metrics-file", default="", metavar="FILE", help="for node_exporter's textfile collector")
    add("--interval", default=Polling.interval, help="of the live values (%(default)s)")
    add("--energy-interval", default=Polling.energy_interval, help="of the counters (%(default)s)")
    add("--verify-url", default="", metavar="URL", help="VictoriaMetrics: samples must arrive, or all is put back")
    add("--verify-seconds", type=float, default=Settings.verify_seconds, help="how long to wait (%(default)s)")
    add("--forget", action="append", default=[], metavar="KEY", help="remove a meter (serial, or ip/unit) for good")
    add("--check", action="store_true", help="show the plan, change nothing")
    add("--diff", action="store_true", help="show each file before and after")
    add("--json", action="store_true", help="print everything as JSON")
    add("--addresses-max", type=int, default=targets.ADDRESSES_MAX, help="refuse larger scans (%(default)s)")
    add("--hosts-at-once", type=int, default=probe.Pace.hosts_at_once, help="(%(default)s)")
    add("--connects-per-second", type=float, default=probe.Pace.connects_per_second, help="(%(default)s)")
    add("--connect-timeout", type=float, default=modbus.Timing.connect_s, help="of one attempt [s] (%(default)s)")
    add("--connect-attempts", type=int, default=modbus.Timing.connect_attempts, help="(%(default)s)")
    add("--reply-timeout", type=float, default=modbus.Timing.reply_s, help="of one read [s] (%(default)s)")
    add("--lock-seconds", type=float, default=Settings.lock_seconds, help="wait for another run (%(default)s)")
    return parser


def _show_progress(done: int, total: int) -> None:
    if total >= _PROGRESS_FROM:
        print(f"\r{done} of {total} addresses", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
