"""The HTTP side: translates requests into operations and their outcome into JSON."""

from event_service.api.app import create_app

__all__ = ["create_app"]
