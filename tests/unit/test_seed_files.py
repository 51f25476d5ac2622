"""Names, places and defaults of the original system that a role or the event service still has."""

from __future__ import annotations

import posixpath

import jinja2
import pytest
from ansible.parsing.dataloader import DataLoader

from event_service import config
from event_service.api import create_app
from event_service.service import Service
from tests.unit.ansible import play

STACK, ACUVIM = play.defaults("stack"), play.defaults("acuvim")


def constants(role: str) -> dict:
    return DataLoader().load_from_file(str(play.REPO / "roles" / role / "vars" / "main.yml"))


def rendered(text: str) -> str:
    """A path or address as it is where the inventory says nothing."""
    values = {**STACK, **ACUVIM, "__acuvim_telegraf": constants("acuvim")["__acuvim_telegraf"]}
    while "{{" in text:
        text = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text).render(values)
    return text


def on_the_box() -> dict[str, str]:
    """What the roles stack and acuvim put on the box: whole path → where a link leads, else nothing."""
    stack, acuvim = constants("stack"), constants("acuvim")
    written = [entry["dest"] for entry in stack["__stack_configuration"] + stack["__stack_files"]]
    written += [entry["path"] for entry in stack["__stack_folders"]]
    written += [f"{{{{ stack_root }}}}/{entry['dest']}" for entry in stack["__stack_programs"]]
    written += [acuvim[name] for name in ("__acuvim_targets", "__acuvim_script")]
    written += [acuvim["__acuvim_options"][name] for name in ("template", "telegraf_dir")]
    links = {f"{{{{ stack_root }}}}/{entry['path']}": entry["to"] for entry in stack["__stack_links"]}
    return {rendered(path): links.get(path, "") for path in [*written, *links]}


def host_path(service: str, path: str) -> str:
    """Where on the box a path of a container lies."""
    for mount in STACK["stack_services"][service]["mounts"]:
        if path.startswith(f"{mount['target']}/"):
            return rendered(mount["source"]) + path.removeprefix(mount["target"])
    raise AssertionError(f"{service} has no mount for {path}")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/overdrive/targets.yml",
        "/opt/stack/docker-compose.yml",
        "/opt/stack/docker-compose.release.yml",
        "/opt/stack/edge.env",
        "/opt/stack/edge.env.example",
        "/opt/stack/vmagent/scrape.yml",
        "/opt/stack/telegraf/telegraf.conf",
        "/opt/stack/telegraf/telegraf.d",
        "/opt/stack/telegraf/targets_acuvim.txt",
        "/opt/stack/telegraf/templates/acuvim_modbus.tpl",
        "/opt/stack/scripts/telegraf_discover_acuvim.sh",
        "/opt/stack/home/ovradmin/stack_health.sh",
    ],
)
def test_a_file_lies_where_the_original_had_it(path):
    assert path in on_the_box()


@pytest.mark.parametrize(
    ("service", "flag", "path"),
    [
        ("vmagent", "-promscrape.config", "/opt/stack/vmagent/scrape.yml"),
        ("telegraf", "--config", "/opt/stack/telegraf/telegraf.conf"),
        ("telegraf", "--config-directory", "/opt/stack/telegraf/telegraf.d"),
    ],
)
def test_a_container_reads_what_lies_there(service, flag, path):
    words = dict(word.split("=", 1) for word in STACK["stack_services"][service]["command"] if "=" in word)

    assert host_path(service, words[flag]) == path


def test_the_health_check_below_the_stack_is_a_link_to_the_program():
    box = on_the_box()
    link = "/opt/stack/home/ovradmin/stack_health.sh"
    target = posixpath.normpath(posixpath.join(posixpath.dirname(link), box[link]))

    assert target == "/opt/stack/stack_health.sh"
    assert box[target] == ""


def test_the_example_of_edge_env_is_edge_env_itself():
    sources = {rendered(entry["dest"]): entry["src"] for entry in constants("stack")["__stack_files"]}

    assert sources["/opt/stack/edge.env.example"] == sources["/opt/stack/edge.env"]


@pytest.mark.parametrize(
    ("job", "target", "interval"),
    [("gx_fast", "192.168.100.2:9480", "500ms"), ("gx_slow", "192.168.100.2:9481", "5s")],
)
def test_a_gx_job_asks_its_port_at_its_interval(job, target, interval):
    scrape = STACK["stack_scrape_jobs"][job]

    assert (rendered(scrape["target"]), scrape["interval"]) == (target, interval)


def test_the_engine_rotates_logs_at_10_mb_and_keeps_three():
    settings = play.defaults("docker")["docker_daemon"]

    assert settings["log-driver"] == "json-file"
    assert settings["log-opts"] == {"max-size": "10m", "max-file": "3"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [("DB_PATH", "/data/events.db"), ("REPORTS_PATH", "/data/reports"), ("LOG_LEVEL", "INFO")],
)
def test_the_container_of_the_event_service_has_the_variable(variable, value):
    assert rendered(STACK["stack_services"]["event-service"]["environment"][variable]) == value


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING"])
def test_a_log_level_of_the_original_is_taken(tmp_path, level):
    assert config.load({"DB_PATH": str(tmp_path / "events.db"), "LOG_LEVEL": level}).log_level == level


def test_a_note_is_kept_and_sends_nothing_to_victoria_metrics(tmp_path):
    service = Service.build(config.load({"DB_PATH": str(tmp_path / "events.db")}))
    reply = create_app(service).test_client().post("/api/note", json={"system_id": "rig_01", "msg": "fan noise"})
    with service.store.read() as db:
        kept = db.execute("SELECT note FROM audit_log").fetchall()
        to_send = db.execute("SELECT count(*) FROM outbox").fetchone()[0]
    service.store.close()

    assert reply.status_code == 200
    assert [tuple(row) for row in kept] == [("fan noise",)]
    assert to_send == 0


def test_the_licence_is_proprietary():
    text = (play.REPO / "LICENSE").read_text()

    assert text.startswith("Proprietary.")
    assert "OVR Energy Systems" in text
