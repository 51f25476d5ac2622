"""What the discovery says of itself and its meters, in node_exporter's text form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from .files import write_whole
from .quality import Quality
from .registry import Meter
from .wiring import KINDS

Qualities = Mapping[str, Quality]

QUALITY = {
    "acuvim_quality_residual": "How far redundant values of the newest poll are apart, relative.",
    "acuvim_quality_repeated_polls": "How many polls before the newest brought exactly the same values.",
    "acuvim_quality_gap_ratio": "Share of polls of the last ten minutes that brought nothing.",
}
STATES = ("active", "probable", "delisted", "displaced", "absent")


def write(path: str, meters: Iterable[Meter], problems: int, now_s: float, qualities: Qualities) -> None:
    """Replace the file for the textfile collector."""
    write_whole(Path(path), text(meters, problems, now_s, qualities), 0o644)


def text(meters: Iterable[Meter], problems: int, now_s: float, qualities: Qualities) -> str:
    """acuvim_info, wiring and quality of each polled meter, and counts of the last run."""
    meters = sorted(meters, key=lambda meter: meter.system_id)
    lines = ["# HELP acuvim_info The meter behind a system_id; always 1.", "# TYPE acuvim_info gauge"]
    lines += [_info(meter) for meter in meters if meter.is_polled]
    lines += [
        "# HELP acuvim_wiring_fault Whether the last look at the wiring found this.",
        "# TYPE acuvim_wiring_fault gauge",
    ]
    lines += [line for meter in meters if meter.is_polled and meter.wiring_judged for line in _wiring(meter)]
    lines += _quality(qualities)
    lines += ["# HELP acuvim_discovery_meters Known meters by state.", "# TYPE acuvim_discovery_meters gauge"]
    for state in STATES:
        count = sum(meter.state == state for meter in meters)
        lines.append(f'acuvim_discovery_meters{{state="{state}"}} {count}')
    lines += [
        "# HELP acuvim_discovery_problems Problems that the last run named.",
        "# TYPE acuvim_discovery_problems gauge",
        f"acuvim_discovery_problems {problems}",
        "# HELP acuvim_discovery_last_run_timestamp_seconds End of the last run that completed.",
        "# TYPE acuvim_discovery_last_run_timestamp_seconds gauge",
        f"acuvim_discovery_last_run_timestamp_seconds {now_s:.0f}",
    ]
    return "\n".join(lines) + "\n"


def _wiring(meter: Meter) -> Iterable[str]:
    for kind in KINDS:
        yield f'acuvim_wiring_fault{{system_id="{meter.system_id}",kind="{kind}"}} {int(kind in meter.wiring_faults)}'


def _quality(qualities: Qualities) -> list[str]:
    """Only what is known: a meter without samples has no residuals."""
    series: dict[str, list[str]] = {name: [] for name in QUALITY}
    for system_id, quality in sorted(qualities.items()):
        label = f'system_id="{system_id}"'
        for identity, residual in quality.residuals.items():
            series["acuvim_quality_residual"].append(f'{{{label},identity="{identity}"}} {residual:.6g}')
        series["acuvim_quality_repeated_polls"].append(f"{{{label}}} {quality.repeated}")
        if quality.gap_ratio is not None:
            series["acuvim_quality_gap_ratio"].append(f"{{{label}}} {quality.gap_ratio:.6g}")
    lines = []
    for name, about in QUALITY.items():
        lines += [f"# HELP {name} {about}", f"# TYPE {name} gauge", *(f"{name}{row}" for row in series[name])]
    return lines


def _info(meter: Meter) -> str:
    names = ("system_id", "device", "ip", "serial", "model", "firmware")
    labels = ",".join(f"{name}={json.dumps(getattr(meter, name))}" for name in names)
    return f"acuvim_info{{{labels}}} 1"
