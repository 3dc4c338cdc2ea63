"""Has the job's status stayed as it is for long enough?"""

from __future__ import annotations

from datetime import datetime

from smsnotify.base.durations import format_duration
from smsnotify.gates.history import told
from smsnotify.gates.ruling import Ruling
from smsnotify.gates.waiting import changed_by, is_elsewhere, wait_ends_at
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy

NAME = "unchanged"
WATCHES = "watches"


def unchanged_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Hold a text as long as the rule's `for` runs; stop it when the job's status has changed."""
    bounds = draft.terms.bounds
    if bounds is None or bounds.unchanged is None:
        return None
    ends_at = wait_ends_at(draft, facts, policy, now)
    if ends_at is None:
        change = changed_by(draft, facts, now)
        by = told(change, policy) if change is not None else ""
        if is_elsewhere(draft.event):
            by = f"the job is {draft.event.phase} now"
        return Ruling(
            gate=NAME,
            verdict=Verdict.STOP,
            reason="status_changed",
            detail=by,
        )
    if now >= ends_at:
        return None
    return Ruling(
        gate=NAME,
        verdict=Verdict.HOLD,
        reason=WATCHES,
        detail=f"{format_duration(bounds.unchanged)} without another status",
        not_before=ends_at,
    )
