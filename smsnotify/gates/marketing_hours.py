"""Is it an hour for marketing where the recipient is?"""

from __future__ import annotations

from datetime import datetime, timedelta

from smsnotify.gates.ruling import Ruling
from smsnotify.gates.waiting import leaves_at
from smsnotify.gates.zones import next_opening, recipient_zone
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.rule import Purpose

NAME = "marketing_hours"


def marketing_hours_gate(
    draft: Draft, facts: Facts, policy: Policy, now: datetime
) -> Ruling | None:
    """Hold marketing until the next hour that it may leave in.

    What waits first is judged by the hour at which it may leave.
    """
    terms = draft.terms
    if terms.purpose is not Purpose.MARKETING:
        return None
    hours = terms.marketing_hours
    at = leaves_at(draft, facts, policy, now)
    zone, which = recipient_zone(draft, facts, policy, at)
    local = at.astimezone(zone)
    if hours.start <= local.time() < hours.end:
        return None
    over = local.time() >= hours.end
    return Ruling(
        gate=NAME,
        verdict=Verdict.HOLD,
        reason=NAME,
        detail=f"by {which}",
        not_before=next_opening(local + timedelta(days=over), hours.start, zone, at),
    )
