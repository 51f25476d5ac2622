"""What the service is told at start. The only file that reads the environment."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from event_service import __version__

BUILD_FILE = Path(__file__).parent / "build.json"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class ConfigError(Exception):
    """A setting that cannot be used; the text names the variable, its value and what to do."""

    def __init__(self, name: str, value, problem: str):
        super().__init__(f"{name}={value!r}: {problem}" if value is not None else f"{name}: {problem}")


@dataclass(frozen=True)
class Build:
    """What is running: baked into the image, else the checkout's version."""

    version: str
    git_sha: str


@dataclass(frozen=True)
class Config:
    """Every setting, checked. Paths lie beside the database unless named; None means not set."""

    db_path: Path
    images_path: Path
    reports_path: Path
    vm_write_url: str
    vm_query_url: str
    log_level: str
    api_key: bytes | None
    report_base_url: str | None
    node_id: str
    system_id: str | None
    deployment_id: str | None
    mapbox_token: str | None
    mapbox_free_tiles_per_month: int
    esri_token: str | None
    esri_free_tiles_per_month: int
    guardrail_limit_pct: float
    cloud_api_url: str | None
    port: int
    timezone: str
    build: Build


def load(environ: Mapping[str, str] | None = None) -> Config:
    """The settings of an environment; ConfigError on the first that cannot be used. An empty variable is not set."""
    env = Environment(os.environ if environ is None else environ)
    db_path = env.path("DB_PATH")
    if db_path is None:
        raise ConfigError("DB_PATH", None, "not set; name the file for events, for example DB_PATH=/data/events.db")
    _require_writable("DB_PATH", db_path, db_path.parent)
    api_key = env.secret("API_KEY")
    return Config(
        db_path=db_path,
        images_path=_folder("IMAGES_PATH", env.path("IMAGES_PATH") or db_path.parent / "images"),
        reports_path=_folder("REPORTS_PATH", env.path("REPORTS_PATH") or db_path.parent / "reports"),
        vm_write_url=env.url("VM_WRITE_URL") or "http://victoria-metrics:8428/write",
        vm_query_url=env.url("VM_QUERY_URL") or "http://victoria-metrics:8428",
        log_level=env.one_of("LOG_LEVEL", LOG_LEVELS, "INFO"),
        api_key=api_key.encode() if api_key else None,
        report_base_url=env.url("REPORT_BASE_URL"),
        node_id=env.text("NODE_ID") or socket.gethostname(),
        system_id=env.text("SYSTEM_ID"),
        deployment_id=env.text("DEPLOYMENT_ID"),
        mapbox_token=env.secret("MAPBOX_TOKEN"),
        mapbox_free_tiles_per_month=env.whole("MAPBOX_FREE_TILES_PER_MONTH", 750_000, 0, 10**12),
        esri_token=env.secret("ESRI_TOKEN"),
        esri_free_tiles_per_month=env.whole("ESRI_FREE_TILES_PER_MONTH", 2_000_000, 0, 10**12),
        guardrail_limit_pct=env.ratio("GUARDRAIL_LIMIT_PCT", 0.95),
        cloud_api_url=env.url("CLOUD_API_URL"),
        port=env.whole("PORT", 8088, 1, 65535),
        timezone=env.timezone("TZ"),
        build=_build(),
    )


class Environment:
    """Typed reading of variables, with errors that name them."""

    def __init__(self, values: Mapping[str, str]):
        self.values = values

    def text(self, name: str) -> str | None:
        return self.values.get(name, "").strip() or None

    def path(self, name: str) -> Path | None:
        value = self.text(name)
        if value and not Path(value).is_absolute():
            raise ConfigError(name, value, "is a relative path; give the whole path, beginning with /")
        return Path(value) if value else None

    def url(self, name: str) -> str | None:
        value = self.text(name)
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(name, value, "is no web address; write it as http://host:port/path")
        return value.rstrip("/")

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise ConfigError(name, value, f"is no whole number from {least} to {most}; correct it or leave it out")
        return int(value)

    def ratio(self, name: str, default: float) -> float:
        value = self.text(name)
        try:
            number = default if value is None else float(value)
        except ValueError:
            number = -1.0
        if not 0 < number <= 1:
            raise ConfigError(name, value, "is no share between 0 and 1; write 95 % as 0.95")
        return number

    def one_of(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name) or default
        if value.upper() not in allowed:
            raise ConfigError(name, value, f"is unknown; use one of {', '.join(allowed)}")
        return value.upper()

    def timezone(self, name: str) -> str:
        value = self.text(name) or "UTC"
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise ConfigError(name, value, "is no time zone; write it as Europe/Berlin or UTC") from None
        return value

    def secret(self, name: str) -> str | None:
        """The secret itself, or what the file in NAME_FILE holds. Its value is never in an error."""
        value, file = self.text(name), self.path(f"{name}_FILE")
        if value and file:
            raise ConfigError(name, None, f"is set twice; leave out {name} or {name}_FILE")
        if not file:
            return value
        try:
            held = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}_FILE", str(file), f"cannot be read ({error}); correct path or rights") from None
        if not held:
            raise ConfigError(f"{name}_FILE", str(file), "is empty; write the secret into it or leave it out")
        return held


def _folder(name: str, path: Path) -> Path:
    """The folder, made if only it is missing: a whole path that is missing points to a disk that is not mounted."""
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise ConfigError(name, str(path), f"cannot be made ({error.strerror}); create it for this user") from None
    _require_writable(name, path, path)
    return path


def _require_writable(name: str, path: Path, folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        problem = f"this user cannot write to the folder {folder} ({error.strerror}); mount or create it"
        raise ConfigError(name, str(path), problem) from None


def _build() -> Build:
    try:
        baked = json.loads(BUILD_FILE.read_text())
    except FileNotFoundError:
        return Build(__version__, "unknown")
    return Build(baked["version"], baked["git_sha"])
