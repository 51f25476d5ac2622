"""The event service: events, notes and reports of a rig. Start it with `python -m event_service`."""

__version__ = "0.1.0"
