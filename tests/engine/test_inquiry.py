"""Which accounts do well, which word means what, and who is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from smsnotify.engine.account_health import health_of
from smsnotify.engine.finding import Found, Kind, find
from smsnotify.engine.inquiry import address_meant, inquire
from smsnotify.store.account_figures import LastHour
from smsnotify.store.open import open_store
from smsnotify.store.store import Store


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """Empty books."""
    with open_store(sqlite_url) as opened:
        yield opened


@pytest.mark.parametrize(
    ("accepted", "tries", "word"),
    [
        (0, 0, "quiet"),
        (0, 1, "failing"),
        (49, 100, "failing"),
        (94, 100, "shaky"),
        (95, 100, "good"),
    ],
)
def test_an_hour_is_told_in_a_word(accepted: int, tries: int, word: str) -> None:
    assert health_of(LastHour(tries=tries, results={"accepted": accepted})) == word


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("+6591230000", "+6591230000"),
        (" 9123 0000 ", "+6591230000"),
        ("Mei@Example.com", "mei@example.com"),
        ("DO-77", ""),
        ("", ""),
        ("@", ""),
    ],
)
def test_numbers_and_addresses_are_read(written: str, meant: str) -> None:
    assert address_meant(written, "SG") == meant


def test_a_word_that_the_books_do_not_know_is_nothing(store: Store) -> None:
    assert find(store, "whatever it is", "SG") == Found(Kind.NOTHING, "whatever it is")
    assert find(store, "  ", "SG") == Found(Kind.NOTHING, "")
    assert find(store, "+6591230000", "SG") == Found(Kind.PERSON, "+6591230000")
    assert inquire(store, "DO-1", "SG") is None


def test_a_person_is_known_by_their_wish_alone(store: Store, now: datetime) -> None:
    store.opt_out("+6591230000", now, source="test")
    found = inquire(store, "9123 0000", "SG")
    assert found is not None
    assert found.address == "+6591230000"
    assert found.person is not None
    assert found.person.opted_out
    assert [change.source for change in found.consents] == ["test"]
