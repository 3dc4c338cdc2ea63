"""Has somebody silenced this rule, or this group?"""

from __future__ import annotations

from datetime import datetime

from smsnotify.gates.ruling import Ruling
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy

NAME = "silence"


def silence_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop a text of a rule while a silence covers it.

    What plans say to people who are in them goes on, and so do answers: such keys are not of the
    kind of their event.
    """
    if draft.key.kind != draft.event.name:
        return None
    group = draft.event.job.group_name
    for silence in facts.silences:
        if silence.covers(draft.terms.id, str(group or ""), now):
            return Ruling(
                gate=NAME,
                verdict=Verdict.STOP,
                reason="silenced",
                detail=f"{silence.id} by {silence.author}: {silence.reason}",
            )
    return None
