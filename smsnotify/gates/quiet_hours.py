"""Is it a decent hour where the recipient is?"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from smsnotify.gates.ruling import Ruling
from smsnotify.gates.waiting import leaves_at
from smsnotify.gates.zones import next_opening, recipient_zone
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.rule import QuietHours

NAME = "quiet_hours"


def quiet_hours_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Hold a text until the quiet hours end, or drop it where the rule says so.

    The rule's fixed numbers are staff: they are texted at any hour. What waits first is judged by
    the hour at which it may leave.
    """
    quiet = draft.terms.quiet_hours
    if quiet is None or draft.recipient in draft.terms.fixed:
        return None
    at = leaves_at(draft, facts, policy, now)
    zone, which = recipient_zone(draft, facts, policy, at)
    local = at.astimezone(zone)
    if not is_quiet(quiet, local.time()):
        return None
    if quiet.then_of(draft.event.name) == "drop":
        return Ruling(gate=NAME, verdict=Verdict.STOP, reason=NAME, detail=f"by {which}")
    return Ruling(
        gate=NAME,
        verdict=Verdict.HOLD,
        reason=NAME,
        detail=f"by {which}",
        not_before=next_opening(_day_of_end(quiet, local), quiet.end, zone, at),
    )


def is_quiet(quiet: QuietHours, at: time) -> bool:
    """Say whether a local time lies in the quiet hours: the start is in, the end is out."""
    if quiet.start <= quiet.end:
        return quiet.start <= at < quiet.end
    return at >= quiet.start or at < quiet.end


def _day_of_end(quiet: QuietHours, local: datetime) -> datetime:
    over_midnight = quiet.start > quiet.end and local.time() >= quiet.start
    return local + timedelta(days=1) if over_midnight else local
