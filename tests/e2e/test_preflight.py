"""A site that cannot work is refused before anything on the box changes, with a sentence that says what to do."""

from __future__ import annotations

import json

import pytest

from tests.lab import deploy
from tests.lab.rig import Rig

pytestmark = pytest.mark.lab

DIGEST = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def rig():
    """A bare box whose disk is there but not mounted."""
    bare = Rig("preflight")
    bare.up(box_only=True)
    yield bare
    bare.down()


def fingerprint(rig: Rig) -> str:
    """Packages, users, and every file outside the folders that a login itself writes to."""
    return rig.ssh(
        "dpkg-query -W | sha256sum; sha256sum /etc/passwd; "
        "sudo find / -xdev -newer /root/before -type f "
        "-not -path '/proc/*' -not -path '/tmp/*' -not -path '/run/*' -not -path '/var/log/*' "
        "-not -path '/home/ovradmin/.ansible/*' -not -path '/var/lib/systemd/*' -not -path '/root/.ansible/*' | sort"
    )


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        pytest.param({"system_id": ""}, "system_id", id="system_id is missing"),
        pytest.param({"system_id": "rig\n01"}, "system_id", id="system_id holds a newline"),
        pytest.param({"storage_device": ""}, "/mnt/esata", id="the data disk is not mounted"),
    ],
)
def test_a_wrong_site_is_refused_before_anything_changes(rig, variables, sentence):
    rig.ssh("sudo touch /root/before && sleep 0.01")
    before = fingerprint(rig)
    images = {
        service: {"name": service, "tag": "1", "digest": DIGEST}
        for service in ("victoria-metrics", "vmagent", "telegraf", "event-service", "node-exporter")
    }
    everything = {"edge_version": "0.0.0", "stack_images": images, "stack_bundle": "", **variables}

    with pytest.raises(deploy.DeployError) as refused:
        deploy.play(rig, "playbooks/site.yml", "--extra-vars", json.dumps(everything))

    assert sentence in str(refused.value)
    assert fingerprint(rig) == before
