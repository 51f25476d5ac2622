"""What several files say about the same thing agrees."""

from __future__ import annotations

import ipaddress
import re

import pytest
import yaml

from tests.lab import tools
from tests.unit.ansible import play

STACK = play.defaults("stack")
SERVICES = STACK["stack_services"]
WRITERS = {mount["source"].rpartition("/")[2]: service for service in SERVICES.values()
           for mount in service["mounts"] if mount.get("writable")}  # fmt: skip
PINS = {"victoria-metrics": "vm", "vmagent": "vm", "telegraf": "telegraf", "node-exporter": "node_exporter"}
EXAMPLE = play.REPO / "inventories" / "example"


def read(*parts: str) -> dict:
    return yaml.safe_load(play.REPO.joinpath(*parts).read_text())


@pytest.mark.parametrize("role", play.ROLES)
def test_every_input_of_a_role_has_its_default_and_its_description(role):
    """Variables that roles share bear no prefix: preflight describes them, the inventory sets them."""
    described = entry_points_options(role)
    own = {name for name in described if name.startswith(f"{role}_")}
    required = {name for name in own if described[name].get("required")}

    assert own - required == set(play.defaults(role))
    assert own == set(described) or role == "preflight"


def entry_points_options(role: str) -> dict[str, dict]:
    return {name: option for options in play.entry_points(role).values() for name, option in options.items()}


@pytest.mark.parametrize("role", play.ROLES)
def test_every_described_default_is_the_default(role):
    for name, option in entry_points_options(role).items():
        if "default" in option and name.startswith(f"{role}_"):
            assert option["default"] == play.defaults(role)[name], name


@pytest.mark.parametrize("role", play.ROLES)
def test_every_internal_variable_of_a_role_says_so(role):
    constants = play.REPO / "roles" / role / "vars" / "main.yml"
    names = re.findall(r"^(\w+):", constants.read_text(), re.MULTILINE) if constants.exists() else []

    assert all(name.startswith(f"__{role}_") for name in names)


def test_preflight_knows_every_role():
    """Else it would let a slip of the pen in that role's variables pass."""
    assert sorted(read("roles", "preflight", "vars", "main.yml")["__preflight_roles"]) == play.ROLES


@pytest.mark.parametrize("playbook", sorted((play.REPO / "playbooks").glob("*.yml")), ids=lambda path: path.stem)
def test_entry_points_are_called_without_extension(playbook):
    """With one, Ansible silently skips the validation of arguments."""
    called = re.findall(r"tasks_from: (\S+)", playbook.read_text())

    assert not [name for name in called if name.endswith((".yml", ".yaml"))]


def test_the_site_is_judged_before_anything_else_happens():
    first = yaml.safe_load((play.REPO / "playbooks" / "site.yml").read_text())[0]["tasks"][0]

    assert first["ansible.builtin.import_role"] == {"name": "ovr.edge.preflight"}


def test_the_default_version_is_that_of_the_collection():
    assert STACK["stack_edge_version"] == f"{{{{ edge_version | default('{read('galaxy.yml')['version']}') }}}}"


@pytest.mark.parametrize("service", PINS)
def test_the_field_runs_the_version_that_the_tests_run(service):
    assert STACK["stack_images"][service]["tag"].lstrip("v") == tools.version(tools.TOOLS[PINS[service]]).lstrip("v")


def test_every_service_has_an_image_and_a_memory_limit():
    assert set(STACK["stack_images"]) == set(STACK["stack_memory"]) == set(SERVICES)


@pytest.mark.parametrize("folder", WRITERS)
def test_the_folder_on_the_disk_belongs_to_the_user_of_its_container(folder):
    owners = {entry["name"]: entry["owner"] for entry in play.defaults("storage")["storage_directories"]}

    assert owners[folder] == WRITERS[folder]["user"]


def test_no_two_services_share_a_user():
    users = [service["user"] for service in SERVICES.values()]

    assert len(set(users)) == len(users)
    assert 0 not in users


def test_roles_agree_on_the_mount_of_the_data_disk():
    named = {
        play.defaults("storage")["storage_mount"],
        STACK["stack_data"],
        read("roles", "preflight", "vars", "main.yml")["__preflight_mount"],
    }

    assert len(named) == 1


def test_the_gateway_lies_in_the_subnet():
    assert ipaddress.ip_address(STACK["stack_gateway"]) in ipaddress.ip_network(STACK["stack_subnet"])


def test_the_example_fleet_names_a_system_and_meters_for_every_rig():
    rings = read("inventories", "example", "hosts.yml")["edge"]["children"]
    rigs = [rig for ring in rings.values() for rig in ring["hosts"]]

    sites = [yaml.safe_load((EXAMPLE / "host_vars" / f"{rig}.yml").read_text()) for rig in rigs]
    assert len({site["system_id"] for site in sites}) == len(rigs)
    assert all(site["acuvim_targets"] for site in sites)


def test_the_example_fleet_lives_on_documentation_addresses():
    rings = read("inventories", "example", "hosts.yml")["edge"]["children"]
    addresses = [host["ansible_host"] for ring in rings.values() for host in ring["hosts"].values()]

    assert all(address.startswith("192.0.2.") for address in addresses)


def test_the_example_release_pins_every_service():
    images = read("inventories", "example", "group_vars", "edge", "release.yml")["stack_images"]

    assert set(images) == set(SERVICES)
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", image["digest"]) for image in images.values())
