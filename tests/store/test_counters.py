"""Counters of caps on both databases: added once, read by key, forgotten, pruned."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from store_cases import NOW, batch, key, message, number

from smsnotify.base.errors import OvertakenError
from smsnotify.model.counts import Charge, CountKey
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store

DAY = 1_772_380_800_000_000
TEXTS = CountKey("live", DAY, "day texts ", "")
MEI = CountKey("live", DAY, "day texts rule café\t🎂", number(1))


def counted(store: Store) -> dict[CountKey, int]:
    return store.counts([TEXTS, MEI, MEI._replace(mode="test"), MEI._replace(since=0)])


def charging(*wanted: int, **changed: Any) -> Any:
    """A batch with a text each, that count one to everything and to Mei."""
    charges = (Charge(TEXTS, 1, changed.get("hard")), Charge(MEI, 2))
    made = batch(wanted)
    made.charges = {key(n): charges for n in wanted}
    return made


def test_messages_are_counted_in_their_own_transaction(store: Store) -> None:
    assert counted(store) == {}
    store.save(charging(1, 2))
    assert counted(store) == {TEXTS: 2, MEI: 4}
    store.save(charging(3))
    assert counted(store) == {TEXTS: 3, MEI: 6}


def test_a_message_whose_key_was_taken_counts_nothing(store: Store) -> None:
    store.save(batch([1]))
    assert store.save(charging(1, 2)).keys() == {key(1)}
    assert counted(store) == {TEXTS: 1, MEI: 2}


def test_whoever_goes_beyond_a_cap_that_others_reached_keeps_nothing(store: Store) -> None:
    store.save(charging(1, 2))
    with pytest.raises(OvertakenError):
        store.save(charging(3, 4, hard=3))
    assert counted(store) == {TEXTS: 2, MEI: 4}
    assert store.count_messages(Wanted()) == 2
    store.save(charging(3, hard=3))
    assert counted(store)[TEXTS] == 3


def test_what_no_cap_stops_may_go_beyond_and_is_counted(store: Store) -> None:
    made = charging(1)
    made.charges = {key(1): (Charge(TEXTS, 1, 1), Charge(TEXTS, 5), Charge(MEI, 1))}
    store.save(made)
    assert counted(store) == {TEXTS: 6, MEI: 1}


def test_a_key_that_no_database_can_hold_is_counted_too(store: Store) -> None:
    made = charging(1)
    odd = key(1, subject="id:\0x")
    made.messages = {odd: message(odd)}
    made.decisions, made.charges = [], {odd: (Charge(TEXTS, 1, 5),)}
    store.save(made)
    assert counted(store) == {TEXTS: 1}


def test_old_counters_are_pruned_and_a_persons_go_with_them(store: Store) -> None:
    store.save(charging(1))
    assert store.prune(NOW + timedelta(days=2)).counters == 0
    assert store.forget(number(1), NOW) is not None
    assert counted(store) == {TEXTS: 1}
    assert store.prune(NOW + timedelta(days=4)).counters == 1
    assert counted(store) == {}


def test_no_number_stands_in_a_counter(store: Store) -> None:
    store.save(charging(1))
    with store.read() as connection:
        rows = connection.execute(text("SELECT * FROM counters")).all()
    assert len(rows) == 2
    assert number(1) not in str(rows)
