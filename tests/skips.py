"""A skip counts as a failure unless tests/allowed_skips.txt names it with its reason."""

from __future__ import annotations

from pathlib import Path

ALLOWED_FILE = Path(__file__).parent / "allowed_skips.txt"


def allowed(text: str) -> set[str]:
    """The test ids of the list: the first of three tab-separated columns, all of them filled."""
    ids = set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) != 3 or not all(columns):
            raise ValueError(f"allowed_skips.txt:{number}: needs test id, reason and what lifts it, tab separated")
        ids.add(columns[0])
    return ids


class SkipGuard:
    """The pytest plugin: collects skips that nobody allowed and fails the run because of them."""

    def __init__(self) -> None:
        self.allowed = allowed(ALLOWED_FILE.read_text())
        self.refused: list[str] = []

    def pytest_runtest_logreport(self, report) -> None:
        if report.skipped and not hasattr(report, "wasxfail") and report.nodeid not in self.allowed:
            self.refused.append(report.nodeid)

    def pytest_sessionfinish(self, session) -> None:
        if self.refused:
            session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter) -> None:
        for nodeid in self.refused:
            terminalreporter.write_line(f"SKIP NOT ALLOWED {nodeid}: add it to tests/allowed_skips.txt with its reason")
