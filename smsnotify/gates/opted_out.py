"""Did this person say STOP?"""

from __future__ import annotations

from datetime import datetime

from smsnotify.gates.ruling import Ruling
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy

NAME = "opted_out"


def opted_out_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop every text to a number that is opted out, whatever the rule or the account."""
    person = facts.people.get(draft.recipient)
    if person is None or not person.opted_out:
        return None
    when = f" on {person.opted_out_at:%Y-%m-%d}" if person.opted_out_at else ""
    return Ruling(
        gate=NAME,
        verdict=Verdict.STOP,
        reason="opted_out",
        detail=f"opted out{when} ({person.opted_out_source or 'source unknown'})",
    )
