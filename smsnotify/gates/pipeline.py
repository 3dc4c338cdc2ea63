"""The gates in their order, as one function."""

from __future__ import annotations

from datetime import datetime

from smsnotify.gates.begun import begun_gate
from smsnotify.gates.duplicate import duplicate_gate
from smsnotify.gates.freshness import freshness_gate
from smsnotify.gates.mode import mode_gate
from smsnotify.gates.number import number_gate
from smsnotify.gates.opted_out import opted_out_gate
from smsnotify.gates.quiet_hours import quiet_hours_gate
from smsnotify.gates.ruling import Gate, Ruling
from smsnotify.model.decision import Draft, Mode, Verdict
from smsnotify.model.facts import Facts, Policy

# The volume guard comes last of all and counts people over a whole run: `volume_guard.py`.
ORDER: tuple[Gate, ...] = (
    number_gate,
    duplicate_gate,
    begun_gate,
    opted_out_gate,
    mode_gate,
    freshness_gate,
    quiet_hours_gate,
)


def gates_for(
    draft: Draft, facts: Facts, policy: Policy, order: tuple[Gate, ...] = ORDER
) -> tuple[Gate, ...]:
    """Return the gates that can have a word on drafts like this one, in order.

    The same for all drafts of a rule and an event while facts and policy stay: nobody is opted
    out where nobody is known, only test mode redirects, only reminders can come too late for a
    day, and age and hours count where the rule says so.
    """
    terms, is_reminder = draft.terms, draft.event.name == "pre_job"
    idle: dict[Gate, bool] = {
        begun_gate: not is_reminder,
        opted_out_gate: not facts.people,
        mode_gate: policy.mode is not Mode.TEST,
        freshness_gate: terms.max_age is None or is_reminder,
        quiet_hours_gate: terms.quiet_hours is None,
    }
    return tuple([gate for gate in order if not idle.get(gate)])


_USUAL: frozenset[Gate] = frozenset({number_gate, duplicate_gate, freshness_gate})


def are_usual(gates: tuple[Gate, ...]) -> bool:
    """Say whether no other gates are concerned than those that `passes_usual` speaks for."""
    return _USUAL.issuperset(gates)


def passes_usual(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> bool:
    """Say whether a draft plainly passes the gates that concern nearly every one.

    Those gates say nothing where this is True; where it is False, ask them. One call instead of
    three, at a million drafts a run; a test holds both to the same answers.
    """
    if draft.refusal or draft.key in facts.keys:
        return False
    if policy.countries is not None and draft.country not in policy.countries:
        return False
    limit, happened_at = draft.terms.max_age, draft.event.time
    return limit is None or (happened_at is not None and now - happened_at <= limit)


def run_gates(
    draft: Draft, facts: Facts, policy: Policy, now: datetime, order: tuple[Gate, ...] = ORDER
) -> Ruling | None:
    """Return the first stop; else a hold; else a redirect; else None: the draft may leave now.

    A redirected draft goes on through the gates, and a hold keeps the redirect.
    """
    redirect: Ruling | None = None
    for gate in order:
        ruling = gate(draft, facts, policy, now)
        if ruling is None:
            continue
        if ruling.verdict is not Verdict.SEND:
            if redirect is None or ruling.verdict is Verdict.STOP:
                return ruling
            return Ruling(
                gate=ruling.gate,
                verdict=ruling.verdict,
                reason=ruling.reason,
                detail=ruling.detail,
                not_before=ruling.not_before,
                to=redirect.to,
            )
        redirect = ruling
    return redirect
