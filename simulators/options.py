"""What every simulator is told: the scenario, when it began, and its seed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from simulators.scenario import Scenario


def parser(prog: str, description: str) -> argparse.ArgumentParser:
    """A parser with the options that all simulators share."""
    made = argparse.ArgumentParser(prog=prog, description=description)
    made.add_argument("--scenario", required=True, metavar="FILE", help="the load scenario (JSON)")
    made.add_argument("--epoch", type=int, default=time.time_ns(), metavar="NS", help="when it began [ns since 1970]")
    made.add_argument("--seed", type=int, metavar="N", help="perturbs the scenario's levels")
    return made


def scenario(options: argparse.Namespace) -> Scenario:
    """The scenario that the options name; raises ScenarioError."""
    return Scenario.load(options.scenario, options.seed)


def clock(options: argparse.Namespace) -> Callable[[], float]:
    """The scenario's time now [s]."""
    return lambda: (time.time_ns() - options.epoch) / 1e9
