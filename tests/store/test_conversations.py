"""Keeping what a conversation came to: whole or not at all, and every reply once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conversation_cases import (
    DAY,
    contact,
    enrolment,
    entered,
    let_in,
    moved,
    plan_key,
    plan_text,
    says,
    turn,
    worked,
)
from sqlalchemy import text
from store_cases import NOW, number

from smsnotify.base.errors import OvertakenError
from smsnotify.model.contact import ConsentChange, Interaction
from smsnotify.model.enrolment import Errand
from smsnotify.store.conversation_batch import (
    CancelTexts,
    ContactChange,
    ConversationBatch,
    NewErrand,
    NewLink,
    OpenChoice,
)
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store

TABLES = (
    "contacts",
    "addresses",
    "consents",
    "enrolments",
    "plans",
    "transitions",
    "interactions",
    "decisions",
    "messages",
    "errands",
    "choices",
    "links",
)


def counts(store: Store) -> dict[str, int]:
    with store.read() as connection:
        return {
            table: int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
            for table in TABLES
        }


def everything(store: Store, who: int = 1) -> ConversationBatch:
    """A batch with one of each kind of row; whoever it is about is known and asked already."""
    let_in(store, [who])
    reply = says(store, who, "QUOTE")
    after = moved(enrolment(who), step="offer", answers={"ask": "QUOTE"}, goal_value=2.5)
    said, messages = plan_text(after.enrolment, "offer/1")
    return ConversationBatch(
        mode="live",
        worked=worked(reply, contact_id=f"c{who:025}", enrolment_id=after.enrolment.id),
        contacts=[contact(who + 500)],
        changed=[ContactChange(contact_id=f"c{who:025}", facets={"tier": "gold"})],
        consents=[
            ConsentChange(
                recipient=number(who), opted_out=False, source="keyword", at=NOW, words="Quote!"
            )
        ],
        entered=[entered(who + 500)],
        moved=[after],
        transitions=[turn(after.enrolment, ref=reply.id)],
        interactions=[
            Interaction(
                id="i1", contact_id=f"c{who:025}", channel="sms", event="goal", at=NOW, value=2.5
            )
        ],
        decisions=[said],
        messages=messages,
        errands=[NewErrand(errand=Errand(kind="emit", key="k1", data={"event": "moved"}))],
        choices=[
            OpenChoice(
                number=number(who),
                reply_id=reply.id,
                options=("a", "b"),
                asked_at=NOW,
                due_at=NOW + DAY,
            )
        ],
        links=[NewLink(token="secret", kind="opt_out", recipient=number(who))],
    )


def test_all_of_a_batch_is_kept(store: Store) -> None:
    batch = everything(store)
    assert store.keep_conversation(batch, NOW) == {}
    assert counts(store) == dict.fromkeys(TABLES, 1) | {
        "contacts": 2,
        "addresses": 2,
        "enrolments": 2,
    }
    assert store.unworked_replies() == []
    (found,) = store.waiting_enrolments([number(1)], "live")[number(1)]
    assert found == batch.moved[0].enrolment
    assert store.contacts_of([number(1)])[number(1)].facets == {"tier": "gold"}
    (choice,) = store.open_choices([number(1)], "live").values()
    assert choice == batch.choices[0]
    assert store.transitions_of(found.id) == batch.transitions
    assert store.plan_content("v1") == b'{"name":"quote"}'
    link = store.find_link("secret")
    assert link is not None
    assert (link.kind, link.recipient) == ("opt_out", number(1))
    (errand,) = store.errands_due("live", NOW)
    assert (errand.kind, errand.data) == ("emit", {"event": "moved"})


@pytest.mark.parametrize("by", ["reply", "enrolment", "entry", "alone", "address", "turn"])
def test_of_a_batch_that_was_overtaken_nothing_is_kept(store: Store, by: str) -> None:
    batch = everything(store)
    other = ConversationBatch(mode="live")
    if by == "reply":
        other.worked = batch.worked
    elif by == "enrolment":
        other.moved = [moved(enrolment(1))]
    elif by == "entry":
        other.entered = [
            entered(501, batch.entered[0].entry_ref, alone=False, id="x", state="finished")
        ]
    elif by == "alone":
        other.entered = [entered(501, "another cause", id="x")]
    elif by == "address":
        other.contacts = [contact(501)]
    else:
        other.transitions = batch.transitions
    store.keep_conversation(other, NOW)
    before = counts(store)
    with pytest.raises(OvertakenError):
        store.keep_conversation(batch, NOW)
    assert counts(store) == before
    assert store.unworked_replies() == [] if by == "reply" else len(store.unworked_replies()) == 1


def test_a_taken_key_is_told_and_the_enrolment_waits_on_the_message_that_has_it(
    store: Store,
) -> None:
    let_in(store, [1])
    one = enrolment(1)
    said, messages = plan_text(one, "offer/1")
    store.keep_conversation(
        ConversationBatch(mode="live", decisions=[said], messages=messages), NOW
    )
    (first,) = messages.values()
    said, messages = plan_text(one, "offer/1", NOW + timedelta(seconds=1))
    (second,) = messages.values()
    lost = store.keep_conversation(
        ConversationBatch(
            mode="live",
            decisions=[said],
            messages=messages,
            moved=[moved(one, message_id=second.id)],
        ),
        NOW,
    )
    assert {key: earlier.id for key, earlier in lost.items()} == {
        plan_key(one, "offer/1"): first.id
    }
    assert store.enrolments_by_id([one.id])[one.id].message_id == first.id


def test_a_person_may_leave_a_plan_and_come_in_again_at_once(store: Store) -> None:
    let_in(store, [1])
    left = moved(enrolment(1), state="finished", waiting="", due_at=None, ended_at=NOW)
    again = entered(1, "reply-2", id="second")
    store.keep_conversation(ConversationBatch(mode="live", moved=[left], entered=[again]), NOW)
    (found,) = store.waiting_enrolments([number(1)], "live")[number(1)]
    assert found.id == "second"
    assert store.was_ever_in("quote", [number(1)], "live") == {number(1): "waiting"}


def test_texts_that_nobody_wants_any_more_are_cancelled_and_their_confirmation_is_not(
    store: Store,
) -> None:
    let_in(store, [1, 2])
    for who in (1, 2):
        said, messages = plan_text(enrolment(who))
        store.keep_conversation(
            ConversationBatch(mode="live", decisions=[said], messages=messages), NOW
        )
    confirming, answer = plan_text(enrolment(1), "reply-9")
    key = plan_key(enrolment(1), "reply-9")._replace(kind="consent")
    (text_of_answer,) = answer.values()
    store.keep_conversation(
        ConversationBatch(
            mode="live",
            cancel=[CancelTexts(number=number(1))],
            messages={key: text_of_answer},
        ),
        NOW,
    )
    states = {
        (one.recipient, one.occasion): (one.state, one.reason)
        for one in store.list_messages(Wanted())
    }
    assert states[number(1), "ask/1"] == ("cancelled", "opted_out")
    assert states[number(2), "ask/1"] == ("queued", "")
    assert states[number(1), "reply-9"] == ("queued", "")
    assert confirming.draft.key.occasion == "reply-9"
