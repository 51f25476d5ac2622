"""The commands of the original system's README, typed on the box as they are written there."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.parts.process import wait_until

# (command as written, what its output must hold). Run by bash in /opt/stack, as the administrator.
COMMANDS = [
    ("sudo docker ps -a", r"victoria-metrics"),
    ("sudo docker logs victoria-metrics --tail 100", r"started VictoriaMetrics"),
    ("sudo docker logs vmagent --tail 100", r"."),
    ("sudo docker logs telegraf --tail 100", r"Telegraf"),
    ("sudo docker logs telegraf --tail 100 | grep -i modbus", r"modbus"),
    (
        "curl -s http://127.0.0.1:8428/api/v1/query -d 'query=rate(vm_rows_inserted_total[1m])' | jq .",
        r'"value": \[',
    ),
    ("curl -s http://127.0.0.1:8428/api/v1/label/__name__/values | jq .", r'"victron_ac_out_power"'),
    ("sudo docker exec victoria-metrics df -h /storage", r"/storage"),
    ("sudo docker exec victoria-metrics du -sh /storage/data", r"/storage/data"),
    ("curl -s http://192.168.100.2:9480/metrics | head -20", r"# HELP"),
    ("curl -s http://192.168.100.2:9481/metrics | head -20", r"# HELP"),
    ("ping -c 3 192.168.100.2", r"3 received"),
    (
        'timeout 2 bash -c "cat < /dev/null > /dev/tcp/10.10.4.11/502" && echo "OK" || echo "FAIL"',
        r"^OK$",
    ),
    ("ls -l telegraf/telegraf.d/acuvim_*.conf", r"acuvim_.*\.conf"),
    ("curl -s http://127.0.0.1:8429/targets | grep -A5 gx_", r"gx_fast"),
    ("mountpoint /mnt/esata", r"is a mountpoint"),
    ("df -h /mnt/esata", r"/mnt/esata"),
    ("sudo docker exec victoria-metrics cat /proc/1/cmdline | tr '\\0' ' '", r"-retentionPeriod=30d"),
    ("sudo docker stats --no-stream", r"victoria-metrics"),
    ("sudo docker inspect victoria-metrics | jq '.[0].HostConfig.Memory'", r"^\d+$"),
    ("sudo docker compose --env-file edge.env -f docker-compose.release.yml config -q && echo fine", r"fine"),
    ("sudo docker compose --env-file edge.env -f docker-compose.release.yml up -d 2>&1", r"victoria-metrics"),
    ("sudo docker exec event-service sqlite3 /data/events.db .dump", r"CREATE TABLE"),
    ("sudo docker exec event-service curl http://victoria-metrics:8428/health", r"OK"),
    ("curl http://localhost:8088/health", r'"status"'),
    ("curl http://localhost:8088/api/status | jq .", r'"active_events"'),
    ("sudo docker info --format '{{.LoggingDriver}}'", r"^json-file$"),
    ("sudo sysctl net.ipv4.ip_forward", r"= 1"),
    ("sudo bash scripts/telegraf_discover_acuvim.sh 2>&1", r"acuvim_11"),
    ("sudo bash /home/ovradmin/stack_health.sh", r"victoria-metrics"),
]


@pytest.mark.parametrize(("command", "expected"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_command_of_the_original_works_as_written(rig, command, expected):
    output = rig.ssh(f"cd /opt/stack && bash -c {shlex.quote(command)} 2>&1")

    assert re.search(expected, output, re.MULTILINE), output[-2000:]


def test_an_event_typed_as_in_the_original_is_found_by_its_queries(rig, query):
    """Start, location, note, status, end by curl; then the marker and the join of the original's Grafana page."""
    typed = [
        ("event/start", '{"system_id": "rig_01", "event_id": "load_test", "location": "warehouse", "note": "typed"}'),
        ("note", '{"system_id": "rig_01", "event_id": "load_test", "msg": "Voltage dropped to 47V for 3 seconds"}'),
    ]
    for path, body in typed:
        answer = rig.ssh(
            f"curl -fsS -X POST http://localhost:8088/api/{path} -H 'Content-Type: application/json' -d '{body}'"
        )
        assert '"success":true' in answer.replace(" ", "")

    joined = 'victron_dc_voltage_v{} and on(system_id) ovr_event_active{event_id="load_test"} == 1'
    found = wait_until(lambda: query(joined), 60, joined, every=1)
    assert found[0][1] > 40

    moved = rig.ssh(
        "curl -fsS -X POST http://localhost:8088/api/location/set -H 'Content-Type: application/json' "
        """-d '{"system_id": "rig_01", "location": "field_site_a"}'"""
    )
    assert "field_site_a" in moved
    at_the_new_place = 'ovr_event_active{system_id="rig_01",location="field_site_a"} == 1'
    wait_until(lambda: query(at_the_new_place), 60, at_the_new_place, every=1)
    wait_until(
        lambda: "Wrote" in rig.ssh('sudo docker logs event-service 2>/dev/null | grep "Wrote.*lines to VM" || true'),
        30, "the log line of a delivery", every=1,
    )  # fmt: skip

    ended = rig.ssh(
        "curl -fsS -X POST http://localhost:8088/api/event/end -H 'Content-Type: application/json' "
        """-d '{"system_id": "rig_01"}'"""
    )
    assert '"report_url"' in ended
    wait_until(
        lambda: query('ovr_event_active{event_id="load_test"} == 1') == [], 60, "the marker to fall to 0", every=1
    )
