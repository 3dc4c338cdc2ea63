"""What else happened to the job of a draft, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter

from smsnotify.gates.zones import known_zone
from smsnotify.model.decision import Draft
from smsnotify.model.event import Event, Happening
from smsnotify.model.facts import Facts, Policy

_at = attrgetter("at")


def happened_at(event: Event, now: datetime) -> datetime:
    """Return when an event happened, in UTC: at its own time, else when it came."""
    return (event.time or event.came_at or now).astimezone(UTC)


def history(draft: Draft, facts: Facts) -> list[Happening]:
    """Return what is known to have happened to the job, oldest first; at one instant as it came.

    It is as much as the rule asks for, with or without the draft's own event.
    """
    event = draft.event
    return sorted([*facts.happened.get(event.subject, ()), *event.earlier], key=_at)


def later(draft: Draft, facts: Facts, now: datetime) -> Sequence[Happening]:
    """Return what happened to the job after the draft's event.

    Of the same instant: what came after it. An event that came just now came last.
    """
    event, known = draft.event, history(draft, facts)
    at = happened_at(event, now)
    if event.came_at is not None:
        for place, one in enumerate(known):
            if one.at == at and one.name == event.name:
                return known[place + 1 :]
    return [one for one in known if one.at > at]


def told(one: Happening, policy: Policy) -> str:
    """Write for people what happened and when: `completed at 2026-03-02 14:05 (Asia/Singapore)`."""
    zone = known_zone(policy.timezone)
    local = one.at.astimezone(zone or UTC)
    return f"{one.name} at {local:%Y-%m-%d %H:%M} ({policy.timezone if zone else 'UTC'})"
