"""What makes an event news again: the part of a text's key that says "which time"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from typing import Final

from smsnotify.gates.stamps import job_stamp
from smsnotify.gates.zones import known_zone
from smsnotify.model.event import Event
from smsnotify.model.facts import Policy
from smsnotify.model.job import Job

_LONGEST_DATE: Final = 40  # of what is no date: an index has its limits


def occasion(event: Event, policy: Policy, now: datetime, *, each: bool = False) -> str:
    """Return what makes this news: the part of the key that says "which time".

    A job event happens once per attempt; a moved date, another heading-to, another day on hold
    and another rating are news again. With `each` it is news whenever it happens at another time:
    its own, else the job's stamp for it. Not when it comes in: an old file must not text again.
    """
    job = event.job
    attempt = "1" if job.attempt == 1 else str(job.attempt_number)
    say = STAMPED.get(event.name)
    if say is None and not each:
        return attempt
    stamp = "" if say is None else say(event, policy, now)
    if event.name in _ALONE:
        return stamp
    if each:
        stamp += _moment(event, policy)
    return f"{attempt}/{stamp}" if stamp else attempt


def _moment(event: Event, policy: Policy) -> str:
    if event.time is not None:
        return f"@{event.time.isoformat()}"
    stamp = job_stamp(event, policy.timezone)
    if stamp is None or not MINYEAR < stamp.year < MAXYEAR:  # else UTC might be out of reach
        return ""
    return f"@{stamp.astimezone(UTC).isoformat()}"


def _of_date(event: Event, policy: Policy, now: datetime) -> str:
    return str(event.job.date or "")[:_LONGEST_DATE]


def _of_heading(event: Event, policy: Policy, now: datetime) -> str:
    return event.stamp


def _of_day(event: Event, policy: Policy, now: datetime) -> str:
    return local_day(event.job, policy, event.time or now).isoformat()


def _of_reply(event: Event, policy: Policy, now: datetime) -> str:
    return event.id


STAMPED: Final[Mapping[str, Callable[[Event, Policy, datetime], str]]] = {
    "scheduled": _of_date,
    "pre_job": _of_date,
    "heading_to": _of_heading,
    "heading_to_cancelled": _of_heading,
    "arrived": _of_heading,
    "on_hold": _of_day,
    "return": _of_day,
    "feedback": _of_heading,  # the version of the rating stands there
    "reply": _of_reply,
}
"""Events that may be news several times in one attempt, and what tells those apart."""

_ALONE: Final = frozenset({"feedback", "reply"})


def local_day(job: Job, policy: Policy, at: datetime) -> date:
    """Return the calendar day of an instant where the job is."""
    zone = known_zone(job.time_zone) or known_zone(policy.timezone)
    return (at.astimezone(zone) if zone else at).date()
