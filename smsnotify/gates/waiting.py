"""How long a text waits by its own rule's word, before any hours and limits have theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from smsnotify.gates.history import happened_at, later
from smsnotify.gates.occasion import occasion
from smsnotify.model.decision import Draft
from smsnotify.model.event import STATUS_EVENTS, Event, Happening
from smsnotify.model.facts import Facts, Policy

NEW_ATTEMPT: Final = "new_attempt"

_NO_TIME: Final = timedelta()


def wait_ends_at(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> datetime | None:
    """Return when a text that waits for `after` or `for` has waited long enough.

    None where the rule says neither, or the job's status has changed. An event whose time lies
    ahead, by a clock that is wrong, counts from when it came.
    """
    bounds = draft.terms.bounds
    if bounds is None:
        return None
    if bounds.after is not None:
        return _begins_at(draft.event, now) + bounds.after
    if bounds.unchanged is None:
        return None
    since = _unchanged_since(draft, facts, policy, now)
    return None if since is None else since + bounds.unchanged


def _begins_at(event: Event, now: datetime) -> datetime:
    return min(happened_at(event, now), event.came_at or now)


def leaves_at(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> datetime:
    """Return when a text might leave at the earliest: now, or when its wait ends."""
    if draft.terms.bounds is None:
        return now
    ends_at = wait_ends_at(draft, facts, policy, now)
    return now if ends_at is None or ends_at < now else ends_at


def waited(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> timedelta:
    """Return for how long a text has to wait after its event: so long it does not age."""
    ends_at = wait_ends_at(draft, facts, policy, now)
    return _NO_TIME if ends_at is None else ends_at - happened_at(draft.event, now)


def changed_by(draft: Draft, facts: Facts, now: datetime) -> Happening | None:
    """Return the last event that gave the job another status than the draft's event did."""
    event = draft.event
    changes = [one for one in _since(draft, facts, now) if _is_change(one, event)]
    return changes[-1] if changes else None


def is_elsewhere(event: Event) -> bool:
    """Say whether a job has a status by now that no event tells of, such as `dispatched`.

    Asked of events that are a status themselves: others come with jobs of any status.
    """
    return event.name in STATUS_EVENTS and event.phase not in ("", *STATUS_EVENTS)


def _since(draft: Draft, facts: Facts, now: datetime) -> Sequence[Happening]:
    """Return what happened later; the status that a new attempt begins with is no change."""
    found = later(draft, facts, now)
    if draft.event.name != NEW_ATTEMPT:
        return found
    at = happened_at(draft.event, now)
    return [one for one in found if one.at > at]


def _is_change(one: Happening, event: Event) -> bool:
    return one.name == NEW_ATTEMPT or (one.name in STATUS_EVENTS and one.name != event.name)


def _unchanged_since(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> datetime | None:
    """Return since when the job is as the draft's event says, None when it is not any more.

    A job that left a status and came back within one occasion has one text, so the wait begins
    again; on another occasion the event has a text of its own.
    """
    event, since = draft.event, _begins_at(draft.event, now)
    if is_elsewhere(event):
        return None
    left, back = False, None
    for one in _since(draft, facts, now):
        if one.name == NEW_ATTEMPT:
            return None
        if _is_change(one, event):
            left, back = True, None
        elif left and back is None and one.name == event.name:
            back = one.at
    if not left:
        return since
    if back is None:
        return None
    again = event if event.time is None else msgspec.structs.replace(event, time=back)
    each = draft.terms.repeat_each
    return back if occasion(again, policy, back, each=each) == draft.key.occasion else None
