"""Is this the real thing, a test, or a rehearsal?"""

from __future__ import annotations

from datetime import datetime

from smsnotify.gates.ruling import Ruling
from smsnotify.model.decision import Draft, Mode, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.rule import APPRISE, EMAIL

NAME = "mode"


def mode_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """In test mode, send what is meant for others to `test_to`; without one, stop it.

    `live` texts everybody; `sandbox` texts nobody, because every account is the sandbox then.
    """
    if policy.mode is not Mode.TEST or draft.recipient in policy.allow:
        return None
    if draft.terms.channel == APPRISE:
        return Ruling(
            gate=NAME,
            verdict=Verdict.STOP,
            reason="not_allowed",
            detail=f"mode is test, and the route {draft.recipient!r} is not in `allow`",
        )
    test_to, setting = policy.test_to, "test_to"
    if draft.terms.channel == EMAIL:
        test_to, setting = policy.test_to_email, "test_to_email"
    if not test_to:
        return Ruling(
            gate=NAME,
            verdict=Verdict.STOP,
            reason="not_allowed",
            detail=f"mode is test, the recipient is not in `allow`, and there is no `{setting}`",
        )
    tester = facts.people.get(test_to)
    if tester is not None and tester.opted_out:
        return Ruling(
            gate=NAME,
            verdict=Verdict.STOP,
            reason="opted_out",
            detail=f"test mode: would go to {test_to}, which has opted out",
        )
    return Ruling(
        gate=NAME,
        verdict=Verdict.SEND,
        to=test_to,
        detail=f"test mode: goes to {test_to}",
    )
