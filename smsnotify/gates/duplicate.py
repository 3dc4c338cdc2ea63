"""Was this very thing said to this very person before?"""

from __future__ import annotations

from datetime import datetime

from smsnotify.gates.ruling import Ruling
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy

NAME = "duplicate"


def duplicate_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop a draft whose key is taken; the decision names the earlier message and its state."""
    earlier = facts.keys.get(draft.key)
    if earlier is None:
        return None
    return Ruling(
        gate=NAME,
        verdict=Verdict.STOP,
        reason="duplicate",
        detail="already " + earlier.state + (f" as {earlier.id}" if earlier.id else ""),
    )
