"""Turns of an account, dealt out by PostgreSQL to all workers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from smsnotify.store.open import open_store
from smsnotify.store.rates import BURST_S, Booking, Turns, book
from smsnotify.store.store import Store


@pytest.fixture
def desk(postgres_url: str) -> Iterator[Store]:
    with open_store(postgres_url) as opened:
        with opened.begin() as connection:
            connection.execute(text("TRUNCATE rates"))
        yield opened


def booked(desk: Store, count: int, per_second: float = 10.0, account: str = "main") -> Turns:
    with desk.begin() as connection:
        return book(connection, [Booking(account, count, per_second)])[account]


def test_the_first_turns_may_be_taken_at_once(desk: Store) -> None:
    turns = booked(desk, 5)
    assert turns.count == 5
    assert turns.starts_in_s <= 0


def test_who_comes_next_waits_for_the_turns_before(desk: Store) -> None:
    first = booked(desk, 30)
    second = booked(desk, 10)
    third = booked(desk, 1)
    assert first.starts_in_s <= 0
    assert 2.0 < second.starts_in_s <= 3.0
    assert 3.0 < third.starts_in_s <= 4.0
    assert third.starts_in_s > second.starts_in_s


def test_turns_that_nobody_took_are_not_saved_up(desk: Store) -> None:
    booked(desk, 1)
    with desk.begin() as connection:
        connection.execute(text("UPDATE rates SET booked_until = booked_until - 3600000000"))
    assert -BURST_S - 0.01 <= booked(desk, 100).starts_in_s <= 0


def test_accounts_do_not_wait_for_each_other(desk: Store) -> None:
    booked(desk, 100, account="main")
    assert booked(desk, 1, account="backup").starts_in_s <= 0


def test_several_accounts_are_booked_in_one_transaction(desk: Store) -> None:
    wishes = [Booking("b", 2, 10), Booking("a", 1, 5)]
    with desk.begin() as connection:
        assert {name: one.count for name, one in book(connection, wishes).items()} == {
            "a": 1,
            "b": 2,
        }


def test_many_workers_at_once_never_get_the_same_turn(desk: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: booked(desk, 5, per_second=100), range(20)))
    # 100 turns of 10 ms in all, begun now: the next one is about a second away.
    assert 0.3 < booked(desk, 1, per_second=100).starts_in_s <= 1.0
