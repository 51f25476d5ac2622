"""A real Telegraf with the configuration and the flags of the box."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import tools
from tests.lab.cache import REPO
from tests.parts.process import Process, free_port, http_ok

TEMPLATE = REPO / "roles" / "stack" / "templates" / "telegraf" / "telegraf.conf.j2"


class Telegraf(Process):
    """Watches `watched` below its folder; `staging` lies beside it, as on the box."""

    def __init__(self, folder: Path, write_url: str):
        self.config = folder / "telegraf.conf"
        self.watched = folder / "telegraf.d"
        self.staging = folder / "staging"
        self.port = free_port()
        for path in (self.watched, self.staging):
            path.mkdir(exist_ok=True)
        self.config.write_text(configuration(write_url, folder / "buffer", self.port))
        super().__init__(
            [
                tools.program("telegraf"),
                f"--config={self.config}",
                f"--config-directory={self.watched}",
                "--watch-config=poll",
                "--watch-interval=1s",
                "--watch-debounce-interval=2s",
            ],
            folder / "telegraf.log",
        )
        self.wait_ready(lambda: http_ok(f"http://127.0.0.1:{self.port}/metrics"))

    @property
    def check(self) -> list[str]:
        """The command by which Telegraf judges new files; `{path}` is the folder with all of them."""
        folders = [f"--config={self.config}", "--config-directory={path}"]
        return ["env", "TELEGRAF_BUFFER_STRATEGY=memory", *check_command(), *folders]


def check_command() -> list[str]:
    """Telegraf's own check of configuration files, as strict as its start."""
    return [str(tools.program("telegraf")), "config", "check", "--strict-env-handling"]


def configuration(write_url: str, buffer: Path, port: int) -> str:
    """The box's own file, with this test's places in it."""
    text = TEMPLATE.read_text()
    for ours, here in {
        "http://vmagent:8429/write": write_url,
        "/var/lib/telegraf/buffer": str(buffer),
        ":9273": f"127.0.0.1:{port}",
    }.items():
        if text.count(f'"{ours}"') != 1:
            raise LookupError(f"{TEMPLATE.name} names {ours!r} not exactly once: adapt tests/parts/telegraf.py")
        text = text.replace(f'"{ours}"', f'"{here}"')
    return text


@contextmanager
def running(folder: Path, write_url: str) -> Iterator[Telegraf]:
    """A Telegraf that writes to `write_url`; ended on leaving."""
    program = Telegraf(folder, write_url)
    try:
        yield program
    finally:
        program.stop()
