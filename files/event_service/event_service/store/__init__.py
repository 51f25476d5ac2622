"""What the service remembers: one SQLite file, one writer, every change a transaction."""

from event_service.store.database import Store, StoreError

__all__ = ["Store", "StoreError"]
