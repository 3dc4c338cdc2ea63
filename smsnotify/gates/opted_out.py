"""Did this person say STOP, to all of it or to texts like this one?"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from smsnotify.gates.ruling import Ruling
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import IN_DOUBT, MARKETING, Facts, Person, Policy
from smsnotify.model.rule import Purpose

NAME = "opted_out"

CONSENT_KIND: Final = "consent"
"""The kind of message that answers STOP, START and HELP: the one text that may still go out."""


def opted_out_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop a text to a number that is opted out of it; hold one where that is in doubt."""
    person = facts.people.get(draft.recipient)
    if person is None or draft.key.kind == CONSENT_KIND:
        return None
    if person.opted_out:
        when = f" on {person.opted_out_at:%Y-%m-%d}" if person.opted_out_at else ""
        return _stop(f"opted out{when} ({person.opted_out_source or 'source unknown'})")
    if person.refuses and (refused := _refused(person, draft, policy)):
        return _stop(f"opted out of {refused}")
    if person.in_doubt:
        return Ruling(
            gate=NAME,
            verdict=Verdict.HOLD,
            reason=IN_DOUBT,
            detail="a reply may be an opt-out: sms-notify replies decides",
        )
    return None


def _refused(person: Person, draft: Draft, policy: Policy) -> str:
    """Return which narrower opt-out this text falls under, in words; `''` for none.

    Any sender that the route might use counts: which one it will be is known only later.
    """
    if draft.terms.purpose is Purpose.MARKETING and MARKETING in person.refuses:
        return "marketing"
    refused = {one.removeprefix("sender:") for one in person.refuses if one.startswith("sender:")}
    senders = policy.senders(draft.terms.route, draft.country) if refused else frozenset()
    # A provider that chooses from a pool may choose any of them.
    found = sorted(refused if "" in senders else refused & senders)
    return f"texts from {found[0]}" if found else ""


def _stop(detail: str) -> Ruling:
    return Ruling(gate=NAME, verdict=Verdict.STOP, reason=NAME, detail=detail)
