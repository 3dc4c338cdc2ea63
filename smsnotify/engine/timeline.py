"""All that happened between a person and the firm, on one line of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from smsnotify.model.contact import ConsentChange, Contact, Interaction
from smsnotify.model.enrolment import Enrolment
from smsnotify.model.message import Message
from smsnotify.store.enrolments import WantedEnrolments
from smsnotify.store.feedback import RatedJob
from smsnotify.store.replies import StoredReply, WantedReplies
from smsnotify.store.store import Store
from smsnotify.store.why import Story


class Moment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that happened. `kind` is `text`, `reply`, `receipt`, `stop`, `plan`, `rating` or
    `event`.

    `who` is the number or address that it went to or came from, `told` a line about it, `body`
    its words.
    """

    at: datetime
    kind: str
    told: str
    who: str = ""
    body: str = ""
    ref: str = ""

    def as_json(self) -> dict[str, object]:
        """The outside shape: `{"type": "moment", "kind", "at", "told", …}`."""
        return {"type": "moment", **msgspec.to_builtins(self)}


class History(msgspec.Struct, frozen=True, gc=False):
    """A person, every change of consent, and the newest moments, oldest first."""

    contact: Contact
    consents: list[ConsentChange]
    moments: list[Moment]


def history_of(store: Store, address: str, limit: int) -> History | None:
    """Return the history of whoever is behind an address; None when nothing is known.

    `limit` bounds each kind of row, and the whole.
    """
    contact = store.contacts_of([address]).get(address)
    addresses = contact.addresses if contact is not None else (address,)
    moments: list[Moment] = []
    for one in addresses:
        moments += _texts(store.story_of_number(one), one)
        moments += [_rating(given, one) for given in store.ratings_of(one, limit)]
        if not one.startswith("+"):
            continue  # only phones answer, and lead people through plans
        replies = store.list_replies(WantedReplies(sender=one), limit)
        moments += map(_reply, replies)
        enrolments = store.list_enrolments(WantedEnrolments(number=one), limit)
        for enrolment in enrolments:
            moments += _walk(store, enrolment)
    if contact is not None:
        shown = {moment.ref for moment in moments}
        events = store.interactions_of(contact.id, limit)
        moments += [_event(one) for one in events if not one.ref or one.ref not in shown]
    told = store.standings(addresses)
    consents = [change for standing in told.values() for change in standing.changes]
    if contact is None and not moments and not consents:
        return None
    moments.sort(key=lambda one: one.at)
    consents.sort(key=lambda one: one.at)
    return History(contact or Contact(addresses=(address,)), consents, moments[-limit:])


def _texts(story: Story, address: str) -> Iterator[Moment]:
    shown = {message.id: message for message in story.messages if message.recipient == address}
    for message in shown.values():
        yield Moment(
            at=message.created_at,
            kind="text",
            who=f"→ {address}",
            body="" if message.carried_by else message.body,  # another text has told it
            told=_state(message),
            ref=message.id,
        )
    for receipt in story.receipts:
        if receipt.message_id in shown and receipt.outcome == "moves":
            told = " ".join(
                filter(None, (receipt.state or receipt.raw_word, receipt.error, receipt.raw_code))
            )
            yield Moment(at=receipt.told_at, kind="receipt", who=address, told=told)
    for decision in story.decisions:
        if decision.verdict == "stop":
            told = f"{decision.rule}: {decision.reason}"
            told += f", {decision.detail}" if decision.detail else ""
            yield Moment(at=decision.decided_at, kind="stop", who=address, told=told)


def _state(message: Message) -> str:
    told = f"{message.rule or message.kind}: {message.state.value}"
    if message.title:
        told = f"mail “{message.title}”, {told}"
    if message.reason or message.error:
        told += f", {message.reason or message.error}"
    return told


def _reply(reply: StoredReply) -> Moment:
    told = reply.verdict or reply.state
    if reply.media:
        told += f", {len(reply.media)} pictures or files"
    if reply.note:
        told += f", {reply.note}"
    return Moment(
        at=reply.received_at,
        kind="reply",
        who=f"{reply.sender} →",
        body=reply.body,
        told=told,
        ref=reply.id,
    )


def _rating(given: RatedJob, address: str) -> Moment:
    rating = given.stored.rating
    stars = (("goods", rating.goods), ("driver", rating.driver))
    parts = [f"{name} {count} of 5" for name, count in stars if count is not None]
    if rating.comment:
        parts.append(f"“{rating.comment}”")
    return Moment(
        at=given.stored.updated_at,
        kind="rating",
        who=address,
        body=rating.comment,
        told=f"{given.job}: {', '.join(parts)}".removeprefix(": "),
    )


def _walk(store: Store, enrolment: Enrolment) -> Iterable[Moment]:
    for one in store.transitions_of(enrolment.id):
        where = one.to_step if not one.from_step else f"{one.from_step} → {one.to_step}"
        told = f"{enrolment.plan}: {where} ({one.path})"
        yield Moment(at=one.at, kind="plan", who=enrolment.number, told=told, ref=enrolment.id)


def _event(one: Interaction) -> Moment:
    told = f"{one.event} on {one.channel}"
    if one.value is not None:
        told += f", worth {one.value:g}"
    if one.data:
        told += ": " + ", ".join(f"{name} {value}" for name, value in one.data.items())
    return Moment(at=one.at, kind="event", told=told, ref=one.id)


def as_talk(moments: Iterable[Moment]) -> list[Moment]:
    """Return what belongs into a dialogue: not what stands in a text's own state already."""
    return [
        one
        for one in moments
        if one.kind != "receipt" and not (one.kind == "stop" and ": duplicate" in one.told)
    ]
