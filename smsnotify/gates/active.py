"""Is it the season of this rule?"""

from __future__ import annotations

from datetime import UTC, datetime

from smsnotify.gates.ruling import Ruling
from smsnotify.gates.zones import known_zone, local_instant
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy

NAME = "active"


def active_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Stop a text of a rule that is not active yet, or not any more."""
    bounds = draft.terms.bounds
    if bounds is None:
        return None
    if bounds.active_from is not None and now < instant_of(bounds.active_from, policy):
        return _stop(f"the rule is active from {told(bounds.active_from, policy)}")
    if bounds.active_until is not None and now >= instant_of(bounds.active_until, policy):
        return _stop(f"the rule was active until {told(bounds.active_until, policy)}")
    return None


def instant_of(written: datetime, policy: Policy) -> datetime:
    """Return the instant that a rule names; a naive one is read in the settings' zone."""
    if written.tzinfo is not None:
        return written
    zone = known_zone(policy.timezone)
    return local_instant(written, written.time(), zone) if zone else written.replace(tzinfo=UTC)


def told(written: datetime, policy: Policy) -> str:
    """Write an instant of a rule for people: `2026-12-01 00:00 (Asia/Singapore)`."""
    if written.tzinfo is None:
        return f"{written:%Y-%m-%d %H:%M} ({policy.timezone})"
    return f"{written:%Y-%m-%d %H:%M%z}"


def _stop(detail: str) -> Ruling:
    return Ruling(gate=NAME, verdict=Verdict.STOP, reason="not_active", detail=detail)
