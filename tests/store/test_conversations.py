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
from smsnotify.model.message import MessageState
from smsnotify.store.conversation_batch import (
    CancelTexts,
    ContactChange,
    ConversationBatch,
    MovedEnrolment,
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


def texts(store: Store, **of: dict[str, object]) -> None:
    """Plan texts with what is special about each, by their occasion."""
    for occasion, rest in of.items():
        said, messages = plan_text(enrolment(1), occasion, **rest)
        store.keep_conversation(
            ConversationBatch(mode="live", decisions=[said], messages=messages), NOW
        )


def cancelled(store: Store, *wanted: CancelTexts) -> set[str]:
    count = store.cancel_texts(wanted, NOW)
    found = store.list_messages(Wanted(states=frozenset({"cancelled"})))
    assert len(found) == count
    return {one.occasion for one in found}


def test_an_opt_out_of_one_sender_or_purpose_leaves_the_other_texts(store: Store) -> None:
    texts(
        store,
        ours={"sender": "+6580000001"},
        other={"sender": "ACME"},
        offer={"purpose": "marketing", "state": MessageState.HELD, "not_before": NOW},
    )
    assert cancelled(store, CancelTexts(number=number(2))) == set()
    by_sender = CancelTexts(number=number(1), scope="sender:+6580000001")
    assert cancelled(store, by_sender) == {"ours"}
    with store.begin() as connection:
        connection.execute(text("UPDATE messages SET state = 'queued'"))
    by_purpose = CancelTexts(number=number(1), scope="purpose:marketing")
    assert cancelled(store, by_purpose) == {"offer"}
    with pytest.raises(ValueError, match="no scope"):
        store.cancel_texts([CancelTexts(number=number(1), scope="else")], NOW)


def test_what_is_on_its_way_out_is_not_cancelled_any_more(store: Store) -> None:
    texts(
        store,
        out={"state": MessageState.SENDING},
        doubt={"state": MessageState.UNKNOWN},
        gone={"state": MessageState.ACCEPTED},
    )
    assert cancelled(store, CancelTexts(number=number(1))) == set()
    assert cancelled(store, CancelTexts(subject=enrolment(1).id)) == set()


def test_texts_of_a_plan_that_somebody_left_are_found_by_the_enrolment(store: Store) -> None:
    texts(store, first={}, second={"state": MessageState.HELD, "not_before": NOW})
    wanted = CancelTexts(subject=enrolment(1).id, reason="plan_moved_on")
    assert cancelled(store, wanted) == {"first", "second"}
    assert {(one.gate, one.reason) for one in store.list_messages(Wanted())} == {
        ("", "plan_moved_on")
    }


def test_a_text_that_somebody_gets_in_anothers_stead_is_cancelled_too(store: Store) -> None:
    texts(store, mine={"recipient": "+6599990000", "intended": number(1)})
    assert cancelled(store, CancelTexts(number="+6599990000")) == {"mine"}


def test_texts_that_no_database_can_hold_are_kept_and_their_keys_told_as_they_were(
    store: Store,
) -> None:
    one = enrolment(1, plan="quo\0te")
    for lost in (False, True):
        said, messages = plan_text(one, "ask/\0", body="half \ud83d")
        told = store.keep_conversation(
            ConversationBatch(mode="live", decisions=[said], messages=messages), NOW
        )
        assert set(told) == (set(messages) if lost else set())
    assert [each.body for each in store.list_messages(Wanted())] == ["half ?"]


def test_who_moves_to_another_version_brings_its_content(store: Store) -> None:
    let_in(store, [1])
    newer = MovedEnrolment(
        moved(enrolment(1), version="v2").enrolment, enrolment(1).turn, b'{"name":"quote","v":2}'
    )
    store.keep_conversation(ConversationBatch(mode="live", moved=[newer]), NOW)
    assert store.plan_content("v2") == b'{"name":"quote","v":2}'
