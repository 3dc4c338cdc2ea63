"""Forgetting somebody in the middle of a conversation."""

from __future__ import annotations

import pytest
from conversation_cases import OURS, enrolment, let_in, moved, plan_key, plan_text, says, worked
from sqlalchemy import text
from store_cases import NOW, number

from smsnotify.base.errors import OvertakenError
from smsnotify.model.enrolment import Errand
from smsnotify.model.message import InboundMessage
from smsnotify.store.conversation_batch import ConversationBatch, NewErrand, OpenChoice
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store


def talk(store: Store) -> ConversationBatch:
    """Somebody who answered once, with an errand and a question; and what a worker would keep."""
    let_in(store, [1])
    reply = says(store, 1, "QUOTE my number is +6591230001", one="in-1")
    after = moved(enrolment(1), answers={"ask": "QUOTE"})
    said, messages = plan_text(after.enrolment)
    store.keep_conversation(
        ConversationBatch(
            mode="live",
            worked=worked(reply, contact_id=f"c{1:025}"),
            moved=[after],
            decisions=[said],
            messages=messages,
            errands=[
                NewErrand(
                    errand=Errand(kind="webhook", key="k", data={"number": number(1)}),
                    enrolment_id=after.enrolment.id,
                )
            ],
            choices=[
                OpenChoice(
                    number=number(1), reply_id=reply.id, options=("a",), asked_at=NOW, due_at=NOW
                )
            ],
        ),
        NOW,
    )
    return ConversationBatch(mode="live", moved=[moved(after.enrolment)])


def test_nothing_of_the_person_is_left_in_any_row(store: Store) -> None:
    talk(store)
    assert store.forget(number(1), NOW) is not None
    from smsnotify.store.tables import metadata

    with store.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(table.select()):
                assert number(1) not in repr(tuple(row)), table.name
                assert "QUOTE" not in repr(tuple(row)) or table.name == "plans", table.name


def test_who_is_forgotten_leaves_the_plan_and_a_slow_worker_is_overtaken(store: Store) -> None:
    batch = talk(store)
    store.forget(number(1), NOW)
    one = store.enrolments_by_id([enrolment(1).id])[enrolment(1).id]
    assert (one.state, one.turn, one.contact_id, one.answers) == ("exited", 3, "", {})
    assert store.waiting_enrolments([number(1)], "live") == {}
    assert store.due_enrolments("live", one.expires_at) == []
    assert store.transitions_of(one.id)[-1].path == "forgotten"
    assert store.errands_due("live", NOW) == []
    assert store.open_choices([number(1)], "live") == {}
    with pytest.raises(OvertakenError):
        store.keep_conversation(batch, NOW)


def test_an_old_file_and_a_replayed_hook_do_nothing(store: Store) -> None:
    talk(store)
    store.forget(number(1), NOW)
    assert set(store.taken([plan_key(enrolment(1), "ask/1")])) == {plan_key(enrolment(1), "ask/1")}
    replay = InboundMessage(provider_message_id="in-1", sender=number(1), to=OURS, body="QUOTE")
    assert store.note_replies("main", [replay], NOW) == 0


def test_a_stop_that_nobody_has_worked_yet_still_counts(store: Store) -> None:
    talk(store)
    says(store, 1, "STOP", one="in-2")
    store.forget(number(1), NOW)
    (left,) = store.unworked_replies()
    assert (left.sender, left.body) == (number(1), "STOP")
    with store.read() as connection:
        emptied = "SELECT count(*) FROM replies WHERE sender = '' AND body = '' AND contact_id = ''"
        assert connection.execute(text(emptied)).scalar() == 1


def test_a_text_that_was_forgotten_is_not_queued_again(store: Store) -> None:
    talk(store)
    store.forget(number(1), NOW)
    assert store.retry(Wanted(), NOW) == 0
    assert [one.state for one in store.list_messages(Wanted())] == ["cancelled"]
