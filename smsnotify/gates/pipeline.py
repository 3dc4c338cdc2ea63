"""The gates in their order, as one function."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from smsnotify.gates.active import active_gate
from smsnotify.gates.after import after_gate
from smsnotify.gates.begun import begun_gate
from smsnotify.gates.caps import caps_gate
from smsnotify.gates.consent import consent_gate
from smsnotify.gates.digest import digest_gate
from smsnotify.gates.duplicate import duplicate_gate
from smsnotify.gates.freshness import freshness_gate
from smsnotify.gates.inhibited import inhibited_gate
from smsnotify.gates.marketing_hours import marketing_hours_gate
from smsnotify.gates.mode import mode_gate
from smsnotify.gates.number import number_gate
from smsnotify.gates.opted_out import opted_out_gate
from smsnotify.gates.quiet_hours import quiet_hours_gate
from smsnotify.gates.ruling import Gate, Ruling
from smsnotify.gates.silence import silence_gate
from smsnotify.gates.stamps import job_stamp
from smsnotify.gates.unchanged import unchanged_gate
from smsnotify.model.decision import Draft, Mode, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.rule import Purpose

# The volume guard comes last of all and counts people over a whole run: `volume_guard.py`.
ORDER: tuple[Gate, ...] = (
    number_gate,
    duplicate_gate,
    active_gate,
    silence_gate,
    inhibited_gate,
    after_gate,
    unchanged_gate,
    begun_gate,
    opted_out_gate,
    consent_gate,
    mode_gate,
    freshness_gate,
    caps_gate,
    quiet_hours_gate,
    marketing_hours_gate,
    digest_gate,
)


class Concern(NamedTuple):
    """What there is about a draft that decides which gates can have a word on it.

    One more of these needs its line in `passes_usual`, or in `RuleTerms.is_plain`, too.
    """

    is_reminder: bool
    ages: bool
    has_quiet_hours: bool
    is_marketing: bool
    is_bounded: bool


_MARKETING: Final = Purpose.MARKETING
_USUAL: Final = Concern(
    is_reminder=False, ages=True, has_quiet_hours=False, is_marketing=False, is_bounded=False
)


def concern_of(draft: Draft) -> Concern:
    """Say what decides which gates are asked about a draft; few answers serve all drafts."""
    terms = draft.terms
    is_reminder = draft.event.name == "pre_job"
    if terms.is_plain and not is_reminder:
        return _USUAL  # where the rule knows no age, freshness is asked in vain
    ages = not is_reminder and terms.age_limit(draft.event.name) is not None
    marketing = terms.purpose is _MARKETING
    return Concern(
        is_reminder, ages, terms.quiet_hours is not None, marketing, terms.bounds is not None
    )


def gates_for(
    concern: Concern, facts: Facts, policy: Policy, order: tuple[Gate, ...] = ORDER
) -> tuple[Gate, ...]:
    """Return the gates that can have a word on such drafts, in order.

    The same for all of them while facts and policy stay: nobody is silenced without silences, or
    opted out where nobody is known, only test mode redirects, only reminders can come too late for
    a day, marketing alone needs consent and hours of its own, few rules have bounds, caps need
    counters, and age and quiet hours count where the rule says so.
    """
    may_be_capped = policy.caps is not None or concern.is_bounded
    idle: dict[Gate, bool] = {
        active_gate: not concern.is_bounded,
        silence_gate: not facts.silences,
        inhibited_gate: not concern.is_bounded,
        after_gate: not concern.is_bounded,
        unchanged_gate: not concern.is_bounded,
        begun_gate: not concern.is_reminder,
        opted_out_gate: not facts.people,
        consent_gate: not concern.is_marketing,
        mode_gate: policy.mode is not Mode.TEST,
        freshness_gate: not concern.ages,
        caps_gate: facts.counts is None or not may_be_capped,
        quiet_hours_gate: not concern.has_quiet_hours,
        marketing_hours_gate: not concern.is_marketing,
        digest_gate: not concern.is_bounded,
    }
    return tuple([gate for gate in order if not idle.get(gate)])


def are_usual(facts: Facts, policy: Policy, order: tuple[Gate, ...] = ORDER) -> bool:
    """Say whether `passes_usual` may speak for the gates: no other one has a word."""
    return gates_for(_USUAL, facts, policy, order) == (number_gate, duplicate_gate, freshness_gate)


def passes_usual(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> bool:
    """Say whether a draft plainly passes the gates, where `are_usual`.

    True: no gate has a word on it. False: ask them. One call instead of five, at a million drafts
    a run; a test holds both to the same answers.
    """
    terms, event = draft.terms, draft.event
    if draft.refusal or not terms.is_plain or event.name == "pre_job" or draft.key in facts.keys:
        return False
    if policy.countries is not None and draft.country not in policy.countries:
        return False
    limit = terms.age_limit(event.name) if terms.max_ages else terms.max_age
    if limit is None:
        return True
    happened_at = event.time or job_stamp(event, policy.timezone)
    return happened_at is None or now - happened_at <= limit


def run_gates(
    draft: Draft, facts: Facts, policy: Policy, now: datetime, order: tuple[Gate, ...] = ORDER
) -> Ruling | None:
    """Return the first stop; else the longest hold; else a redirect; else None: it may leave now.

    A hold keeps the redirect. One without a time is the longest. It comes before a stop
    `unless_held`.
    """
    redirect: Ruling | None = None
    not_now: Ruling | None = None
    hold: Ruling | None = None
    for gate in order:
        ruling = gate(draft, facts, policy, now)
        if ruling is None:
            continue
        if ruling.verdict is Verdict.STOP:
            not_now = not_now or ruling
            if not ruling.unless_held:
                return not_now
            continue
        if ruling.verdict is Verdict.SEND:
            redirect = ruling
        elif hold is None or _is_longer(ruling, hold):
            hold = ruling
    if hold is None and not_now is not None:
        return not_now
    if hold is None or redirect is None:
        return hold or redirect
    return Ruling(
        gate=hold.gate,
        verdict=hold.verdict,
        reason=hold.reason,
        detail=hold.detail,
        not_before=hold.not_before,
        to=redirect.to,
    )


def _is_longer(one: Ruling, other: Ruling) -> bool:
    if one.not_before is None or other.not_before is None:
        return one.not_before is None and other.not_before is not None
    return one.not_before > other.not_before
