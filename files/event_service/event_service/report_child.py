"""Makes one report in a process of its own: its memory returns, it can be ended, and a crash hurts nobody.

`python -m event_service.report_child` takes the request as JSON on stdin and answers with JSON on stdout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from event_service import report_request, reports
from event_service.reports import Made, ReportError, ReportRequest

TIMEOUT_S = 180.0
NICENESS = 10


def make(
    request: ReportRequest,
    *,
    query_url: str,
    out: Path,
    now_ns: int,
    versions: dict[str, str],
    timeout_s: float = TIMEOUT_S,
) -> Made:
    """As `reports.make`, in a child; ReportError also when it took too long or died."""
    task = {
        "request": report_request.encoded(request),
        "query_url": query_url,
        "out": str(out),
        "now_ns": now_ns,
        "versions": versions,
    }
    try:
        child = subprocess.run(
            [sys.executable, "-m", "event_service.report_child"],
            input=json.dumps(task).encode(),
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ReportError(f"Making the report took longer than {timeout_s:.0f} s and was ended.") from None
    if child.returncode != 0:
        said = child.stderr.decode(errors="replace").strip().splitlines()
        raise ReportError(f"Making the report failed ({child.returncode}): {said[-1] if said else 'no message'}")
    return _made(json.loads(child.stdout))


def main() -> None:
    os.nice(NICENESS)
    task = json.load(sys.stdin)
    try:
        made = reports.make(
            report_request.decoded(task["request"]),
            query_url=task["query_url"],
            out=Path(task["out"]),
            now_ns=task["now_ns"],
            versions=task["versions"],
        )
        answer = {"state": made.state, "digest": made.digest, "folder": str(made.folder), "summary": made.summary}
    except ReportError as error:
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout)


def _made(answer: dict) -> Made:
    if "error" in answer:
        raise ReportError(answer["error"])
    return Made(answer["state"], answer["digest"], Path(answer["folder"]), answer["summary"])


if __name__ == "__main__":
    main()
