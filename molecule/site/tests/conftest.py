"""What the facts about a deployed site are asked with: the box by SSH, the API from outside."""

from __future__ import annotations

import json
import os
import shlex
import urllib.parse

import pytest

from tests.demo.event import Api
from tests.lab.rig import Rig


@pytest.fixture(scope="session")
def rig() -> Rig:
    return Rig.load(os.environ["OVR_LAB"])


@pytest.fixture
def api(rig: Rig) -> Api:
    """The API where the box opened it; the published port may change with a restart."""
    return Api(rig.url(8088))


@pytest.fixture(scope="session")
def gx(rig: Rig):
    """Run a shell command on the GX, from the box by its key, as an engineer at the box does."""

    def run(command: str) -> str:
        return rig.ssh(f"sudo ssh root@192.168.100.2 {shlex.quote(command)}")

    return run


@pytest.fixture
def query(host):
    """Ask VictoriaMetrics on the box: PromQL in, list of (labels, value) out."""

    def ask(promql: str) -> list[tuple[dict, float]]:
        url = "http://127.0.0.1:8428/api/v1/query?" + urllib.parse.urlencode({"query": promql, "nocache": 1})
        answer = json.loads(host.check_output("curl -fsS -m 10 %s", url))
        return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]

    return ask


@pytest.fixture
def health(host):
    """The health of a container as its engine sees it: healthy, unhealthy, starting."""

    def ask(service: str) -> str:
        return host.check_output("docker inspect --format '{{.State.Health.Status}}' %s", service)

    return ask
