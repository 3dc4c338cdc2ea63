"""Replies, contacts, enrolments and batches for the store's tests of conversations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from store_cases import NOW, event, message, number

from smsnotify.base.ids import new_id
from smsnotify.model.contact import Contact
from smsnotify.model.decision import Decision, Draft, MessageKey, Verdict
from smsnotify.model.enrolment import Enrolment, Transition, Waiting
from smsnotify.model.message import InboundMessage, Message, MessageState
from smsnotify.model.rule import RuleTerms
from smsnotify.store.conversation_batch import (
    ConversationBatch,
    EnteredPlan,
    MovedEnrolment,
    WorkedReply,
)
from smsnotify.store.replies import StoredReply
from smsnotify.store.store import Store

OURS = "+6580000001"
PLAN = RuleTerms(id="quote", name="quote", body=lambda job: "Hi", tracking_link="none")
DAY = timedelta(days=1)


def says(store: Store, who: int, body: str, at: datetime = NOW, one: str = "") -> StoredReply:
    """Keep a reply of person `who`, and return it as it is stored."""
    told = one or new_id(at)
    text = InboundMessage(provider_message_id=told, sender=number(who), to=OURS, body=body, at=at)
    assert store.note_replies("main", [text], at) == 1
    return next(one for one in store.unworked_replies(10_000) if one.provider_message_id == told)


def contact(who: int, **rest: Any) -> Contact:
    return Contact(id=f"c{who:025}", addresses=(number(who),), **rest)


def enrolment(who: int, **rest: Any) -> Enrolment:
    """Person `who` in the plan `quote`, asked for an answer."""
    values: dict[str, Any] = {
        "id": f"e{who:025}",
        "plan": "quote",
        "version": "v1",
        "contact_id": f"c{who:025}",
        "number": number(who),
        "mode": "live",
        "account": "main",
        "ours": OURS,
        "step": "ask",
        "visits": {"ask": 1},
        "turn": 1,
        "steps_taken": 1,
        "waiting": Waiting.REPLY,
        "waits_since": NOW,
        "due_at": NOW + DAY,
        "source": "keyword",
        "entered_at": NOW,
        "expires_at": NOW + 14 * DAY,
    }
    return Enrolment(**values | rest)


def entered(who: int, ref: str = "", alone: bool = True, **rest: Any) -> EnteredPlan:
    one = enrolment(who, **rest)
    return EnteredPlan(
        enrolment=one, entry_ref=ref or f"r-{one.id}", alone=alone, content=b'{"name":"quote"}'
    )


def moved(one: Enrolment, **changed: Any) -> MovedEnrolment:
    """One turn on."""
    later = msgspec.structs.replace(one, **{"turn": one.turn + 1} | changed)
    return MovedEnrolment(later, one.turn)


def turn(one: Enrolment, to: str = "offer", at: datetime = NOW, ref: str = "") -> Transition:
    """The transition that led to where an enrolment stands."""
    return Transition(
        enrolment_id=one.id,
        turn=one.turn,
        from_step="ask",
        to_step=to,
        path="QUOTE",
        cause="reply",
        ref=ref,
        at=at,
    )


def plan_key(one: Enrolment, occasion: str) -> MessageKey:
    return MessageKey(one.id, one.mode, "plan", one.plan, occasion, "sms", one.number)


def plan_text(
    one: Enrolment, occasion: str = "ask/1", at: datetime = NOW, **rest: Any
) -> tuple[Decision, dict[MessageKey, Message]]:
    """A text that a plan sends: its decision, and the message under its key."""
    key = plan_key(one, occasion)
    draft = Draft(PLAN, event(1), one.number, key, country="SG")
    said = Decision(draft=draft, verdict=Verdict.SEND, to=one.number, body="Hi", segments=1)
    return said, {key: message(key, at, **{"job": "", "event": ""} | rest)}


def worked(*replies: StoredReply, **rest: Any) -> list[WorkedReply]:
    return [WorkedReply(id=one.id, verdict="branch", **rest) for one in replies]


def let_in(store: Store, people: Sequence[int], now: datetime = NOW, **rest: Any) -> None:
    """Make contacts and enrol them."""
    store.keep_conversation(
        ConversationBatch(
            mode="live",
            contacts=[contact(who) for who in people],
            entered=[entered(who, **rest) for who in people],
        ),
        now,
    )


def with_states(store: Store, **states: MessageState) -> None:
    """Put messages into states: id=state."""
    from sqlalchemy import text

    with store.begin() as connection:
        for one, state in states.items():
            connection.execute(
                text("UPDATE messages SET state = :state, updated_at = :at WHERE id = :id"),
                {"id": one, "state": str(state), "at": 0},
            )
