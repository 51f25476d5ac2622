"""`make demo`: one command from nothing to a finished report on live data."""

from __future__ import annotations

import argparse
import sys
import time

from simulators.scenario import Scenario
from tests.demo import event, result
from tests.lab import cache, deploy, engine, images, release
from tests.lab.progress import Plan, say
from tests.lab.rig import Rig
from tests.lab.shell import run
from tests.parts.process import wait_until

SYSTEMS = ["rig_01", "acuvim_11", "acuvim_12"]
RESULT = cache.REPO / "build" / "demo" / "result.json"


def main() -> int:
    options = _options()
    began = time.monotonic()
    plan = Plan(["images", "release", "machines", "key", "deploy", "live data", "event", "report"])
    with plan.step():
        engine.ensure()
        for name in ("box", "gx", "meters"):
            images.ensure(name)
    with plan.step():
        release.ensure()
    with plan.step():
        rig = _rig(options)
        rig.up()
        release.write_inventory(rig.inventory)
    with plan.step():
        deploy.play(rig, cache.REPO / "tests" / "lab" / "authorise.yml")
    with plan.step():
        deploy.play(rig)
    api = event.Api(rig.url(8088))
    with plan.step():
        wait_live(api)
    with plan.step():
        ran = event.run(api, "load_test", SYSTEMS, options.seconds)
    with plan.step():
        report = event.wait_report(api, ran)
    return _verdict(rig, api, ran, report, plan, time.monotonic() - began)


def wait_live(api: event.Api) -> None:
    """Wait until every system of the demo shows power that is not stale."""

    def live():
        seen = {row["system_id"] for row in api.get("/api/realtime")["systems"] if not row["stale"]}
        return seen >= set(SYSTEMS)

    wait_until(live, 120, f"live data of {', '.join(SYSTEMS)}", every=1)


def _rig(options: argparse.Namespace) -> Rig:
    """The demo's rig, kept from an earlier run where it follows the same scenario."""
    wanted = Rig("demo", options.scenario, options.seed)
    try:
        known = Rig.load("demo")
    except LookupError:
        return wanted
    return known if (known.scenario, known.seed) == (wanted.scenario, wanted.seed) else wanted


def _verdict(rig: Rig, api: event.Api, ran: event.Event, report: dict, plan: Plan, seconds: float) -> int:
    scenario = Scenario.load(cache.REPO / "simulators" / "scenarios" / f"{rig.scenario}.json", rig.seed)
    truth = result.truth_wh(scenario, ran, rig.epoch_ns)
    wanted = result.rows(report, truth)
    result.write(RESULT, commit=_commit(), seconds=seconds, event=ran, truth=truth, report=report, wanted=wanted)
    print()
    print(result.table(wanted, report.get("state", "unknown")))
    print()
    for name, took in plan.seconds.items():
        print(f"{name:10} {took:7.1f} s")
    print(f"{'all':10} {seconds:7.1f} s\n")
    print(f"Operator page  {api.base}/")
    print(f"Report         {api.base}{event.path_of(ran.report_url)}")
    print(f"Result         {RESULT.relative_to(cache.REPO)}")
    print("The rig keeps running: `make demo-down` removes it.")
    misses = [row for row in wanted if row["headline"] and not result.inside(row)]
    for row in misses:
        say(f"the truth of {row['system_id']} lies outside the interval that the report states")
    return 1 if misses else 0


def _commit() -> str:
    return run("git", "-C", cache.REPO, "rev-parse", "HEAD")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--scenario", default="ramps", help="a file name of simulators/scenarios without .json")
    parser.add_argument("--seed", type=int, default=1, help="changes the levels of the scenario")
    parser.add_argument("--seconds", type=float, default=90, help="how long the event runs (default: 90)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
