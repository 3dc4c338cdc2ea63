"""Events that plans begin with or wait for, and rules that let people into plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.base.errors import OvertakenError
from smsnotify.engine.conversing import Conversed, keep
from smsnotify.engine.conversing_portion import Desk, Entering, Portion
from smsnotify.engine.conversing_texts import Cause
from smsnotify.model.enrolment import Happened
from smsnotify.model.event import Event
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


def tell_plans(desk: Desk, told: Sequence[Occurrence], now: datetime) -> Conversed:
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
            return keep(_tell(desk, told, now), report)
        except OvertakenError:
            report.overtaken += 1
    return report


def _tell(desk: Desk, told: Sequence[Occurrence], now: datetime) -> Portion:
    mode = desk.policy.mode.value
    subjects = {one.subject for one in told if one.subject}
    contact_ids = {contact for one in told for contact in one.people}
    listening = desk.store.listening_enrolments(mode, subjects=subjects, contact_ids=contact_ids)
    beginning = [(one, plan) for one in told for plan in desk.book.plans.by_event.get(one.name, ())]
    numbers = {number for one, _ in beginning for number in _numbers(desk, one)}
    portion = Portion(desk, now)
    portion.know(numbers, enrolments=listening)
    portion.know_jobs(subjects)
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
