"""Command line: serve, or make the report of a stored event."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from event_service import __version__, config, log, report_request, reports
from event_service.config import Config, ConfigError
from event_service.errors import NotFound
from event_service.store import Store, StoreError, runs


def main(words: list[str] | None = None) -> int:
    """Do what the words say; returns the exit status."""
    options = _parser().parse_args(words)
    try:
        settings = config.load()
        # A service's log goes where `docker logs … | grep` looks; a command's answer has its output for itself.
        log.set_up(settings.log_level, sys.stderr if options.command == "report" else sys.stdout)
        if options.command == "report":
            print(_report(settings, options.event_id, options.run, options.out))
        else:
            _serve(settings, options.host)
    except (ConfigError, StoreError, NotFound, reports.ReportError) as error:
        print(f"event_service: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m event_service",
        description="Events, notes and reports of a rig: the API and the operator page. Settings come from the "
        "environment; only DB_PATH, the file for events, must be set.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    report = commands.add_parser("report", help="make the report of a stored event and print its folder")
    report.add_argument("event_id", metavar="EVENT_ID")
    report.add_argument("--run", help="id of the run (default: the latest that has ended)")
    report.add_argument("--out", type=Path, help="new folder for it (default: report-RUN in the working directory)")
    return parser


def _serve(settings: Config, host: str) -> None:
    from event_service import server  # the report command needs no HTTP server

    server.serve(settings, host)


def _report(settings: Config, event_id: str, run_id: str | None, out: Path | None) -> Path:
    store = Store(settings.db_path)
    with store.read() as db:
        ended = [run["run_id"] for run in runs.of_event(db, event_id) if run["end_ns"] is not None]
        if not ended or (run_id and run_id not in ended):
            raise NotFound(f"{settings.db_path} holds no ended run {run_id or ''} of event {event_id!r}")
        request = report_request.request(db, run_id or ended[0], version=1, timezone=settings.timezone)
    made = reports.make(
        request,
        query_url=settings.vm_query_url,
        out=out or Path.cwd() / f"report-{request.run_id}",
        now_ns=time.time_ns(),
        versions={"event_service": settings.build.version, "git_sha": settings.build.git_sha},
    )
    return made.folder


if __name__ == "__main__":
    sys.exit(main())
