"""One event through the public API: what an operator does with a phone."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass

from tests.lab.progress import say
from tests.parts.process import wait_until

# (share of the event that passes before it, what the operator writes)
NOTES = (
    (0.1, "Load bank connected"),
    (0.5, "Fans and voltages checked, no alarm"),
    (0.2, "Taking the load off"),
)


@dataclass(frozen=True)
class Event:
    """What ran: the API's own times and where its report is."""

    event_id: str
    systems: dict[str, int]
    end_ns: int
    report_url: str


class Api:
    """A client of event-service; `base` is its address."""

    def __init__(self, base: str):
        self.base = base

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(self.base + path, timeout=20) as reply:
            return json.load(reply)

    def post(self, path: str, **body) -> dict:
        request = urllib.request.Request(
            self.base + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as problem:
            raise RuntimeError(f"POST {path} {body}: {problem.code} {problem.read().decode()}") from problem


def run(api: Api, event_id: str, systems: list[str], seconds: float, location: str = "demo yard") -> Event:
    """Start the event on every system, add notes, let it run, end it everywhere."""
    for left in api.get("/api/status")["active_events"]:
        # What an interrupted run left open would be joined instead of started.
        api.post("/api/event/end", system_id=left["system_id"])
    started = {
        system: api.post("/api/event/start", system_id=system, event_id=event_id, location=location)["ts"]
        for system in systems
    }
    say(f"    event {event_id} runs on {', '.join(systems)} for {seconds:.0f} s")
    for share, text in (
        (0.1, "Load bank connected"),
        (0.5, "Fans and voltages checked, no alarm"),
        (0.2, "Taking the load off"),
    ):
        _count_down(seconds * share)
        api.post("/api/note", system_id=systems[0], event_id=event_id, msg=text)
        say(f"    note: {text}")
    _count_down(seconds * 0.2)
    ended = api.post("/api/event/end_all", event_id=event_id)
    return Event(event_id, started, ended["ts"], ended["report_url"])


def wait_report(api: Api, event: Event, seconds: float = 120) -> dict:
    """Return the report's data.json as soon as the first version is there."""
    run_id = urllib.parse.parse_qs(urllib.parse.urlsplit(event.report_url).query).get("run", [""])[0]
    path = f"/api/reports/{urllib.parse.quote(event.event_id, safe='')}?run={urllib.parse.quote(run_id, safe='')}"

    def finished():
        try:
            answer = api.get(path)
        except urllib.error.HTTPError:
            return None
        return answer if "systems" in answer else None

    return wait_until(finished, seconds, f"the report at {path}", every=1)


def path_of(address: str) -> str:
    """The path and query of an address, to be put behind the address that the lab published."""
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))


def _count_down(seconds: float) -> None:
    """Let time pass and say how much is left every ten seconds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(10, left))
        if left > 10:
            say(f"    {left - 10:.0f} s to the next step")
