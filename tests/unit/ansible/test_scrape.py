"""vmagent, as role stack runs it, turns a GX's metrics into the series of the contract."""

from __future__ import annotations

import http.server
import itertools
import subprocess
import threading
import time

import pytest
import yaml

from tests.lab import tools
from tests.parts.process import Process, free_port, http_ok, wait_until
from tests.unit.ansible.rendered import render
from tests.unit.ansible.test_preflight import SITE

pytestmark = pytest.mark.real

# The GX's clock is wrong by years, and its exporter may say so.
METRICS = b'victron_ac_out_power{group="ac_out",name="power",device="multi"} 4200 946684800000\n'
CONTRACT = {"__name__", "system_id", "group", "name", "device"}
ADDED = {"job", "instance", "node_id", "deployment_id"}


class Exporter(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(METRICS)

    def log_message(self, *_):
        """Stay silent."""


@pytest.fixture(scope="module")
def gx():
    """The address of a stand-in for the GX's exporter."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return render(
        tmp_path_factory.mktemp("site"), {"site": SITE | {"system_id": "rig, north", "deployment_id": "hills"}}
    )["site"]


@pytest.fixture(scope="module")
def scraped(tmp_path_factory, files, gx, shared_victoria_metrics):
    """What VictoriaMetrics got of a job from vmagent.

    It runs with the flags of the compose file and the rendered configuration; the GX's jobs ask the stand-in.
    """
    folder = tmp_path_factory.mktemp("vmagent")
    groups = [group for group in yaml.safe_load(files["targets.yml"]) if group["labels"]["job"].startswith("gx_")]
    (folder / "targets.yml").write_text(yaml.safe_dump([group | {"targets": [gx]} for group in groups]))
    (folder / "scrape.yml").write_text(files["scrape.yml"].replace("/etc/overdrive/", f"{folder}/"))
    port = free_port()
    here = {
        "promscrape.config": folder / "scrape.yml",
        "remoteWrite.url": f"{shared_victoria_metrics.url}/api/v1/write",
        "remoteWrite.tmpDataPath": folder / "queue",
        "httpListenAddr": f"127.0.0.1:{port}",
    }
    flags = yaml.safe_load(files["docker-compose.release.yml"])["services"]["vmagent"]["command"]
    kept = [flag for flag in flags if flag.lstrip("-").split("=")[0] not in here]
    assert len(kept) == len(flags) - len(here)
    command = [tools.program("vmagent"), *kept, *(f"-{name}={value}" for name, value in here.items())]
    process = Process(command, folder / "vmagent.log")
    process.wait_ready(lambda: http_ok(f"http://127.0.0.1:{port}/health"))
    yield lambda job: series_of(job, shared_victoria_metrics)
    process.stop()


def series_of(job: str, server) -> dict:
    match = f'victron_ac_out_power{{job="{job}",deployment_id="hills"}}'
    now = time.time()
    found = wait_until(
        lambda: [row for row in server.export(match, now - 60, now + 60) if len(row["values"]) >= 4],
        40, f"samples of {job}", every=0.5,
    )  # fmt: skip
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("job", ["gx_fast", "gx_slow"])
def test_a_gx_series_has_the_labels_of_the_contract(scraped, job):
    labels = scraped(job)["metric"]

    assert set(labels) == CONTRACT | ADDED
    assert (labels["system_id"], labels["node_id"], labels["deployment_id"]) == ("rig, north", "box", "hills")


def test_a_sample_bears_the_time_of_the_box(scraped):
    times = scraped("gx_fast")["timestamps"]

    assert all(abs(at / 1000 - time.time()) < 60 for at in times)


def test_the_fast_job_asks_twice_a_second(scraped):
    times = scraped("gx_fast")["timestamps"]
    steps = sorted(later - earlier for earlier, later in itertools.pairwise(times))

    assert steps[len(steps) // 2] == pytest.approx(500, abs=150)


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        pytest.param(("", ""), True, id="as rendered"),
        pytest.param(("scrape_interval", "scrape_intervall"), False, id="misspelt"),
        pytest.param(("honor_timestamps: false", "honor_timestamps: [maybe"), False, id="no YAML"),
    ],
)
def test_vmagent_checks_its_configuration_before_it_is_placed(tmp_path, files, change, accepted):
    (tmp_path / "scrape.yml").write_text(files["scrape.yml"].replace(*change) if change[0] else files["scrape.yml"])
    checked = subprocess.run(
        [tools.program("vmagent"), "-dryRun", f"-promscrape.config={tmp_path / 'scrape.yml'}"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )

    assert (checked.returncode == 0) is accepted, checked.stderr.decode()[-500:]
