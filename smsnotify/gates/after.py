"""Is it time for a text that is sent some time after its event?"""

from __future__ import annotations

from datetime import datetime

from smsnotify.base.durations import format_duration
from smsnotify.gates.history import later, told
from smsnotify.gates.ruling import Ruling
from smsnotify.gates.waiting import wait_ends_at
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy

NAME = "after"
WAITS = "waits"


def after_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Hold a text until its rule's `after` is over; stop it when an `unless` event came first.

    `unless` cancels what waits for `for` too.
    """
    bounds = draft.terms.bounds
    if bounds is None:
        return None
    if bounds.unless:
        for one in later(draft, facts, now):
            if one.name in bounds.unless:
                return Ruling(
                    gate=NAME, verdict=Verdict.STOP, reason="overtaken", detail=told(one, policy)
                )
    if bounds.after is None:
        return None
    ends_at = wait_ends_at(draft, facts, policy, now)
    if ends_at is None or now >= ends_at:
        return None
    return Ruling(
        gate=NAME,
        verdict=Verdict.HOLD,
        reason=WAITS,
        detail=f"{format_duration(bounds.after)} after the event",
        not_before=ends_at,
    )
