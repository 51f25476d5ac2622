"""The meters' image runs the pymodbus that the tests run."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

REPO = Path(__file__).parents[3]


def test_the_image_asks_for_the_range_of_the_development_environment():
    groups = tomllib.loads((REPO / "pyproject.toml").read_text())["dependency-groups"]
    wanted = next(line for line in groups["dev"] if line.startswith("pymodbus"))
    assert re.findall(r"'(pymodbus.*)'", (REPO / "simulators" / "meters" / "Dockerfile").read_text()) == [wanted]
