"""Is the news still news?"""

from __future__ import annotations

from datetime import datetime

from smsnotify.base.durations import format_duration
from smsnotify.gates.ruling import Ruling
from smsnotify.gates.stamps import job_stamp
from smsnotify.gates.waiting import waited
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy

NAME = "freshness"


def freshness_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop a text about an event that is older than the rule's `max_age`.

    A reminder has no age: what it speaks of lies ahead. Where the rule lets its texts wait, their
    age is counted from the end of that.
    """
    event = draft.event
    limit = draft.terms.age_limit(event.name)
    if limit is None or event.name == "pre_job":
        return None
    happened_at = event.time or job_stamp(event, policy.timezone)
    if happened_at is None or now - happened_at <= limit:
        return None
    happened = f"happened {format_duration(now - happened_at)} ago"
    if draft.terms.bounds is not None and (span := waited(draft, facts, policy, now)):
        if now - happened_at - span <= limit:
            return None
        happened += f", to wait {format_duration(span)}"
    return Ruling(
        gate=NAME,
        verdict=Verdict.STOP,
        reason="too_old",
        detail=f"{happened}, max_age is {format_duration(limit)}",
    )
