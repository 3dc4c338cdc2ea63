"""Were there enough texts already: to this person, in this run, today, to this country?

What leaves is counted when it leaves, so a text that waits is judged by most caps at its release.
A run's own caps count what it lets wait too: a night's run must not all leave in the morning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_CEILING
from typing import Final, NamedTuple

import msgspec

from smsnotify.gates.opted_out import CONSENT_KIND
from smsnotify.gates.ruling import Ruling
from smsnotify.model.caps import MILLION, Cap, Caps
from smsnotify.model.counts import Charge, CountKey, Counts
from smsnotify.model.decision import Decision, Draft, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.rule import APPRISE, RuleTerms

NAME = "caps"
RECIPIENT_CAP: Final = "recipient_cap"
RUN_CAP: Final = "run_cap"
DAY_CAP: Final = "day_cap"
COUNTRY_CAP: Final = "country_cap"
MONEY_CAP: Final = "money_cap"

CLERK_KIND: Final = "clerk"
ALERT_KIND: Final = "alert"
TEST_KIND: Final = "test"

NEVER_STOPPED: Final = frozenset({CONSENT_KIND, CLERK_KIND, ALERT_KIND, TEST_KIND})
"""Kinds of messages that no cap stops: an answer to STOP, a clerk's own words, an alert, a test."""

_REPLY: Final = "reply"
_NO_CAPS: Final = Caps()


class Applied(NamedTuple):
    """A cap that holds for a text, its counter, and the reason word of its stop."""

    cap: Cap
    key: CountKey
    reason: str


def is_free(draft: Draft) -> bool:
    """Say whether no cap may stop a text: answers, a clerk's words, and the rule's own staff."""
    return (
        draft.terms.channel == APPRISE
        or draft.key.kind in NEVER_STOPPED
        or draft.event.name == _REPLY
        or draft.recipient in draft.terms.fixed
    )


def caps_on(
    terms: RuleTerms, recipient: str, country: str, counts: Counts, caps: Caps
) -> Iterator[Applied]:
    """Give every cap that holds for a text, the run's first; those by recipient carry one."""
    for cap in caps.desk:
        if cap.span == "run" and counts.run:
            yield Applied(cap, counts.key(cap, ""), _reason(cap, RUN_CAP))
    for cap in terms.bounds.caps if terms.bounds is not None else ():
        yield Applied(cap, counts.key(cap, f"rule {terms.id}", recipient), RECIPIENT_CAP)
    for cap in caps.recipient:
        yield Applied(cap, counts.key(cap, "", recipient), RECIPIENT_CAP)
    for cap in caps.desk:
        if cap.span != "run":
            yield Applied(cap, counts.key(cap, ""), _reason(cap, DAY_CAP))
    for cap in caps.countries.get(country, ()):
        yield Applied(cap, counts.key(cap, country), _reason(cap, COUNTRY_CAP))


def _reason(cap: Cap, word: str) -> str:
    return MONEY_CAP if cap.of == "money" else word


def caps_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop a text where a hard cap is reached. Money is counted once the words are there."""
    counts = facts.counts
    if counts is None or is_free(draft):
        return None
    for cap, key, reason in _of(draft, counts, policy):
        if cap.of == "money" or cap.hard is None:
            continue
        if _has(counts, draft, cap, key) >= cap.hard:
            return Ruling(
                gate=NAME,
                verdict=Verdict.STOP,
                reason=reason,
                detail=f"{cap.name} is {cap.hard}",
                unless_held=cap.span != "run",
            )
    return None


def capped(decision: Decision, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """Judge what is put together of several texts, and count it, as if it were one draft."""
    counts = facts.counts
    if counts is None or decision.verdict is Verdict.STOP:
        return decision
    ruling = caps_gate(decision.draft, facts, policy, now)
    if ruling is None or (ruling.unless_held and decision.verdict is Verdict.HOLD):
        return count(decision, counts, policy)
    return _stopped(decision, ruling.reason, ruling.detail)


def count(decision: Decision, counts: Counts, policy: Policy) -> Decision:
    """Count a decision to send or hold, and return it: told of soft caps, or stopped by money.

    Alarms are nobody's texts and count nowhere.
    """
    draft = decision.draft
    if draft.terms.channel == APPRISE:
        return decision
    free, held = is_free(draft), decision.verdict is Verdict.HOLD
    cost = _cost(decision, policy)
    charges: list[Charge] = []
    beyond: list[str] = []
    for cap, key, reason in _of(draft, counts, policy):
        amount = 1 if cap.of == "texts" else cost
        if not amount or (held and cap.span != "run") or (free and key.recipient):
            continue
        if cap.span in counts.counted.get(draft.key, ()):
            continue
        total = counts.amounts.get(key, 0) + amount
        if cap.of == "money" and cap.hard is not None and total > cap.hard and not free:
            return _too_dear(decision, cap, reason, total - amount, policy)
        if cap.soft is not None and total > cap.soft:
            beyond.append(cap.name)
        charges.append(Charge(key, amount, None if free else cap.hard, cap.soft, cap.name))
    if not charges:
        return decision
    for charge in charges:
        counts.amounts[charge.key] = counts.amounts.get(charge.key, 0) + charge.amount
    counts.charges[draft.key] = tuple(charges)
    return msgspec.structs.replace(decision, beyond=tuple(beyond)) if beyond else decision


def _of(draft: Draft, counts: Counts, policy: Policy) -> Iterator[Applied]:
    caps = policy.caps or _NO_CAPS
    return caps_on(draft.terms, draft.recipient, draft.country, counts, caps)


def _has(counts: Counts, draft: Draft, cap: Cap, key: CountKey) -> int:
    """Return how many there were; one that a text takes the place of is not one more."""
    return -1 if cap.span in counts.counted.get(draft.key, ()) else counts.amounts.get(key, 0)


def _cost(decision: Decision, policy: Policy) -> int:
    """Return what a text costs in millionths, 0 where nobody knows."""
    if policy.caps is None or not decision.segments:
        return 0
    terms = decision.draft.terms
    price = policy.caps.price(terms.route, decision.draft.country, terms.channel)
    if price is None:
        return 0
    return int((price * decision.segments * MILLION).to_integral_value(ROUND_CEILING))


def _too_dear(decision: Decision, cap: Cap, reason: str, spent: int, policy: Policy) -> Decision:
    currency = policy.caps.currency if policy.caps is not None else ""
    allowed = f"{cap.name} is {cap.shown(cap.hard or 0)} {currency}".rstrip()
    return _stopped(decision, reason, f"{allowed}, {cap.shown(spent)} is spent")


def _stopped(decision: Decision, reason: str, detail: str) -> Decision:
    return msgspec.structs.replace(
        decision,
        verdict=Verdict.STOP,
        gate=NAME,
        reason=reason,
        detail=detail,
        to="",
        not_before=None,
    )
