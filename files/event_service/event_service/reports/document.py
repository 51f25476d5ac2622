"""data.json: everything that a report says, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from event_service.reports import interval, series, trim
from event_service.reports.finality import Finality
from event_service.reports.model import ReportRequest

SCHEMA = "ovr.report/1"
DECIMALS = 4


def build(
    request: ReportRequest,
    systems: Sequence[dict],
    finality: Finality,
    digest: str,
    now_ns: int,
    versions: Mapping[str, str],
) -> dict:
    """The content of data.json. Times in ns since the epoch, floats rounded to 4 decimals."""
    whole = {
        "schema": SCHEMA,
        "state": finality.state,
        "state_reasons": list(finality.reasons),
        "version": request.version,
        "made_ns": now_ns,
        "digest": digest,
        "event": {
            "event_id": request.event_id,
            "run_id": request.run_id,
            "start_ns": request.start_ns,
            "end_ns": request.end_ns,
            "timezone": request.timezone,
            "created_ns": request.created_ns,
        },
        "systems": list(systems),
        "notes": [
            {"ts_ns": n.ts_ns, "system_id": n.system_id, "event_id": n.event_id, "text": n.text}
            for n in sorted(request.notes, key=lambda note: note.ts_ns)
        ],
        "images": [
            {"ts_ns": i.ts_ns, "system_id": i.system_id, "path": i.path, "caption": i.caption}
            for i in sorted(request.images, key=lambda image: image.ts_ns)
        ],
        "parameters": _parameters(),
        "versions": dict(versions),
    }
    return _rounded(whole)


def encoded(whole: Mapping) -> bytes:
    """The bytes of data.json: the same content gives the same bytes."""
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def summary(whole: Mapping) -> dict:
    """The few lines that a list of reports shows: per system its first energy."""
    return {
        "state": whole["state"],
        "state_reasons": whole["state_reasons"],
        "systems": [_headline(system) for system in whole["systems"]],
    }


def _headline(system: Mapping) -> dict:
    first = system["energy"][0] if system["energy"] else {}
    keys = ("key", "unit", "import", "export", "interval", "missing_s")
    return {"system_id": system["system_id"], "device": system["device"]} | {k: first.get(k) for k in keys}


def _parameters() -> dict:
    """The constants that the figures rest on."""
    return {
        "gap_min_s": series.GAP_MIN_S,
        "gap_periods": series.GAP_PERIODS,
        "idle_min_w": trim.IDLE_MIN_W,
        "idle_peak_ratio": trim.IDLE_PEAK_RATIO,
        "idle_min_s": trim.IDLE_MIN_S,
        "interval_sigmas": interval.SIGMAS,
    }


def _rounded(value):
    if isinstance(value, float):
        return round(float(value), DECIMALS) + 0.0  # no negative zero
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value
