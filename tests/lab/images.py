"""The lab's own images: the Debian 13 base, the box, the GX, the meters and the builder."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cache
from tests.lab.engine import docker
from tests.lab.lock import locked
from tests.lab.progress import step
from tests.lab.shell import apt_install, run, succeeds

HERE = Path(__file__).parent / "images"
SIMULATORS = cache.REPO / "simulators"
MACHINE_CAS = Path("/usr/local/share/ca-certificates")
BASE_PACKAGES = ("ca-certificates", "iproute2", "python3", "procps")

# The build machine may reach package registries through a CA of its own. It is added to images that build or that
# stand for machines, never to one that ships.
TRUST_DOCKERFILE = """\
ARG BASE
FROM ${BASE}
COPY . /usr/local/share/ca-certificates/
RUN update-ca-certificates
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
"""


@dataclass(frozen=True)
class Image:
    """An image of the lab: where its Dockerfile and its context lie and what it is built on."""

    name: str
    dockerfile: Path
    context: Path
    base: str


IMAGES = {
    image.name: image
    for image in (
        Image("box", HERE / "box.Dockerfile", HERE, "trusted"),
        Image("builder", HERE / "builder.Dockerfile", HERE, "box"),
        Image("gx", SIMULATORS / "gx" / "image" / "Dockerfile", SIMULATORS, "debian13"),
        Image("meters", SIMULATORS / "meters" / "Dockerfile", SIMULATORS, "trusted"),
    )
}


def ensure(name: str) -> str:
    """Build the named image where it is missing and return its tag, which is its content."""
    if name == "debian13":
        return _debian13()
    if name == "trusted":
        return _trusted()
    image = IMAGES[name]
    base = ensure(image.base)
    tag = f"ovr-lab/{name}:{cache.key([base, image.dockerfile, image.context])}"
    return _once(tag, lambda: _build(image.dockerfile, image.context, base, tag))


def base_archive() -> Path:
    """The root file system of the Debian 13 base as a tar archive, made by mmdebstrap."""
    archive = cache.root() / f"debian13-{cache.key(BASE_PACKAGES)}.tar"
    if archive.exists():
        return archive
    with locked("debian13"), step("bootstrap Debian 13 (mmdebstrap, first time only)"):
        if archive.exists():
            return archive
        if not shutil.which("mmdebstrap"):
            apt_install(["mmdebstrap"])
        with tempfile.TemporaryDirectory(dir=cache.root()) as scratch:
            made = Path(scratch) / "base.tar"
            run(
                "mmdebstrap",
                "--variant=minbase",
                f"--include={','.join(BASE_PACKAGES)}",
                # "No package matching" is what an image without lists answers to a fresh cache_valid_time.
                "--customize-hook=touch -d @0 $1/var/lib/apt/lists",
                "trixie",
                made,
                debian_mirror(),
            )
            made.rename(archive)
    return archive


def debian_mirror() -> str:
    """The Debian mirror of this machine's apt sources."""
    for line in run("apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)").splitlines():
        label, _, address = line.partition(" ")
        if label == "Debian":
            return address
    raise LookupError("apt's sources name no Debian mirror: run `apt-get update`, or add one to /etc/apt/sources.list")


def _debian13() -> str:
    archive = base_archive()
    tag = f"ovr-lab/debian13:{archive.stem.rpartition('-')[2]}"
    return _once(tag, lambda: docker("import", archive, tag))


def _trusted() -> str:
    base = ensure("debian13")
    if not any(MACHINE_CAS.glob("*.crt")):
        return base
    tag = f"ovr-lab/trusted:{cache.key([base, TRUST_DOCKERFILE, MACHINE_CAS])}"
    return _once(
        tag,
        lambda: run(
            "docker", "build", "-q", "-t", tag, "--build-arg", f"BASE={base}", "-f", "-", MACHINE_CAS,
            stdin=TRUST_DOCKERFILE.encode(), env=LEGACY_BUILDER,
        ),
    )  # fmt: skip


# The client may lack the buildx plugin; these few Dockerfiles need none of its features.
LEGACY_BUILDER = {"DOCKER_BUILDKIT": "0"}


def _build(dockerfile: Path, context: Path, base: str, tag: str) -> None:
    run(
        "docker", "build", "-q", "-t", tag, "--build-arg", f"BASE_IMAGE={base}", "-f", dockerfile, context,
        env=LEGACY_BUILDER,
    )  # fmt: skip


def _once(tag: str, make) -> str:
    if not succeeds("docker", "image", "inspect", tag):
        with locked(f"image-{tag.partition(':')[0].replace('/', '-')}"):
            if not succeeds("docker", "image", "inspect", tag):
                with step(f"build image {tag} (first time only)"):
                    make()
    return tag
