"""Did this person ask for marketing?"""

from __future__ import annotations

from datetime import datetime

from smsnotify.gates.ruling import Ruling
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import NOBODY, Facts, Policy
from smsnotify.model.rule import Purpose

NAME = "consent"


def consent_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop marketing to whoever has no recorded opt-in to it."""
    if draft.terms.purpose is not Purpose.MARKETING:
        return None
    if facts.people.get(draft.recipient, NOBODY).marketing_since is not None:
        return None
    return Ruling(
        gate=NAME,
        verdict=Verdict.STOP,
        reason="no_consent",
        detail="no opt-in to marketing holds: none was recorded, or an opt-out came after it",
    )
