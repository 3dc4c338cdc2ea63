"""Messages are found by number, whether the index has come to them or not, on both databases."""

from __future__ import annotations

import itertools
import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from store_cases import NOW, key, message, number

from smsnotify.base.ids import new_id
from smsnotify.store import numbers
from smsnotify.store.batch import Batch
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store

LONG_AGO = NOW - timedelta(days=30)
_FRESH = itertools.count()


def keep(store: Store, n: int, to: str, at: datetime = LONG_AGO, **rest: object) -> str:
    made_key = key(n, recipient=to)
    made = message(made_key, at, id=new_id(at), **rest)
    store.save(Batch(jobs=[], events=[], decisions=[], messages={made_key: made}, at=at))
    return made.id


def index(store: Store) -> int:
    # The first call ever only sets the mark.
    return store.index_numbers(NOW) + store.index_numbers(NOW)


def found(store: Store, *who: str, most: int | None = None, since: str = "") -> list[str]:
    with store.read() as connection:
        return numbers.ids_of(connection, store.recipient_hash, who, most=most, since=since)


def entered(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM message_numbers")).scalar_one())


def test_what_is_behind_the_mark_and_before_it_is_found(store: Store) -> None:
    first, other = keep(store, 1, number(1)), keep(store, 2, number(2))
    assert found(store, number(1)) == [first]
    assert index(store) == 2
    assert entered(store) == 2
    later = keep(store, 3, number(1), NOW - timedelta(days=1))
    assert found(store, number(1)) == [later, first]
    assert found(store, number(1), number(2)) == [later, other, first]
    assert found(store, number(1), most=1) == [later]
    assert found(store, number(1), since=later) == [later]
    assert found(store, number(9)) == found(store) == []
    assert index(store) == 1
    assert found(store, number(1)) == [later, first]


def test_a_text_that_went_to_somebody_else_is_found_by_both(store: Store) -> None:
    one = keep(store, 1, number(1), recipient=number(7), intended=number(1))
    for _ in range(2):
        assert found(store, number(1)) == found(store, number(7)) == [one]
        index(store)


def test_a_message_that_is_older_than_the_mark_is_entered_as_it_is_stored(store: Store) -> None:
    keep(store, 1, number(1), NOW - timedelta(days=1))
    index(store)
    late = keep(store, 2, number(2), LONG_AGO)
    assert found(store, number(2)) == [late]
    assert entered(store) == 2
    assert index(store) == 0


def test_the_newest_messages_wait_for_the_clock(store: Store) -> None:
    fresh = keep(store, 1, number(1), datetime.now(UTC))
    store.index_numbers(datetime.now(UTC))
    far_ahead = datetime.now(UTC) + timedelta(days=300)  # a run as of a day to come
    assert store.index_numbers(far_ahead) == 0
    assert found(store, number(1)) == [fresh]


def test_runs_and_portions_are_small_pieces_of_one_index(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "A_RUN", 4)
    monkeypatch.setattr(numbers, "A_PORTION", 3)
    made = [keep(store, n, number(n % 3), LONG_AGO + timedelta(hours=n)) for n in range(20)]
    assert index(store) == 20
    for n in range(3):
        assert found(store, number(n)) == made[n::3][::-1]
    assert found(store, number(0), most=2) == made[0::3][::-1][:2]
    assert found(store, number(0), since=made[9]) == made[9::3][::-1]
    assert store.index_numbers(NOW, lambda: False) == 0


def test_a_message_that_is_forgotten_by_age_leaves_the_index(store: Store) -> None:
    keep(store, 1, number(1), NOW - timedelta(days=500), state="delivered")
    index(store)
    store.prune(NOW)
    assert (found(store, number(1)), entered(store)) == ([], 0)


def test_everybody_who_looks_by_number_finds_the_same(store: Store) -> None:
    one = keep(store, 1, number(1), NOW - timedelta(hours=1), state="delivered", job="DO-1")
    for _ in range(2):
        assert [each.id for each in store.list_messages(Wanted(recipient=number(1)))] == [one]
        assert [each.id for each in store.story_of_number(number(1)).messages] == [one]
        newest = store.newest_messages_to([number(1)], "live", NOW - timedelta(hours=2))
        assert newest[number(1)].id == one
        assert store.newest_messages_to([number(1)], "live", NOW) == {}
        index(store)


def test_nobody_is_missed_while_others_index(postgres_url: str) -> None:
    """A run as of a past day stores, slowly, while the index comes by."""
    from smsnotify.store.open import open_store

    with open_store(postgres_url) as store:
        keep(store, 1, number(1), NOW)
        store.index_numbers(NOW)
        done = threading.Event()
        with store.begin() as connection:
            row = (new_id(LONG_AGO), store.recipient_hash(number(2)), number(2), number(2))
            numbers.enter_late(connection, store.recipient_hash, [row])  # the mark stands still now
            indexing = threading.Thread(target=lambda: (store.index_numbers(NOW), done.set()))
            indexing.start()
            assert not done.wait(0.05)
        assert done.wait(10)
        indexing.join()
        assert found(store, number(1))


@settings(max_examples=25, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.lists(st.sampled_from(["now", "late", "index"]), min_size=3, max_size=15), st.randoms())
def test_every_message_is_found_in_any_history(
    sqlite_url: str, steps: list[str], chance: random.Random
) -> None:
    from smsnotify.store.open import open_store

    with open_store(f"{sqlite_url}.{next(_FRESH)}") as store:
        wanted: dict[str, list[str]] = {}
        at = LONG_AGO
        for n, step in enumerate(steps):
            at += timedelta(hours=1)
            if step == "index":
                store.index_numbers(at + timedelta(minutes=chance.choice([0, 1, 5])))
                continue
            when = at if step == "now" else LONG_AGO - timedelta(hours=chance.randrange(50))
            who = number(chance.randrange(3))
            wanted.setdefault(who, []).append(keep(store, n, who, when))
        for who, ids in wanted.items():
            assert found(store, who) == sorted(ids, reverse=True)
