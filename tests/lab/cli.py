"""`python tests/lab`: bring a rig up, wire it, cut its power, take it down."""

from __future__ import annotations

import argparse
import json

from tests.lab import cache, engine, machine, release
from tests.lab.progress import say
from tests.lab.rig import Rig


def main(words: list[str] | None = None) -> int:
    options = _parser().parse_args(words)
    try:
        return options.act(options) or 0
    except (LookupError, PermissionError, RuntimeError, TimeoutError) as problem:
        say(f"lab: {problem}")
        return 1


def up(options: argparse.Namespace) -> None:
    """Start a rig, or what is missing of it."""
    rig = Rig(options.name, options.scenario, options.seed)
    if (rig.folder / "state.json").exists():
        known = Rig.load(options.name)
        if (known.scenario, known.seed) == (rig.scenario, rig.seed):
            rig = known
    rig.up(box_only=options.box_only)
    if options.release:
        release.write_inventory(rig.inventory)
    print(json.dumps({"inventory": str(rig.inventory), "ssh_config": str(rig.ssh_config), "events": rig.url(8088)}))


def down(options: argparse.Namespace) -> None:
    Rig(options.name).down()


def wire(options: argparse.Namespace) -> None:
    Rig.load(options.name).wire()


def authorise(options: argparse.Namespace) -> None:
    Rig.load(options.name).authorise_box_on_gx()


def power_cycle(options: argparse.Namespace) -> None:
    Rig.load(options.name).power_cycle()


def make_release(_: argparse.Namespace) -> None:
    print(json.dumps(release.ensure().as_inventory(), indent=2))


def clean(_: argparse.Namespace) -> None:
    """Remove everything that this checkout's labs run; names the cache and leaves it."""
    for folder in sorted((cache.REPO / "build" / "lab").glob("*")):
        Rig(folder.name).down()
    if engine.started_here() and not machine.machines():
        engine.stop()
    say(f"the cache stays: {cache.root()} (`make distclean` removes it)")


def distclean(options: argparse.Namespace) -> None:
    """As clean, and the cache, the lab's images and the builder as well."""
    clean(options)
    release.remove_builder()
    cache.remove()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/lab", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(act, name: str, text: str, named: bool = True) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        sub.set_defaults(act=act)
        if named:
            sub.add_argument("--name", default="demo", help="which lab (default: demo)")
        return sub

    starting = verb(up, "up", "start a rig, or what is missing of it; idempotent")
    starting.add_argument("--scenario", default="ramps", help="a file name of simulators/scenarios without .json")
    starting.add_argument("--seed", type=int, default=1, help="changes the levels of the scenario")
    starting.add_argument("--box-only", action="store_true", help="no GX and no meters")
    starting.add_argument("--release", action="store_true", help="also build the release and write its digests")
    verb(down, "down", "remove a rig with its disk")
    verb(wire, "wire", "make the links and addresses again after a restart; idempotent")
    verb(authorise, "authorise", "allow the box's key on the GX, as a person would")
    verb(power_cycle, "power-cycle", "cut the box's power and switch it on again")
    verb(make_release, "release", "build the images and their bundle; print the digests", named=False)
    verb(clean, "clean", "remove all rigs of this checkout; the cache stays", named=False)
    verb(distclean, "distclean", "remove all rigs, the builder and the cache", named=False)
    return parser
