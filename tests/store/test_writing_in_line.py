"""Threads of one process write to SQLite one after the other, without sleeping in between."""

from __future__ import annotations

from threading import Event, Thread

import pytest
from sqlalchemy import text

from smsnotify.base.errors import StoreUnavailableError
from smsnotify.store import base, connect
from smsnotify.store.open import open_store
from smsnotify.store.store import Store


def test_the_next_writer_waits_for_its_turn_and_not_for_sqlite(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a patience of SQLite's own, whoever found it busy would be told that it is locked.
    monkeypatch.setattr(connect, "BUSY_TIMEOUT_S", 0.0)
    failures: list[BaseException] = []
    begun, go_on = Event(), Event()

    def write(name: str) -> None:
        try:
            with store.begin() as connection:
                begun.set()
                assert go_on.wait(10)
                connection.execute(text("INSERT INTO meta VALUES (:name, '')"), {"name": name})
        except BaseException as error:
            failures.append(error)

    with open_store(sqlite_url) as store:
        threads = [Thread(target=write, args=(f"writer-{n}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        assert begun.wait(10)
        go_on.set()
        for thread in threads:
            thread.join()
        assert failures == []
        with store.read() as connection:
            kept = "SELECT count(*) FROM meta WHERE name LIKE 'writer-%'"
            assert connection.execute(text(kept)).scalar() == 6


def test_an_error_lets_the_next_one_in(sqlite_store: Store) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), sqlite_store.begin():
            raise ZeroDivisionError
    sqlite_store.set_meta("a", "b")
    assert sqlite_store.get_meta("a") == "b"


def test_a_thread_that_waits_too_long_is_told_that_the_database_is_locked(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "BUSY_TIMEOUT_S", 0.01)
    monkeypatch.setattr(base, "BUSY_TIMEOUT_S", 0.01)
    with open_store(sqlite_url) as store:
        with store.begin(), pytest.raises(StoreUnavailableError, match="locked"):
            store.set_meta("a", "b")
        store.set_meta("a", "b")
