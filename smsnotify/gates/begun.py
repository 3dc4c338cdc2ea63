"""Has the day that a reminder speaks of begun already?"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from smsnotify.gates.ruling import Ruling
from smsnotify.gates.zones import known_zone
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import Job

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
