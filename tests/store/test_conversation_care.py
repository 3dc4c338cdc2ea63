"""Conversations are forgotten in time; what is open is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conversation_cases import DAY, enrolment, let_in, moved, says, turn, worked
from sqlalchemy import text
from store_cases import NOW, number

from smsnotify.model.contact import Interaction
from smsnotify.model.enrolment import Errand, Waiting
from smsnotify.model.message import InboundMessage
from smsnotify.store.conversation_batch import (
    ConversationBatch,
    NewErrand,
    NewLink,
    OpenChoice,
    WorkedReply,
)
from smsnotify.store.errands import SettledErrand
from smsnotify.store.retention import Pruned
from smsnotify.store.store import Store


def at(n: int) -> str:
    """An id of the day of these tests."""
    from smsnotify.store.order import first_id

    return first_id(NOW)[:10] + f"{n:016}"


def fill(store: Store) -> None:
    """Somebody who went through a plan, and everything around it."""
    let_in(store, [1], id=at(1))
    reply = says(store, 1, "BUY", one="in-1")
    over = moved(enrolment(1, id=at(1)), state="finished", waiting=Waiting.NOTHING, ended_at=NOW)
    errands = [NewErrand(errand=Errand(kind="emit", key=key)) for key in ("done", "due")]
    store.keep_conversation(
        ConversationBatch(
            mode="live",
            worked=worked(reply),
            moved=[over],
            transitions=[turn(over.enrolment)],
            interactions=[
                Interaction(id=at(2), contact_id="c", channel="sms", event="goal", at=NOW)
            ],
            errands=errands,
            links=[
                NewLink(token="over", kind="opt_out", expires_at=NOW),
                NewLink(token="stays", kind="opt_out"),
            ],
            choices=[
                OpenChoice(
                    number=number(1), reply_id=reply.id, options=("a",), asked_at=NOW, due_at=NOW
                )
            ],
        ),
        NOW,
    )
    done = next(one for one in store.claim_errands("live", NOW) if one.key == "done")
    store.settle_errands([SettledErrand(id=done.id, attempts=1, state="done")], NOW)


def after(store: Store, days: int) -> Pruned:
    return store.prune(NOW + timedelta(days=days))


def test_a_conversation_is_forgotten_by_and_by(store: Store) -> None:
    fill(store)
    assert after(store, 29) == Pruned()
    assert after(store, 31) == Pruned(errands=1, links=1, choices=1)
    assert after(store, 91) == Pruned(reply_bodies=1)
    assert after(store, 399) == Pruned()
    whole = Pruned(replies=1, interactions=1, enrolments=1, transitions=1, plans=1)
    assert after(store, 401) == whole
    assert [one.key for one in store.errands_due("live", NOW + DAY)] == ["due"]
    assert store.find_link("stays") is not None
    assert store.contacts_of([number(1)])


def test_the_replay_of_a_reply_without_its_words_is_still_known(store: Store) -> None:
    fill(store)
    after(store, 91)
    replay = InboundMessage(
        provider_message_id="in-1", sender=number(1), to="+6580000001", body="BUY"
    )
    assert store.note_replies("main", [replay], NOW + 91 * DAY) == 0


@pytest.mark.parametrize("state", ["new", "inbox", "doubtful"])
def test_a_reply_that_nobody_decided_on_stays(store: Store, state: str) -> None:
    reply = says(store, 1, "Hello?")
    if state != "new":
        taken = WorkedReply(id=reply.id, state=state)
        store.keep_conversation(ConversationBatch(mode="live", worked=[taken]), NOW)
    assert after(store, 500) == Pruned()
    assert store.replies_called(reply.id)[0].body == "Hello?"


def test_who_waits_in_a_plan_stays_there(store: Store) -> None:
    let_in(store, [1], id=at(1))
    assert after(store, 500) == Pruned()
    assert store.enrolments_by_id([at(1)])


def test_the_oldest_rows_are_looked_at_and_not_all_who_wait(sqlite_store: Store) -> None:
    asked: list[str] = []
    from sqlalchemy import event

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        asked.append(statement)

    event.listen(sqlite_store._engine, "before_cursor_execute", note)
    after(sqlite_store, 500)
    event.remove(sqlite_store._engine, "before_cursor_execute", note)
    with sqlite_store.read() as connection:
        for table in ("enrolments", "transitions", "replies", "interactions", "errands"):
            (statement, *_) = [one for one in asked if f"FROM {table} WHERE" in one]
            values = tuple("x" for _ in range(statement.count("?")))
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            told = [row[3] for row in plan if table in row[3] and "rowid=?" not in row[3]]
            assert told, statement
            assert all("SEARCH" in one and "<?" in one for one in told), (table, told)
        assert connection.execute(text("SELECT count(*) FROM replies")).scalar() == 0
