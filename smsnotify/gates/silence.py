"""Has somebody silenced this rule, or this group?"""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

from smsnotify.gates.ruling import Ruling
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy

NAME = "silence"

_id = attrgetter("id")  # ids ascend with time


def silence_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop a text of a rule while a silence covers it; of several, the oldest is named.

    What plans say to people who are in them goes on, and so do answers: such keys are not of the
    kind of their event.
    """
    if draft.key.kind != draft.event.name:
        return None
    rule, group = draft.terms.id, str(draft.event.job.group_name or "")
    covering = [one for one in facts.silences if one.covers(rule, group, now)]
    if not covering:
        return None
    silence = min(covering, key=_id)
    return Ruling(
        gate=NAME,
        verdict=Verdict.STOP,
        reason="silenced",
        detail=f"{silence.id} by {silence.author}: {silence.reason}",
    )
