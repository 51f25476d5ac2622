"""A release: the product's images built in a Debian 13 builder, one bundle, and the digests its engine gave them."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.lab import cache, engine, images, tools
from tests.lab.engine import docker
from tests.lab.lock import locked
from tests.lab.machine import SYSTEMD_OPTIONS, Machine
from tests.lab.progress import step
from tests.lab.shell import run, succeeds
from tests.parts.process import wait_until

STACK_DOCKERFILES = Path(__file__).parent / "images" / "stack"
EVENT_SERVICE = cache.REPO / "files" / "event_service"
BUILDER = Machine("ovr-builder-release", "builder")
# Named, so that the layers of the last build serve the next one.
BUILDER_VOLUMES = {"ovr-builder-docker": "/var/lib/docker", "ovr-builder-containerd": "/var/lib/containerd"}
KEPT_RELEASES = 4

# service of the stack: (repository as the vendor names it, program in it, module of tests/tools)
VENDORED = {
    "victoria-metrics": ("victoriametrics/victoria-metrics", "victoria-metrics", "vm"),
    "vmagent": ("victoriametrics/vmagent", "vmagent", "vm"),
    "telegraf": ("telegraf", "telegraf", "telegraf"),
    "node-exporter": ("prom/node-exporter", "node_exporter", "node_exporter"),
}
SERVICES = (*VENDORED, "event-service")


@dataclass(frozen=True)
class Release:
    """What an inventory needs: the version, an image per service, and the bundle that holds them all."""

    version: str
    images: dict[str, dict[str, str]]
    bundle: Path

    def as_inventory(self) -> dict:
        return {"edge_version": self.version, "stack_images": self.images, "stack_bundle": str(self.bundle)}


def ensure() -> Release:
    """Build the release of this checkout where the cache lacks it."""
    engine.ensure()
    base = images.ensure("debian13")
    programs = {service: tools.program(program) for service, (_, program, _) in VENDORED.items()}
    revision = _revision()
    key = cache.key([base, STACK_DOCKERFILES, *map(str, programs.values()), *_event_service_sources(), revision])
    folder = cache.root() / "releases" / key
    if not (folder / "release.json").exists():
        with locked("release"):
            if not (folder / "release.json").exists():
                _build(folder, base, programs, revision)
                _prune(folder.parent)
    recorded = json.loads((folder / "release.json").read_text())
    return Release(recorded["version"], recorded["images"], folder / "bundle.tar")


def write_inventory(folder: Path) -> None:
    """Write the release's digests into an inventory folder, as a release engineer would commit them."""
    target = folder / "group_vars" / "edge"
    target.mkdir(parents=True, exist_ok=True)
    (target / "release.yml").write_text(
        "---\n# Written by `python tests/lab release`: digests as the engine reported them.\n"
        + yaml.safe_dump(ensure().as_inventory(), sort_keys=True)
    )


def remove_builder() -> None:
    """Remove the builder with the layers that it keeps between builds."""
    if engine.answers():
        if BUILDER.exists():
            BUILDER.remove()
        docker("volume", "rm", "--force", *BUILDER_VOLUMES)


def _version(revision: str) -> str:
    """The collection's version with the revision of the event service that is built."""
    return f"{yaml.safe_load((cache.REPO / 'galaxy.yml').read_text())['version']}+{revision}"


def _revision() -> str:
    """The last commit that touched what ships of the event service, with a mark when it was changed since."""
    paths = ("--", EVENT_SERVICE.relative_to(cache.REPO), f":!{EVENT_SERVICE.relative_to(cache.REPO)}/tests")
    commit = run("git", "-C", cache.REPO, "log", "-1", "--format=%h", *paths) or "none"
    changed = run("git", "-C", cache.REPO, "status", "--porcelain", *paths)
    return commit + ("-changed" if changed else "")


def _event_service_sources() -> list[Path]:
    listed = run("git", "-C", EVENT_SERVICE, "ls-files", "--cached", "--others", "--exclude-standard")
    return [EVENT_SERVICE / name for name in listed.splitlines() if not name.startswith("tests/")]


def _build(folder: Path, base: str, programs: dict[str, Path], revision: str) -> None:
    scratch = folder.with_name(folder.name + ".part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    with step("start the release builder (Debian 13, containerd image store)"):
        _start_builder()
        _give_image(base, "debian:trixie-slim")
        _give_image(images.ensure("trusted"), "ovr-lab/trusted:build")
    built = {}
    for service, (repository, _, module) in VENDORED.items():
        tag = tools.version(tools.TOOLS[module])
        name = f"{repository}:{tag if module != 'telegraf' else tag.lstrip('v')}"
        with step(f"build image {name}"):
            _build_vendored(service, name, programs[service])
        built[service] = name
    version = _version(revision)
    built["event-service"] = f"ovr/event-service:{version.replace('+', '-')}"
    with step(f"build image {built['event-service']}"):
        _build_event_service(built["event-service"], version, revision)
    recorded = {service: _record(name) for service, name in built.items()}
    with step("save the bundle"):
        _save(list(built.values()), scratch / "bundle.tar")
    (scratch / "release.json").write_text(json.dumps({"version": version, "images": recorded}, indent=2))
    scratch.rename(folder)
    BUILDER.remove()


def _start_builder() -> None:
    volumes = [f"--volume={name}:{folder}" for name, folder in BUILDER_VOLUMES.items()]
    BUILDER.start(images.ensure("builder"), *SYSTEMD_OPTIONS, *volumes)
    wait_until(
        lambda: succeeds("docker", "exec", BUILDER.name, "docker", "info"), 60, "the builder's Docker engine", every=0.3
    )


def _give_image(image: str, name: str) -> None:
    """Hand an image of the lab to the builder's engine under another name."""
    save = subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE)
    subprocess.run(
        ["docker", "exec", "-i", BUILDER.name, "docker", "load", "-q"],
        stdin=save.stdout,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    if save.wait():
        raise RuntimeError(f"docker save {image} ended with {save.returncode}")
    BUILDER.run("docker", "tag", image, name)


def _build_vendored(service: str, name: str, program: Path) -> None:
    context = f"/root/{service}"
    BUILDER.run("mkdir", "-p", context)
    docker("cp", STACK_DOCKERFILES / f"{service}.Dockerfile", f"{BUILDER.name}:{context}/Dockerfile")
    docker("cp", program, f"{BUILDER.name}:{context}/{program.name}")
    BUILDER.run("cp", "/bin/busybox", f"{context}/busybox")
    BUILDER.run("docker", "build", "-q", "--provenance=false", "-t", name, context)


def _build_event_service(name: str, version: str, revision: str) -> None:
    archive = subprocess.run(
        ["tar", "-C", EVENT_SERVICE, "--exclude=__pycache__", "--exclude=tests", "-cf", "-", "."],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    BUILDER.run("mkdir", "-p", "/root/event-service")
    BUILDER.run("tar", "-C", "/root/event-service", "-xf", "-", stdin=archive)
    BUILDER.run(
        "docker", "build", "-q", "--provenance=false", "--network=host", "-t", name,
        "--build-arg", "BUILD_IMAGE=ovr-lab/trusted:build",
        "--build-arg", f"VERSION={version}",
        "--build-arg", f"GIT_SHA={revision}",
        "/root/event-service",
    )  # fmt: skip


def _record(name: str) -> dict[str, str]:
    """Name, tag, digest and image id, as the builder's engine answers them."""
    seen = json.loads(BUILDER.run("docker", "image", "inspect", name))[0]
    repository, _, tag = name.rpartition(":")
    digest = seen["RepoDigests"][0].partition("@")[2]
    return {"name": repository, "tag": tag, "digest": digest, "image_id": seen["Id"]}


def _save(names: list[str], bundle: Path) -> None:
    with bundle.open("wb") as target:
        subprocess.run(["docker", "exec", BUILDER.name, "docker", "save", *names], stdout=target, check=True)


def _prune(folder: Path) -> None:
    """Keep the newest releases only: each bundle is about 300 MB."""
    finished = sorted(folder.glob("*/release.json"), key=lambda path: path.stat().st_mtime)
    for old in finished[:-KEPT_RELEASES]:
        shutil.rmtree(old.parent)
