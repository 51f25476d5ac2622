"""A deployed site runs: containers, targets, series."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.lab.images import MACHINE_CAS
from tests.lab.release import SERVICES
from tests.parts.process import wait_until

JOBS = ("gx_fast", "gx_slow", "node_exporter", "event_service", "victoria_metrics", "vmagent", "telegraf")


@pytest.mark.parametrize("service", SERVICES)
def test_container_is_healthy(health, service):
    wait_until(lambda: health(service) == "healthy", 60, f"{service} healthy", every=1)


@pytest.mark.parametrize("service", SERVICES)
def test_container_is_pinned_by_the_digest_of_the_inventory(host, rig, service):
    wanted = yaml.safe_load((rig.inventory / "group_vars" / "edge" / "release.yml").read_text())["stack_images"][
        service
    ]
    running = host.check_output("docker inspect --format '{{.Config.Image}}' %s", service)

    assert running == f"{wanted['name']}@{wanted['digest']}"


def test_victoria_metrics_is_process_one_of_its_container(host):
    command = host.check_output("docker exec victoria-metrics cat /proc/1/cmdline").replace("\0", " ")

    assert command.startswith("/victoria-metrics-prod ")
    assert "-retentionPeriod=30d" in command
    assert "-futureRetention=10y" in command
    assert "-inmemoryDataFlushInterval=1s" in command


def test_every_scrape_target_is_up(host):
    def up_by_job():
        answer = json.loads(host.check_output("curl -fsS -m 10 'http://127.0.0.1:8429/api/v1/targets?state=active'"))
        seen: dict[str, list[str]] = {}
        for target in answer["data"]["activeTargets"]:
            seen.setdefault(target["labels"]["job"], []).append(target["health"])
        return seen

    wait_until(
        lambda: up_by_job().keys() >= set(JOBS) and all(set(all_of) == {"up"} for all_of in up_by_job().values()),
        60, "every target up", every=2,
    )  # fmt: skip


@pytest.mark.parametrize(
    "promql",
    [
        pytest.param('victron_ac_out_power{system_id="rig_01",group="ac_out",name="power"}', id="GX total power"),
        pytest.param('victron_ac_out_l1_p{system_id="rig_01",phase="L1"}', id="GX phase power"),
        pytest.param('victron_ac_out_apparent{system_id="rig_01"}', id="GX apparent power, which never signals"),
        pytest.param('victron_battery_soc{system_id="rig_01"}', id="GX slow map"),
        pytest.param('acuvim_P{system_id="acuvim_11",role="power_meter"}', id="meter 1"),
        pytest.param('acuvim_P{system_id="acuvim_12",role="power_meter"}', id="meter 2"),
        pytest.param("node_load1", id="the machine itself"),
        pytest.param("ovr_build_info", id="the event service's build"),
    ],
)
def test_series_is_answered(query, promql):
    found = wait_until(lambda: query(promql), 60, promql, every=1)

    assert len(found) == 1
    labels, _ = found[0]
    assert labels["node_id"]
    assert labels["deployment_id"]


def test_a_meter_has_exactly_the_labels_of_the_contract(query):
    labels, _ = wait_until(lambda: query('acuvim_P{system_id="acuvim_11"}'), 60, "acuvim_P", every=1)[0]

    assert set(labels) == {"__name__", "system_id", "device", "ip", "role", "node_id", "deployment_id"}


def test_the_play_came_by_ssh_only(rig):
    """The inventory that deployed this box names SSH and nothing else."""
    variables = json.loads((rig.inventory / "hosts.json").read_text())["edge"]["hosts"]["rig-01"]

    assert "ansible_connection" not in variables
    assert variables["ansible_port"] == int(rig.box.published(22).rpartition(":")[2])


def test_services_listen_on_loopback_unless_opened(host):
    """Only SSH and what the demo inventory opens can be reached from another machine."""
    lines = host.check_output("ss -H -ltn").splitlines()
    open_ports = {
        int(address.rpartition(":")[2])
        for address in (line.split()[3] for line in lines)
        if address.rpartition(":")[0].strip("[]") in ("0.0.0.0", "*", "::")
    }

    assert open_ports <= {22, 8088}


def test_no_container_that_writes_data_is_restarted_by_docker(host):
    for service in ("victoria-metrics", "vmagent", "telegraf", "event-service"):
        policy = host.check_output("docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' %s", service)
        assert policy == "no", service


def test_no_shipped_image_holds_a_ca_of_the_build_machine(host):
    """A line of every CA that the build machine added for itself is looked for in every file of every image."""
    probes = [_middle_line(path.read_text()) for path in sorted(MACHINE_CAS.glob("*.crt"))]
    pattern = "|".join(probes) or "no CA of its own on the build machine"
    if probes:
        # The box itself trusts them: this shows that the search finds what is there.
        assert host.run("grep -a -q -E %s /etc/ssl/certs/ca-certificates.crt", pattern).succeeded

    for service in SERVICES:
        host.check_output("docker export --output /root/image.tar %s", service)
        found = host.run("grep -a -c -E %s /root/image.tar", pattern)
        assert found.stdout.strip() == "0", f"{service} holds a CA of the build machine"


def _middle_line(certificate: str) -> str:
    lines = [line for line in certificate.splitlines() if line and not line.startswith("-----")]
    return lines[len(lines) // 2].replace("+", "[+]")
