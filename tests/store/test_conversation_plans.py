"""Looks at a million waiting people go by an index, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from conversation_cases import enrolment, let_in, moved, plan_text, says, turn, worked
from sqlalchemy import Connection, event, text
from store_cases import NOW, number

from smsnotify.model.contact import Contact
from smsnotify.store.conversation_batch import CancelTexts, ConversationBatch
from smsnotify.store.enrolments import EntryKey
from smsnotify.store.open import open_store
from smsnotify.store.rowset import find_by_id
from smsnotify.store.store import Store

MANY = 3000

FILL = """
WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1000 + :many)
INSERT INTO enrolments (id, plan, version, contact_id, number, mode, state, step, turn, waiting,
  due_at, entry_ref, alone, entered_at, expires_at, message_id, subject)
SELECT 'x' || CAST(i AS text), 'quote', 'v1', 'c' || CAST(i AS text), '+49' || CAST(i AS text),
  'live', 'waiting', 'ask', 1, 'reply', 9000000000000000 + i, CAST(i AS text), true, 0, 0,
  'm' || CAST(i AS text), 'id:' || CAST(i AS text) FROM n
"""
REPLIES = """
WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1000 + :many)
INSERT INTO replies (id, account, provider_message_id, sender, to_number, received_at, state)
SELECT '0' || CAST(i AS text), 'main', CAST(i AS text), '+49' || CAST(i AS text), '', 0, 'worked'
FROM n
"""
ERRANDS = """
WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1000 + :many)
INSERT INTO errands (id, mode, kind, key, state, due_at, created_at)
SELECT 'x' || CAST(i AS text), 'live', 'emit', CAST(i AS text), 'done', 0, 0 FROM n
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """Many rows in tables that were found empty when their rows were last counted."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'desk.db'}"
    else:
        url = str(request.getfixturevalue("postgres_url"))
    with open_store(url) as opened:
        if request.param == "postgresql":
            with opened._engine.connect() as plain:
                connection = plain.execution_options(isolation_level="AUTOCOMMIT")
                connection.execute(text("VACUUM ANALYZE"))
        with opened.begin() as connection:
            for statement in (FILL, REPLIES, ERRANDS):
                connection.execute(text(statement), {"many": MANY})
        yield opened


def plans_of(desk: Store, work: Callable[[], object]) -> list[str]:
    """Return how the database would do each statement of some work, one text a statement."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        asked.append((statement, values))

    def trace(driver: Any, *_rest: Any) -> None:
        # SQLite's own word, also of statements that go straight to the driver.
        driver.set_trace_callback(lambda statement: asked.append((statement, ())))

    def stop(driver: Any, *_rest: Any) -> None:
        driver.set_trace_callback(None)

    if desk.path is None:
        heard = [("before_cursor_execute", note)]
    else:
        heard = [("checkout", trace), ("checkin", stop)]
    for name, hearing in heard:
        event.listen(desk._engine, name, hearing)
    try:
        work()
    finally:
        for name, hearing in heard:
            event.remove(desk._engine, name, hearing)
    with desk.begin() as connection:
        find_by_id(connection)
        explained = (_explain(connection, desk, *one) for one in asked if one[0].startswith(_KINDS))
        return list(explained)


_KINDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


def _explain(connection: Connection, desk: Store, statement: str, values: Any) -> str:
    how, place = ("EXPLAIN ", 0) if desk.path is None else ("EXPLAIN QUERY PLAN ", 3)
    rows = connection.exec_driver_sql(how + statement, values or ()).all()
    return "\n".join(str(row[place]) for row in rows)


def good(plan: str, table: str, sqlite: bool) -> bool:
    """Say whether a plan reads no whole table. The index of new replies has those alone."""
    if sqlite:
        return f"SCAN {table}" not in plan.replace("SCAN replies USING INDEX ix_replies_new", "")
    return f"Seq Scan on {table}" not in plan


Look = Callable[[Store], object]
LOOKS: dict[str, tuple[str, Look]] = {
    "ix_enrolments_number": (
        "enrolments",
        lambda desk: desk.waiting_enrolments([number(1), number(2)], "live"),
    ),
    "ix_enrolments_due": ("enrolments", lambda desk: desk.due_enrolments("live", NOW, 500)),
    "ix_enrolments_due (mode": ("enrolments", lambda desk: desk.next_due_at("live")),
    "ix_enrolments_subject": (
        "enrolments",
        lambda desk: desk.listening_enrolments("live", subjects=["id:1", "id:2"]),
    ),
    "ix_enrolments_contact_id": (
        "enrolments",
        lambda desk: desk.listening_enrolments("live", contact_ids=["c1", "c2"]),
    ),
    "ix_enrolments_message_id": (
        "enrolments",
        lambda desk: desk.undelivered_plan_texts("live", NOW, 500),
    ),
    "ix_messages_plan_ended": (
        "messages",
        lambda desk: desk.undelivered_plan_texts("live", NOW, 500),
    ),
    "uq_enrolments_once (plan": (
        "enrolments",
        lambda desk: desk.known_entries("live", [EntryKey("quote", number(1), "r1")]),
    ),
    "uq_enrolments_once": (
        "enrolments",
        lambda desk: desk.was_ever_in("quote", [number(1)], "live"),
    ),
    "pk_enrolments": ("enrolments", lambda desk: desk.enrolments_by_id(["x1", "x2"])),
    "ix_replies_new": ("replies", lambda desk: desk.unworked_replies(500)),
    "ix_replies_open": ("replies", lambda desk: desk.doubtful_senders([number(1), number(2)])),
    "ix_replies_sender": ("replies", lambda desk: desk.replies_since([number(1)], NOW)),
    "ix_replies_sender (": ("replies", lambda desk: desk.counted_replies([number(1)], NOW)),
    "ix_errands_due": ("errands", lambda desk: desk.claim_errands("live", NOW)),
}


@pytest.mark.parametrize("index", LOOKS)
def test_a_look_goes_by_its_index(desk: Store, index: str) -> None:
    table, work = LOOKS[index]
    plans = [plan for plan in plans_of(desk, lambda: work(desk)) if table in plan]
    name = index.split(" ", maxsplit=1)[0]
    if desk.path is not None:
        name = name.replace("pk_", "sqlite_autoindex_").replace("uq_", "sqlite_autoindex_")
        name = name.replace("_once", "")
    assert any(name in plan for plan in plans), (index, plans)
    for plan in plans:
        assert good(plan, table, desk.path is not None), plan


def test_senders_with_new_replies_are_looked_for_in_what_is_new_or_theirs(desk: Store) -> None:
    plans = plans_of(desk, lambda: desk.unworked_senders([number(1), number(2)]))
    (plan,) = [plan for plan in plans if "replies" in plan]
    assert "ix_replies_new" in plan or "ix_replies_sender" in plan
    assert good(plan, "replies", desk.path is not None)


def test_who_is_due_comes_out_of_the_index_in_its_order(desk: Store) -> None:
    (plan,) = [
        plan
        for plan in plans_of(desk, lambda: desk.due_enrolments("live", NOW, 500))
        if "enrolments" in plan
    ]
    assert "ix_enrolments_due" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def test_keeping_a_conversation_finds_its_rows_by_their_ids(desk: Store) -> None:
    let_in(desk, [1, 2])
    replies = [says(desk, 1, "QUOTE"), says(desk, 2, "STOP")]
    after = [moved(enrolment(who), step="offer") for who in (1, 2)]
    said, messages = plan_text(after[0].enrolment, "offer/1")
    later = NOW + timedelta(seconds=1)
    batch = ConversationBatch(
        mode="live",
        worked=worked(*replies),
        contacts=[Contact(id="new", addresses=("+6599990000",))],
        moved=after,
        transitions=[turn(one.enrolment) for one in after],
        decisions=[said],
        messages=messages,
        cancel=[CancelTexts(number=number(2)), CancelTexts(subject="e2")],
        cleared=[number(1)],
    )
    plans = plans_of(desk, lambda: desk.keep_conversation(batch, later))
    assert len(plans) > 8
    for plan in plans:
        for table in ("enrolments", "replies", "messages", "contacts", "addresses", "transitions"):
            assert good(plan, table, desk.path is not None), plan
