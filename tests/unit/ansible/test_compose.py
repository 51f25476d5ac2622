"""The compose project: hardened, pinned, never past its disk, and replaced service by service."""

from __future__ import annotations

import configparser

import pytest
import yaml

from tests.unit.ansible.rendered import render
from tests.unit.ansible.test_contract import SERVICES
from tests.unit.ansible.test_preflight import IMAGES, SITE

SITES = {
    "plain": SITE,
    "opened": SITE | {"stack_publish": {"event-service": "0.0.0.0"}},
    "registry": SITE | {"stack_registry": "registry.example.org/"},
    "slower": SITE
    | {"stack_scrape_jobs": {"vmagent": {"target": "127.0.0.1:8429", "interval": "60s", "timeout": "9s"}}},
    "dollar": SITE | {"stack_report_base_url": "https://rig.example/$HOME"},
    "developer": {"system_id": "rig_01", "stack_mode": "dev", "edge_version": "1.2.3"},
    "elsewhere": SITE | {"data_mount": "/srv/data_1", "deployment_id": "fleet", "edge_version": "1.2.3"},
}
RELEASE, DEVELOPMENT = "docker-compose.release.yml", "docker-compose.yml"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    # node_id is the inventory's host name unless a site sets it.
    return render(tmp_path_factory.mktemp("sites"), SITES)


@pytest.fixture(scope="module")
def services(files):
    """The services of a site's compose file."""

    def read(site: str = "plain", name: str = RELEASE) -> dict[str, dict]:
        return yaml.safe_load(files[site][name])["services"]

    return read


def variables(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_bears_its_service_name(services, name):
    assert services()[name]["container_name"] == name


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_nothing_but_its_work(services, name):
    service = services()[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in ("0", "")
    assert service["pids_limit"] > 0
    assert service["mem_limit"]
    assert "privileged" not in service
    assert not [mount for mount in service["volumes"] if "docker.sock" in mount["source"]]


@pytest.mark.parametrize("name", SERVICES)
def test_dockerd_never_starts_a_container_by_itself(services, name):
    assert services()[name]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_no_mount_makes_its_source(services, name):
    """A folder made below the unmounted disk would take the data of a whole night."""
    for mount in services()[name]["volumes"]:
        assert mount["type"] == "bind"
        assert mount["bind"] == {"create_host_path": False}


@pytest.mark.parametrize("name", SERVICES)
def test_only_folders_of_the_data_disk_are_writable(services, name):
    writable = [mount["source"] for mount in services("elsewhere")[name]["volumes"] if not mount["read_only"]]

    assert all(source.startswith("/srv/data_1/") for source in writable)


@pytest.mark.parametrize("name", SERVICES)
def test_a_health_check_gives_up_before_the_engine_does(services, name):
    """A stopped process takes connections and answers nothing: the probe must end by itself."""
    check = services()[name]["healthcheck"]
    words = check["test"]
    limit = int(words[words.index("-m" if "curl" in words else "-T") + 1])

    assert limit < int(check["timeout"].rstrip("s"))
    assert (int(check["interval"].rstrip("s")) + limit) * check["retries"] <= 30


@pytest.mark.parametrize("name", SERVICES)
def test_a_release_runs_the_digest_of_the_inventory(files, services, name):
    variable = name.upper().replace("-", "_") + "_IMAGE"

    assert services()[name]["image"] == f"${{{variable}:?missing in edge.env}}"
    assert variables(files["plain"]["edge.env"])[variable] == f"{IMAGES[name]['name']}@{IMAGES[name]['digest']}"


def test_a_registry_stands_before_every_image(files):
    images = [value for name, value in variables(files["registry"]["edge.env"]).items() if name.endswith("_IMAGE")]

    assert len(images) == len(SERVICES)
    assert all(image.startswith("registry.example.org/") for image in images)


def test_a_developer_builds_ours_and_runs_the_others_by_tag(files, services):
    written = services("developer", DEVELOPMENT)

    assert {name for name, service in written.items() if "build" in service} == {"event-service"}
    assert written["event-service"]["image"] == "ovr/event-service:1.2.3"
    assert "@" not in written["telegraf"]["image"]
    assert variables(files["developer"]["edge.env"])["COMPOSE_FILE"] == DEVELOPMENT


def test_a_plain_compose_command_uses_the_mode_of_the_box(files):
    settings = variables(files["elsewhere"]["edge.env"])

    assert settings["COMPOSE_FILE"] == RELEASE
    assert settings["EDGE_VERSION"] == "1.2.3"


def test_services_answer_on_the_box_only(services):
    ports = [port for service in services().values() for port in service.get("ports", [])]

    assert ports == ["127.0.0.1:8428:8428", "127.0.0.1:8429:8429", "127.0.0.1:8088:8088"]


def test_the_inventory_opens_one_service(services):
    opened = services("opened")

    assert opened["event-service"]["ports"] == ["0.0.0.0:8088:8088"]
    assert opened["victoria-metrics"]["ports"] == ["127.0.0.1:8428:8428"]


def test_node_exporter_listens_on_the_containers_side_only(services):
    service = services()["node-exporter"]

    assert service["network_mode"] == "host"
    assert "--web.listen-address=172.31.252.1:9100" in service["command"]


def test_a_changed_configuration_file_replaces_its_service_alone(services):
    before, after = services("plain"), services("slower")

    assert [name for name in before if before[name] != after[name]] == ["vmagent"]


def test_a_dollar_in_a_value_is_no_variable_of_compose(services):
    assert services("dollar")["event-service"]["environment"]["REPORT_BASE_URL"] == "https://rig.example/$$HOME"


@pytest.mark.parametrize(
    ("service", "flag"),
    [
        ("victoria-metrics", "-storageDataPath=/storage"),
        ("victoria-metrics", "-retentionPeriod=30d"),
        ("victoria-metrics", "-inmemoryDataFlushInterval=1s"),
        ("victoria-metrics", "-futureRetention=10y"),
        ("victoria-metrics", "-storage.minFreeDiskSpaceBytes=5GB"),
        ("vmagent", "-remoteWrite.queues=1"),
        ("vmagent", "-remoteWrite.maxDiskUsagePerURL=2GB"),
        ("vmagent", "-remoteWrite.retryMaxInterval=15s"),
        ("vmagent", "-remoteWrite.keepDanglingQueues"),
        ("vmagent", "-remoteWrite.label=node_id=box"),
        ("vmagent", "-remoteWrite.label=deployment_id=default"),
    ],
)
def test_the_flags_that_decide_what_a_fault_costs(services, service, flag):
    assert flag in services()[service]["command"]


def test_everything_is_written_through_vmagent_and_read_from_victoria_metrics(services):
    environment = services()["event-service"]["environment"]

    assert environment["VM_WRITE_URL"] == "http://vmagent:8429/write"
    assert environment["VM_QUERY_URL"] == "http://victoria-metrics:8428"


def test_the_identity_of_the_site_can_be_read_by_a_shell(files):
    assert variables(files["elsewhere"]["site.env"]) == {
        "SYSTEM_ID": "'rig_01'",
        "NODE_ID": "'box'",
        "DEPLOYMENT_ID": "'fleet'",
    }


def test_the_unit_stands_behind_the_mount_of_the_disk(files):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(files["elsewhere"]["ovr-stack.service"])

    assert unit["Unit"]["BindsTo"] == "srv-data_1.mount"
    assert unit["Unit"]["AssertPathIsMountPoint"] == "/srv/data_1"
    assert unit["Unit"]["AssertPathExists"] == "/srv/data_1/.ovr-edge"
    assert "srv-data_1.mount" in unit["Install"]["WantedBy"].split()
