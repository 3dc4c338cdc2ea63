"""Events that plans begin with or wait for, and rules that let people into plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.base.errors import OvertakenError
from smsnotify.engine.conversing import Conversed, keep
from smsnotify.engine.conversing_portion import NO_TICKET, Desk, Entering, Portion
from smsnotify.engine.conversing_texts import Cause
from smsnotify.engine.keep import Ticket
from smsnotify.gates.occasion import occasion
from smsnotify.model.contact import NOBODY_KNOWN
from smsnotify.model.decision import Draft
from smsnotify.model.enrolment import Happened
from smsnotify.model.event import Event
from smsnotify.model.reading import Reading
from smsnotify.text.phone import read_number

_TRIES: Final = 5


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened about a job, or about people alone.

    `ref` makes it the same one when it is told twice. `people` are contact id → number, for an
    event about people; `job_event` is the event with its job, for one about a job.
    """

    name: str
    ref: str
    at: datetime
    subject: str = ""
    job_event: Event | None = None
    people: Mapping[str, str] = {}


def tell_plans(
    desk: Desk, told: Sequence[Occurrence], now: datetime, ticket: Ticket = NO_TICKET
) -> Conversed:
    """Move everybody who waits for these events, and let in whom they begin a plan for.

    Safe to do twice: a wait sees an event once, and the same event lets a number in once.

    Raises:
        StoreError: the database failed; nothing is stored.
    """
    plans = desk.book.plans
    told = [one for one in told if one.name in plans.events]
    report = Conversed()
    if not told:
        return report
    for _ in range(_TRIES):
        try:
            return keep(_tell(desk, told, now, ticket), report)
        except OvertakenError:
            report.overtaken += 1
    return report


def _tell(desk: Desk, told: Sequence[Occurrence], now: datetime, ticket: Ticket) -> Portion:
    mode = desk.policy.mode.value
    subjects = {one.subject for one in told if one.subject}
    contact_ids = {contact for one in told for contact in one.people}
    listening = desk.store.listening_enrolments(mode, subjects=subjects, contact_ids=contact_ids)
    beginning = [(one, plan) for one in told for plan in desk.book.plans.by_event.get(one.name, ())]
    numbers = {number for one, _ in beginning for number in _numbers(desk, one)}
    portion = Portion(desk, now, ticket)
    portion.know(numbers, enrolments=listening)
    # An old version of a plan may read what today's rules leave in the books.
    whole = desk.book.plans.job_type(desk.book.rules)
    for one in told:
        if one.job_event is not None and isinstance(one.job_event.job, whole):
            portion.see_job(one.subject, one.job_event.job)
    portion.know_jobs(subjects)
    for one in told:
        if one.job_event is not None and portion.job(one.subject) is None:
            portion.see_job(one.subject, one.job_event.job)
    known = {one.id: one for some in portion.waiting.values() for one in some}
    for one in told:
        cause = Cause(one.name, one.ref, one.at)
        for enrolment in listening:
            about = (one.subject and enrolment.subject == one.subject) or (
                enrolment.contact_id in one.people
            )
            if about and enrolment.id in known:
                portion.move(
                    known[enrolment.id], Happened(name=one.name, id=one.ref, at=one.at), cause
                )
    for one, plan in beginning:
        for number in _numbers(desk, one):
            entering = Entering(
                plan=plan,
                number=number,
                source="event",
                ref=one.ref,
                job=one.job_event.job if one.job_event is not None else None,
                subject=one.subject,
            )
            if portion.may_enter(entering):
                portion.enter(entering, Cause(one.name, one.ref, one.at))
    return portion


def _numbers(desk: Desk, one: Occurrence) -> list[str]:
    """Return whom an event is about: the people named, or the job's recipient."""
    if one.people:
        return sorted(set(one.people.values()))
    if one.job_event is None:
        return []
    job = one.job_event.job
    country = job.country if isinstance(job.country, str) else ""
    written = getattr(job, "phone_number", None)
    if not isinstance(written, str):
        return []
    e164, _, _ = read_number(written, country, desk.policy.country)
    return [e164] if e164 else []


class PlanTeller:
    """Tells plans what intake takes in."""

    def __init__(self, desk: Desk) -> None:
        """Conversations are kept in the desk's books, in transactions of their own."""
        self._desk = desk

    @property
    def events(self) -> frozenset[str]:
        """The events that some plan begins with or waits for."""
        return self._desk.book.plans.events

    def tell(
        self, entries: Sequence[Draft], events: Sequence[Event], ticket: Ticket, now: datetime
    ) -> int:
        """Let in whom rules start a plan for, then move those who wait; return how many came in."""
        report = Conversed()
        for _ in range(_TRIES):
            portion = Portion(self._desk, now, ticket)
            self._enter(portion, entries)
            try:
                keep(portion, report)
            except OvertakenError:
                continue
            break
        policy = self._desk.policy
        told = [
            Occurrence(
                name=event.name,
                ref=f"{event.subject}/{event.name}/{occasion(event, policy, now)}",
                at=event.time or now,
                subject=event.subject,
                job_event=event,
            )
            for event in events
        ]
        report.add(tell_plans(self._desk, told, now, ticket))
        return report.entered

    def _enter(self, portion: Portion, entries: Sequence[Draft]) -> None:
        numbers = {draft.recipient for draft in entries if not draft.refusal}
        portion.know(numbers)
        portion.adopt(numbers, {draft.terms.start_plan for draft in entries})
        for draft in entries:
            plan = self._desk.book.plans.by_name.get(draft.terms.start_plan)
            if plan is None or draft.refusal:
                continue
            reading = Reading(draft.event.job, portion.contacts.get(draft.recipient, NOBODY_KNOWN))
            if not all(test(reading) for test in draft.terms.contact_tests):
                continue
            key = draft.key
            entering = Entering(
                plan=plan,
                number=draft.recipient,
                source="rule",
                ref=f"{key.subject}/{key.kind}/{key.rule}/{key.occasion}",
                job=draft.event.job,
                subject=draft.event.subject,
            )
            if portion.may_enter(entering):
                portion.enter(entering, Cause(draft.event.name, draft.event.id, draft.event.time))


def tell_people(
    desk: Desk,
    name: str,
    ref: str,
    people: Mapping[str, str],
    now: datetime,
    *,
    subject: str = "",
) -> Conversed:
    """Tell plans of an event about these people (contact id → number), and about a job."""
    return tell_plans(
        desk, [Occurrence(name=name, ref=ref, at=now, people=people, subject=subject)], now
    )
