"""NOTIFY and LISTEN: who queues something calls those who wait, once a transaction."""

from __future__ import annotations

import select
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from store_cases import NOW, batch, only

from smsnotify.base.errors import StoreUnavailableError
from smsnotify.model.message import MessageState
from smsnotify.store.held import Resolution
from smsnotify.store.open import open_store
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store
from smsnotify.store.wakeups import Listener, announce

HELD = {"state": MessageState.HELD, "gate": "quiet_hours", "reason": "quiet_hours"}


@pytest.fixture
def desk(postgres_url: str) -> Iterator[Store]:
    with open_store(postgres_url) as opened:
        with opened.begin() as connection:
            connection.execute(text("TRUNCATE messages, decisions, jobs, aliases, events"))
        yield opened


@pytest.fixture
def listener(desk: Store) -> Iterator[Listener]:
    opened = desk.listen()
    assert opened is not None
    yield opened
    opened.close()


def is_called(listener: Listener, within_s: float = 5.0) -> bool:
    """Wait until something can be read, then read it."""
    readable, _, _ = select.select([listener.fileno()], [], [], within_s)
    return bool(readable) and listener.take()


def is_quiet(desk: Store, listener: Listener) -> bool:
    """Calls come in order: when one made now is the only one, nobody has called before."""
    before = listener.take()
    with desk.begin() as connection:
        connection.execute(text("SELECT pg_notify('another_channel', '')"))
    return not before and not listener.take()


def test_what_is_queued_calls_those_who_wait(desk: Store, listener: Listener) -> None:
    desk.save(batch([1, 2, 3]))
    assert is_called(listener)


def test_a_transaction_calls_once_however_much_it_queues(desk: Store, listener: Listener) -> None:
    with desk.begin() as connection:
        for _ in range(3):
            announce(connection)
    readable, _, _ = select.select([listener.fileno()], [], [], 5.0)
    assert readable
    listener._driver.pgconn.consume_input()
    assert listener._driver.pgconn.notifies() is not None
    assert listener._driver.pgconn.notifies() is None


def test_jobs_and_held_texts_call_nobody(desk: Store, listener: Listener) -> None:
    desk.save(only(batch([1]).jobs[0]))
    desk.save(batch([2], not_before=NOW + timedelta(hours=8), **HELD))
    assert is_quiet(desk, listener)


def test_held_texts_that_are_let_go_call(desk: Store, listener: Listener) -> None:
    one = batch([1], not_before=NOW, **HELD)
    desk.save(one)
    (kept,) = one.messages.values()
    desk.resolve_held([Resolution(id=kept.id, state="queued")], NOW)
    assert is_called(listener)


def test_a_run_that_its_guard_lets_go_calls(desk: Store, listener: Listener) -> None:
    desk.save(batch([1], state=MessageState.HELD, gate="volume_guard", run="r1"))
    assert is_quiet(desk, listener)
    assert desk.release_run("r1", NOW) == 1
    assert is_called(listener)


def test_a_text_that_a_person_sends_again_calls(desk: Store, listener: Listener) -> None:
    desk.save(batch([1], state=MessageState.FAILED))
    assert is_quiet(desk, listener)
    assert desk.retry(Wanted(), NOW) == 1
    assert is_called(listener)


def test_a_transaction_that_is_undone_calls_nobody(desk: Store, listener: Listener) -> None:
    def change_of_mind() -> None:
        with desk.begin() as connection:
            announce(connection)
            raise KeyError

    with pytest.raises(KeyError):
        change_of_mind()
    assert is_quiet(desk, listener)


def test_a_line_that_breaks_is_told(desk: Store, listener: Listener) -> None:
    with desk.begin() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(:pid)"), {"pid": listener._driver.info.backend_pid}
        )
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        _take_on(listener)


def _take_on(listener: Listener) -> None:
    for _ in range(5):
        select.select([listener.fileno()], [], [], 5.0)
        listener.take()


def test_sqlite_calls_nobody_and_needs_no_ears(sqlite_url: str) -> None:
    with open_store(sqlite_url) as store:
        assert store.listen() is None
        assert not store.shares_rates
        store.save(batch([1]))
        assert store.count_messages(Wanted()) == 1
