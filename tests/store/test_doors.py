"""What serving asks of the database, on both."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import select, text
from store_cases import batch

from smsnotify.base.errors import SchemaVersionError
from smsnotify.model.message import InboundMessage
from smsnotify.store.store import Store
from smsnotify.store.tables import messages, replies

MINUTE = timedelta(minutes=1)


def said(body: str = "STOP", one: str = "in-1", **rest: object) -> InboundMessage:
    parts = {"sender": "+6591230000", "to": "+6580000001"} | rest
    return InboundMessage(provider_message_id=one, body=body, **parts)  # type: ignore[arg-type]


def kept(store: Store) -> list[tuple[str, str, str]]:
    with store.read() as connection:
        found = connection.execute(
            select(replies.c.account, replies.c.body, replies.c.media).order_by(replies.c.id)
        )
        return [tuple(row) for row in found]


def test_a_text_is_kept_once_an_account(store: Store, now: datetime) -> None:
    assert store.note_replies("main", [said(), said()], now) == 1
    assert store.note_replies("main", [said(), said("Hello", "in-2")], now) == 1
    assert store.note_replies("other", [said()], now) == 1
    assert sorted(kept(store)) == [
        ("main", "Hello", "[]"),
        ("main", "STOP", "[]"),
        ("other", "STOP", "[]"),
    ]
    assert store.note_replies("main", [], now) == 0


def test_a_text_without_an_id_is_known_by_what_it_says(store: Store, now: datetime) -> None:
    first = said("Yes", "", at=now)
    assert store.note_replies("main", [first, said("Yes", "", at=now + MINUTE)], now) == 2
    assert store.note_replies("main", [first], now) == 0


def test_a_text_that_no_database_can_hold_is_kept_all_the_same(store: Store, now: datetime) -> None:
    assert store.note_replies("main", [said("a\0b\ud83d", media=("http://x/\0",))], now) == 1
    assert kept(store) == [("main", "a\ufffdb?", '["http://x/\\ufffd"]')]


def test_the_name_of_a_key_is_taken_until_it_is_revoked(store: Store, now: datetime) -> None:
    assert store.add_key("dispatch", "1" * 64, now)
    assert store.add_key("dispatch", "2" * 64, now) is None
    assert store.use_key("1" * 64, now)
    assert store.revoke_key("dispatch", now + MINUTE)
    assert not store.revoke_key("dispatch", now)
    assert store.use_key("1" * 64, now) is None
    second = store.add_key("dispatch", "2" * 64, now + MINUTE)
    assert second is not None
    assert store.revoke_key(second.id, now)
    old, new = store.list_keys()
    assert (old.hash, old.revoked_at) == ("1" * 64, now + MINUTE)
    assert (new.hash, new.revoked_at) == ("2" * 64, now)
    assert old.as_json()["last_used_at"] == now.isoformat()
    assert "hash" not in old.as_json()


def test_a_clock_that_jumped_back_does_not_stop_the_noting_of_use(
    store: Store, now: datetime
) -> None:
    store.add_key("dispatch", "1" * 64, now)
    store.use_key("1" * 64, now + 60 * MINUTE)
    store.use_key("1" * 64, now)
    assert store.list_keys()[0].last_used_at == now


def test_a_turn_is_one_owners_until_it_ends(store: Store, now: datetime) -> None:
    assert store.take_turn("tick", "a", now, MINUTE)
    assert not store.take_turn("tick", "b", now, MINUTE)
    assert store.take_turn("other", "b", now, MINUTE)
    assert store.take_turn("tick", "a", now + MINUTE / 2, MINUTE)
    assert not store.take_turn("tick", "b", now + MINUTE, MINUTE)
    assert store.take_turn("tick", "b", now + 2 * MINUTE, MINUTE)
    store.end_turn("tick", "a")
    assert not store.take_turn("tick", "a", now + 2 * MINUTE, MINUTE)
    store.end_turn("tick", "b")
    assert store.take_turn("tick", "a", now, MINUTE)


def test_a_turn_from_before_the_clock_jumped_back_is_no_turn(store: Store, now: datetime) -> None:
    assert store.take_turn("tick", "a", now + timedelta(days=1), MINUTE)
    assert store.take_turn("tick", "b", now, MINUTE)


def test_of_many_who_want_a_turn_one_gets_it(store: Store, now: datetime) -> None:
    got: list[str] = []

    def want(owner: str) -> None:
        if store.take_turn("tick", owner, now, MINUTE):
            got.append(owner)

    threads = [Thread(target=want, args=(f"owner-{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_the_figures_are_of_one_mode_and_of_what_is_open(store: Store, now: datetime) -> None:
    store.save(batch(range(1, 9)))
    with store.begin() as connection:
        ids = list(connection.execute(select(messages.c.id).order_by(messages.c.id)).scalars())
        changes = [
            "state = 'queued', priority = 0, due_at = 5000000",
            "state = 'queued', priority = 0, due_at = 1000000",
            "state = 'queued', due_at = 9000000000000000",
            "state = 'held', priority = 2",
            "state = 'unknown', updated_at = 2000000",
            "state = 'accepted', account = 'main'",
            "state = 'delivered', account = 'main'",
            "state = 'queued', mode = 'test'",
        ]
        for one, change in zip(ids, changes, strict=True):
            connection.execute(text(f"UPDATE messages SET {change} WHERE id = :id"), {"id": one})
    store.pause("main")
    figures = store.gauges("live", now)
    assert figures.depth == {
        ("queued", "urgent"): 2,
        ("queued", "normal"): 1,
        ("held", "bulk"): 1,
        ("unknown", "normal"): 1,
    }
    assert {name: at.timestamp() for name, at in figures.oldest_due_at.items()} == {"urgent": 1.0}
    assert figures.oldest_unknown_at is not None
    assert figures.oldest_unknown_at.timestamp() == 2.0
    assert figures.unsettled == {"main": 1}
    assert figures.paused.accounts == {"main"}


def test_the_figures_come_out_of_indexes_alone(sqlite_store: Store, now: datetime) -> None:
    asked: list[str] = []
    from sqlalchemy import event

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        asked.append(statement)

    engine = sqlite_store._engine
    event.listen(engine, "before_cursor_execute", note)
    sqlite_store.gauges("live", now)
    event.remove(engine, "before_cursor_execute", note)
    of_messages = [one for one in asked if "FROM messages" in one]
    assert len(of_messages) == 6
    with sqlite_store.read() as connection:
        for statement in of_messages:
            values = tuple(["live", 0][: statement.count("?")])
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            assert all("USING" in row[3] for row in plan if "messages" in row[3]), (statement, plan)


def test_a_schema_of_another_version_is_told(store: Store) -> None:
    store.check_schema()
    with store.begin() as connection:
        connection.execute(text("UPDATE sms_notify_schema SET version_num = '9999'"))
    try:
        with pytest.raises(SchemaVersionError):
            store.check_schema()
    finally:
        from smsnotify.store.migrations import HEAD

        with store.begin() as connection:
            connection.execute(
                text("UPDATE sms_notify_schema SET version_num = :head"), {"head": HEAD}
            )
