"""Conversations on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from talk import Talk

from smsnotify.store.open import open_store


@pytest.fixture
def talk(database_url: str, tmp_path: Path, now: datetime) -> Iterator[Talk]:
    """The quote plan."""
    with open_store(database_url) as store:
        yield Talk(store, tmp_path, now)


MakeTalk = Callable[..., Talk]


@pytest.fixture
def make_talk(sqlite_url: str, tmp_path: Path, now: datetime) -> Iterator[MakeTalk]:
    """Make a desk with other plans or terms, on SQLite."""
    with open_store(sqlite_url) as store:
        yield lambda *args, **terms: Talk(store, tmp_path, now, *args, **terms)
