"""Is there somebody to text, in a country that we text to?"""

from __future__ import annotations

from datetime import datetime

from smsnotify.gates.ruling import Ruling
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.rule import SMS

NAME = "number"

_TOLD = {
    "no_recipient": "none of the rule's recipient fields has a number or address",
    "not_a_number": "cannot be read as a phone number",
    "doubtful_number": "reads as two different numbers: write it with + and country code",
    "not_an_address": "is no email address that a mail can be sent to",
    "no_address": "the contact has no email address",
    "landline": "a landline or service number, which gets no texts",
}


def number_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop what cannot be read as a mobile number, and destinations that are not allowed."""
    if draft.refusal:
        return Ruling(
            gate=NAME,
            verdict=Verdict.STOP,
            reason=draft.refusal,
            detail=_TOLD.get(draft.refusal, ""),
        )
    if draft.terms.channel != SMS:
        return None  # a mailbox is in no country
    if policy.countries is not None and draft.country not in policy.countries:
        return Ruling(
            gate=NAME,
            verdict=Verdict.STOP,
            reason="country_not_allowed",
            detail=f"{draft.country or 'this destination'} is not among the settings' countries",
        )
    return None
