"""The exporter on the Pythons of Venus OS: 3.8 to 3.12 with a split standard library, and 3.13 in the demo."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.gx.exporter import MAPS, PROGRAM, REPO, dbus2prom
from tests.unit.gx.portable import modules_missing

# What `python3-core` of the image holds, and `socket`; dbus and gi are always there, but only where the bus is used.
MODULES = {"argparse", "collections", "itertools", "os", "re", "signal", "socket", "sys", "time", "zlib"}
BUS_MODULES = {"dbus", "dbus.lowlevel", "dbus.mainloop.glib", "gi.repository"}


def interpreters(*minors: int) -> list:
    """This Python, and others from 3.8 on (or these) that lie where they usually do, as parameters."""
    folders = [Path(name) for name in os.environ["PATH"].split(os.pathsep)]
    folders += Path.home().glob(".pyenv/versions/3.*/bin")
    found = {sys.version_info.minor: sys.executable}
    for minor in minors or range(8, 14):
        for folder in folders:
            command = folder / f"python3.{minor}"
            if "shims" not in command.parts and command.exists():
                found.setdefault(minor, str(command))
    return [pytest.param(command, id=f"3.{minor}") for minor, command in sorted(found.items())]


def serve(interpreter: str) -> bytes:
    command = [interpreter, str(Path(__file__).with_name("portable.py")), str(PROGRAM), *map(str, MAPS.values())]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("interpreter", interpreters())
def test_every_interpreter_serves_the_same_without_the_modules_that_may_lack(interpreter):
    text = serve(interpreter)
    assert b'victron_ac_out_l1_v{group="ac_out",name="voltage",phase="L1"} 230.1\n' in text
    assert b'victron_vebus_soc_ratio{group="vebus",name="soc"} 0.87' in text
    assert text == serve(sys.executable)


PURE = [str(Path(__file__).with_name(f"test_{name}.py")) for name in ("cache", "engine", "http", "maps", "views")]
PYTEST = "pytest>=8.3,<8.4"  # the last that runs on Python 3.8


def python_with_pytest(interpreter: str, folder: Path) -> str:
    """An environment of the interpreter with a pytest; the one that runs now has its own."""
    if interpreter == sys.executable:
        return interpreter
    uv, python = Path(sys.executable).with_name("uv"), str(folder / "bin" / "python")
    for command in (
        ["venv", "--no-python-downloads", "--python", interpreter, folder],
        ["pip", "install", "--python", python, PYTEST],
    ):
        done = subprocess.run([uv, "--quiet", *command], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
    return python


@pytest.mark.parametrize("interpreter", interpreters(8, 12))
def test_unit_tests_pass_on_the_pythons_of_venus_os(interpreter, tmp_path):
    alone = ["-c", os.devnull, "--rootdir", REPO, "--noconftest", "-p", "no:cacheprovider", "--import-mode=importlib"]
    command = [python_with_pytest(interpreter, tmp_path / "python"), "-m", "pytest", "-q", *alone, *PURE]
    environment = {**os.environ, "PYTHONPATH": str(REPO), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, cwd=REPO, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d{2,} passed", done.stdout.splitlines()[-1]), "and none is left out"


def test_what_a_gx_may_lack_cannot_be_imported_by_the_program_under_test():
    with modules_missing(), pytest.raises(ModuleNotFoundError):
        importlib.import_module("dataclasses")
    assert importlib.import_module("dataclasses"), "and only by it"


def test_syntax_is_that_of_python_3_8():
    ast.parse(PROGRAM.read_text(), feature_version=(3, 8))


def test_imports_are_those_that_every_gx_has():
    tree = ast.parse(PROGRAM.read_text())
    top = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    everywhere = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    everywhere |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert top == MODULES, "the part without a bus imports nothing else"
    assert everywhere == MODULES | BUS_MODULES


def test_its_version_is_that_of_the_collection():
    collection = yaml.safe_load((REPO / "galaxy.yml").read_text())["version"]
    assert collection == dbus2prom.VERSION
