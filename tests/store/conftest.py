"""The store on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smsnotify.store.open import open_store
from smsnotify.store.store import Store


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store: on SQLite, then on PostgreSQL."""
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """An empty store on SQLite alone."""
    with open_store(sqlite_url) as opened:
        yield opened
