"""Options of the module and of the command line: one set, documented, refused where they cannot be."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.ovr.edge.plugins.doc_fragments import acuvim_scan
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import __main__ as command_line
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import targets
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.discover import discover
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.errors import AcuvimError
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.settings import DEFAULTS, settings
from ansible_collections.ovr.edge.plugins.modules import acuvim_discover, acuvim_info

from tests.unit.acuvim.endpoints import holding, serving
from tests.unit.acuvim.images import acuvim, load

NOWHERE = targets.parse([], "targets")


MODULES = {"acuvim_discover": acuvim_discover, "acuvim_info": acuvim_info}


def documented_options(module) -> dict:
    own = yaml.safe_load(module.DOCUMENTATION)
    assert own["extends_documentation_fragment"] == "ovr.edge.acuvim_scan"
    shared = yaml.safe_load(acuvim_scan.ModuleDocFragment.DOCUMENTATION)
    assert not own["options"].keys() & shared["options"].keys()
    return {**own["options"], **shared["options"]}


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_a_module_documents_what_it_takes(module):
    documented = documented_options(module)
    taken = module.arguments()

    keys = ("type", "elements", "default")
    assert {name: {key: option.get(key) for key in keys} for name, option in documented.items()} == {
        name: {key: option.get(key) for key in keys} for name, option in taken.items()
    }


def test_the_discovery_documents_what_it_returns():
    answer = discover(settings(NOWHERE, DEFAULTS, (), (), check_mode=True)).as_dict()

    assert set(yaml.safe_load(acuvim_discover.RETURN)) == set(answer) - {"changed", "check_mode"} | {"table"}


def test_the_facts_are_those_of_the_discovery():
    assert set(yaml.safe_load(acuvim_info.RETURN)) == {*acuvim_info.FACTS, "table"}
    assert set(acuvim_info.FACTS) < set(yaml.safe_load(acuvim_discover.RETURN))


@pytest.mark.parametrize("name", MODULES)
def test_examples_use_options_that_exist(name):
    given = [task[f"ovr.edge.{name}"] for task in yaml.safe_load(MODULES[name].EXAMPLES) if f"ovr.edge.{name}" in task]

    assert given
    assert set().union(*given) <= set(MODULES[name].arguments())


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"connect_timeout": 0.0}, "connect_timeout: 0.0 is not more than 0; the usual value is 0.3"),
        ({"hosts_at_once": -1}, "hosts_at_once: -1 is not more than 0"),
        ({"connects_per_second": float("nan")}, "connects_per_second: nan is not more than 0"),
        ({"interval": "1 s"}, "interval: '1 s' is not an interval"),
        ({"networks": {"10.10.4.1/24": "wired"}}, "networks: '10.10.4.1/24' is not a network"),
        ({"networks": {"10.10.4.0/24": "fast"}}, "networks: 10.10.4.0/24: neither wired nor wifi: 'fast' is not"),
        ({"energy_interval": "often"}, "energy_interval: 'often' is not an interval"),
        ({"telegraf_dir": "/t.d", "template": "/t.tpl"}, "telegraf_dir: /t.d needs registry, staging beside it"),
    ],
)
def test_an_option_that_cannot_be_is_named(option, says):
    with pytest.raises(AcuvimError) as refused:
        settings(NOWHERE, {**DEFAULTS, **option}, (), ())

    assert says in str(refused.value)


@pytest.fixture
def found(tmp_path):
    """A targets file with one meter behind it."""
    with serving(holding(acuvim(load()).words)) as (ip, port):
        path = tmp_path / "targets.txt"
        path.write_text(f"{ip} port={port}\n")
        yield str(path), f"{ip}:{port}/1"


def test_a_look_is_a_table_with_the_evidence(found, capsys, tmp_path):
    path, place = found

    assert command_line.main(["--targets", path]) == 0

    shown = capsys.readouterr().out
    assert place in shown
    assert "SunSpec block of Accuenergy, model Acuvim II" in shown
    assert "power in W: S / (V·I) = 1" in shown
    assert shown.rstrip().endswith("1 meters active; files added: 0, changed: 0, removed: 0")
    assert [file.name for file in tmp_path.iterdir()] == ["targets.txt"]


def test_json_is_the_answer_of_the_module(found, capsys):
    path, _ = found

    assert command_line.main(["--targets", path, "--json"]) == 0

    answer = json.loads(capsys.readouterr().out)
    assert set(answer) - {"changed", "check_mode"} == set(yaml.safe_load(acuvim_discover.RETURN)) - {"table"}
    assert [meter["serial"] for meter in answer["meters"]] == ["AH24000011"]


def test_a_diff_shows_the_lines_that_change(found, capsys):
    path, _ = found

    command_line.main(["--targets", path, "--diff", "--check"])

    assert '+    "AH24000011": {' in capsys.readouterr().out


def test_a_failure_is_one_sentence_and_status_one(capsys, tmp_path):
    assert command_line.main(["--targets", str(tmp_path / "none.txt")]) == 1

    assert capsys.readouterr().err.startswith(f"acuvim: {tmp_path}/none.txt: no such targets file; create it")


def test_a_folder_that_is_not_there_is_named(found, capsys, tmp_path):
    path, _ = found

    assert command_line.main(["--targets", path, f"--registry={tmp_path}/none/registry.json"]) == 1

    assert f"{tmp_path}/none/registry.json.lock: No such file or directory" in capsys.readouterr().err
