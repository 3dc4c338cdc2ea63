"""Has something else happened to the job that mutes this rule?"""

from __future__ import annotations

from datetime import datetime

from smsnotify.gates.history import happened_at, history, told
from smsnotify.gates.ruling import Ruling
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy

NAME = "inhibited"


def inhibited_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop a text when an event of the rule's `inhibited_by` happened to the job not long before.

    Or after it: what came out of order, or while the text waited, mutes it too. A reminder has no
    event of its own, and counts from now.
    """
    bounds = draft.terms.bounds
    if bounds is None or bounds.inhibited_by is None:
        return None
    muting = bounds.inhibited_by
    at = now if draft.event.name == "pre_job" else happened_at(draft.event, now)
    for one in reversed(history(draft, facts)):
        if at - one.at > muting.within:
            break
        if one.name in muting.events:
            return Ruling(gate=NAME, verdict=Verdict.STOP, reason=NAME, detail=told(one, policy))
    return None
