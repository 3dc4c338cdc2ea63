"""A story in lines: what happened, what it brought about, and what became of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, tzinfo
from math import inf
from typing import Any, NamedTuple

from smsnotify.base.printable import one_line
from smsnotify.model.message import Message
from smsnotify.store.receipts import StoredReceipt
from smsnotify.store.why import StoredDecision, Story


class Line(NamedTuple):
    """A line of the story. `place` orders it: its instant, then the event that it belongs to.

    `kind` is `event`, `text`, a verdict, or who told of a receipt; `word` the state or verdict that
    it tells of; `body` what a text said; `ref` the id of a message.
    """

    at: datetime
    place: tuple[datetime, float, int]
    kind: str
    told: str
    word: str = ""
    body: str = ""
    ref: str = ""


def story_lines(story: Story, zone: tzinfo | None) -> list[Line]:
    """Return a line for everything that happened; what an event brought about stands below it.

    Without jobs it is the story of a number: then every line names its job.
    """
    return sorted(_lines(story, zone), key=lambda one: one.place)


def _lines(story: Story, zone: tzinfo | None) -> Iterator[Line]:
    name_job = not story.jobs
    for index, event in enumerate(story.events):
        at = event.received_at
        yield Line(at, (at, index, 0), "event", event.name)
    places = _Places(story)
    messages = {message.id: message for message in story.messages}
    added = {one.message_id: one.detail for one in story.decisions if one.verdict == "send"}
    for message in story.messages:
        at = message.created_at
        place = places.of(at, message, places.event_ids.get(message.id, ""))
        foreign = all(job.subject != message.subject for job in story.jobs)
        told = _message(message, zone, name_job or foreign)
        if message.carried_by in messages:
            told = _merged(message, messages[message.carried_by], zone, name_job)
        elif message.id in story.carries:
            told = _carrying(told, story.carries[message.id])
        if added.get(message.id):
            told += f" ({one_line(added[message.id])})"  # whose language it is, who gets it instead
        word, body = message.state.value, "" if message.carried_by in messages else message.body
        yield Line(at, (at, place, 2), "text", told, word, body, message.id)
    for decision in story.decisions:
        if decision.verdict == "send" and decision.message_id in messages:
            continue  # the message itself tells more
        at = decision.decided_at
        rank = 3 if decision.verdict == "stop" else 1
        place = places.of(at, decision, decision.event_id, counted=rank == 3)
        told = _decision(decision, zone, name_job)
        yield Line(at, (at, place, rank), decision.verdict, told, decision.verdict)
    for receipt in story.receipts:
        message = messages[receipt.message_id]
        at = receipt.told_at
        told = _receipt(receipt, message, name_job)
        yield Line(at, (at, inf, 4), receipt.source, told, receipt.state, ref=message.id)


class _Places:
    """Which event of one instant a decision or a message belongs to."""

    def __init__(self, story: Story) -> None:
        self._by_name: defaultdict[Any, list[int]] = defaultdict(list)
        for place, event in enumerate(story.events):
            key = (event.received_at, event.subject, event.name)
            self._by_name[key].append(place)
            self._by_name[*key, event.event_id].append(place)
        self._met: Counter[Any] = Counter()
        self.event_ids = {
            one.message_id: one.event_id for one in story.decisions if one.verdict != "stop"
        }

    def of(
        self, at: datetime, about: StoredDecision | Message, event_id: str, *, counted: bool = True
    ) -> float:
        """Return the event's place; the second text of a rule belongs to the second such event."""
        key = (at, about.subject, about.event)
        found = self._by_name.get((*key, event_id)) or self._by_name.get(key)
        if not found:
            return inf
        who = (*key, event_id, about.rule, about.recipient)
        place = found[min(self._met[who], len(found) - 1)]
        self._met[who] += counted
        return place


def _of_job(about: StoredDecision | Message, name_job: bool) -> str:
    return f" of {one_line(about.job)}" if name_job and about.job else ""


def _receipt(receipt: StoredReceipt, message: Message, name_job: bool) -> str:
    about = f"{message.recipient}{_of_job(message, name_job)}"
    told = f"{about}: {receipt.state or receipt.raw_word}"
    if receipt.error:
        told += f", {receipt.error} {receipt.raw_code}".rstrip()
    if receipt.outcome != "moves":
        told += f" ({receipt.outcome})"
    return told


def _decision(decision: StoredDecision, zone: tzinfo | None, name_job: bool) -> str:
    rule = f"{decision.rule}{_of_job(decision, name_job)}"
    told = f"{rule} → {decision.recipient or 'nobody'}"
    if decision.reason:
        told += f": {decision.reason}"
    if decision.detail:
        told += f", {decision.detail}"
    if decision.not_before:
        told += f", not before {decision.not_before.astimezone(zone):%Y-%m-%d %H:%M}"
    return told


def _merged(message: Message, carrier: Message, zone: tzinfo | None, name_job: bool) -> str:
    """Say of a text that another one carries what became of that."""
    told = f"{message.rule}{_of_job(message, name_job)} → {message.recipient}: "
    told += f"{message.reason}, it went out with that of {one_line(carrier.job or carrier.subject)}"
    return f"{told}: {carrier.state.value} at {carrier.state_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _carrying(told: str, jobs: list[str]) -> str:
    return f"{told}, tells of {one_line(', '.join(jobs))} too"


def _message(message: Message, zone: tzinfo | None, name_job: bool) -> str:
    begun, at = message.created_at.astimezone(zone), message.state_at.astimezone(zone)
    when = f"{at:%H:%M:%S}" if at.date() == begun.date() else f"{at:%Y-%m-%d %H:%M:%S}"
    told = f"{message.rule or 'test'}{_of_job(message, name_job)} → {message.recipient}: "
    told += f"{message.state.value} at {when}"
    if message.account:
        told += f" through {message.account}"
    if message.provider_message_id:
        told += f" as {message.provider_message_id}"
    if message.attempts > 1:
        told += f" after {message.attempts} tries"
    if message.error:
        told += f", {message.error} {message.error_text}".rstrip()
    if message.reason:
        why = "" if message.error else message.error_text  # what a gate adds to its word
        told += f" ({', '.join(filter(None, (message.reason, one_line(why))))})"
    return told
