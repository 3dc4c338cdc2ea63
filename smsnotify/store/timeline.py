"""All that happened between a person and the firm, in the order of time."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection

from smsnotify.model.contact import Contact, Interaction
from smsnotify.model.enrolment import Transition
from smsnotify.model.message import Message
from smsnotify.store.enrolling import transitions_of
from smsnotify.store.enrolments import WantedEnrolments, list_enrolments
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.interactions import interactions_of
from smsnotify.store.receipts import StoredReceipt, receipts_of
from smsnotify.store.replies import StoredReply, WantedReplies, list_replies
from smsnotify.store.texted import messages_to


class PlanMove(msgspec.Struct, frozen=True, gc=False):
    """A transition, with the plan that it is of."""

    plan: str
    transition: Transition


class Moment(msgspec.Struct, frozen=True, gc=False):
    """One entry of a timeline. What it tells of says of which kind it is."""

    at: datetime
    what: StoredReply | PlanMove | Interaction | Message | StoredReceipt


# At one and the same instant: what a person said, what it led to, what was answered.
_ORDER: Final = (StoredReply, PlanMove, Interaction, Message, StoredReceipt)


def timeline(
    connection: Connection, hashed: RecipientHash, contact: Contact, limit: int
) -> list[Moment]:
    """Return the newest `limit` moments of a contact, the oldest first."""
    moments: list[Moment] = []
    numbers = [one for one in contact.addresses if one.startswith("+")]
    for number in numbers:
        said = list_replies(connection, WantedReplies(sender=number), limit)
        moments += [Moment(one.received_at, one) for one in said]
    texts = messages_to(connection, hashed, contact.addresses, limit)
    moments += [Moment(one.created_at, one) for one in texts]
    receipts = receipts_of(connection, [one.id for one in texts])
    moments += [Moment(one.told_at, one) for one in receipts]
    plans = list_enrolments(connection, WantedEnrolments(contact_id=contact.id), limit)
    named = {one.id: one.plan for one in plans}
    moments += [
        Moment(one.at, PlanMove(named[one.enrolment_id], one))
        for one in transitions_of(connection, named)
    ]
    moments += [Moment(one.at, one) for one in interactions_of(connection, contact.id, limit)]
    moments.sort(key=lambda one: (one.at, _ORDER.index(type(one.what))))
    return moments[-limit:]
