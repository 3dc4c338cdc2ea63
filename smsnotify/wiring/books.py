"""Opening the books. Apart from `build`, so that only who needs a database imports one."""

from __future__ import annotations

from smsnotify.store.open import open_existing, open_store
from smsnotify.store.store import Store
from smsnotify.wiring.models import Settings


def open_books(settings: Settings) -> Store:
    """Open the database of the settings.

    Raises:
        StoreError: it cannot be reached, or is of another version.
    """
    return open_store(settings.database)


def open_existing_books(settings: Settings) -> Store | None:
    """Open the database if something may be stored in it; None while there is none.

    Raises:
        StoreError: it cannot be reached, or is of another version.
    """
    return open_existing(settings.database)
