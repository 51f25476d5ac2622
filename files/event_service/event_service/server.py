"""Runs the service: the HTTP server, the workers, and an orderly end."""

from __future__ import annotations

import logging
import signal

import waitress

from event_service.api import create_app
from event_service.config import Config, ConfigError
from event_service.log import fields
from event_service.service import Service
from event_service.store.database import exclusive

log = logging.getLogger("server")

THREADS = 8


def serve(config: Config, host: str) -> None:
    """Serve until SIGTERM or SIGINT."""
    with exclusive(config.db_path):
        service = Service.build(config)
        server = _listen(service, host)
        signal.signal(signal.SIGTERM, _leave)
        service.start()
        log.info("Serving", extra=_what(config, host))
        try:
            server.run()
        finally:
            service.stop()
            server.close()
            service.store.close()
            log.info("Ended")


def _listen(service: Service, host: str) -> waitress.server.BaseWSGIServer:
    try:
        return waitress.create_server(
            create_app(service),
            host=host,
            port=service.config.port,
            threads=THREADS,
            ident=None,
            # A phone that drops out of the network must not hold a place for long.
            channel_timeout=60,
        )
    except OSError as error:
        raise ConfigError(
            "PORT", service.config.port, f"{host} cannot be listened on there ({error.strerror})"
        ) from None


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _what(config: Config, host: str) -> dict:
    return fields(
        address=f"http://{host}:{config.port}",
        version=config.build.version,
        git_sha=config.build.git_sha,
        db=config.db_path,
        vm_write=config.vm_write_url,
        vm_query=config.vm_query_url,
        key="set" if config.api_key else "none",
    )
