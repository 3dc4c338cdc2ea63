"""Has the day that a reminder speaks of begun already? Is a job over that held news is about?"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from smsnotify.gates.ruling import Ruling
from smsnotify.gates.zones import known_zone
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import Job
from smsnotify.model.rule import WORTHLESS_LATER, RuleTerms

NAME = "begun"

OVER: Final = frozenset(
    {"completed", "completed_partial", "failed", "return", "on_hold", "deleted", "cancelled"}
)
"""Statuses of a job that nobody comes for any more, or not on the day that was planned."""


def begun_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop a reminder about a job that has begun, is over, or has no readable date any more."""
    if draft.event.name != "pre_job":
        return None
    job = draft.event.job
    if job_word(job) in OVER:
        return _stop("job_closed", f"the job is {job_word(job)}")
    day = job_day(job)
    if day is None:
        return _stop("no_date", "the job's date cannot be read")
    zone = known_zone(job.time_zone) or known_zone(policy.timezone)
    today = (now.astimezone(zone) if zone else now).date()
    terms = draft.terms.pre_job
    same_day = terms is not None and terms.days_before == 0
    if same_day and day == today:
        under_way = job.head_to_delivery_at or job.head_to_pick_up_at or job.arrived_at
        return _stop("already_begun", "the driver is on the way") if under_way else None
    if day <= today:
        return _stop("already_begun", f"the job's day {day} has begun")
    return None


def closed_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop held news of the way about a job that is over: it is on its way no more.

    For what is judged again. When an event comes in, its own job says nothing of the sort.
    """
    word = job_word(draft.event.job)
    if word in OVER and is_of_the_way(draft.event.name, draft.terms):
        return _stop("job_closed", f"the job is {word} by now")
    return None


def is_of_the_way(event: str, terms: RuleTerms) -> bool:
    """Say whether a text is news until the job is over, and none from then on.

    With `after` or `for` the rule itself says when its text is worth reading.
    """
    bounds = terms.bounds
    if bounds is not None and (bounds.after is not None or bounds.unchanged is not None):
        return False
    return event in WORTHLESS_LATER


def job_word(job: Job) -> str:
    """Return the job's status as one lower-case word with underscores."""
    word = "_".join(str(job.status or "").strip().lower().replace("-", " ").split())
    return "completed_partial" if word == "partially_completed" else word


def job_day(job: Job) -> date | None:
    """Return the day of a job, None when it is missing or no date."""
    try:
        return date.fromisoformat(str(job.date)[:10])
    except ValueError:
        return None


def _stop(reason: str, detail: str) -> Ruling:
    return Ruling(gate=NAME, verdict=Verdict.STOP, reason=reason, detail=detail)
