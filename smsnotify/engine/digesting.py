"""Digests: which drafts share a window, and one text out of several.

A window belongs to a door (`gates.digest.door_of`). It opens with the first text that is held
there and stays open until that leaves: whatever comes meanwhile goes with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec

from smsnotify.engine.first_texts import forget_first_text, note_first_text
from smsnotify.engine.wording import worded
from smsnotify.gates.digest import door_of
from smsnotify.gates.ruling import Ruling
from smsnotify.model.decision import Decision, Draft, MessageKey, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.store.batch import Waiting

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


class Doors(Protocol):
    """What knows the open windows: the store, or a rehearsal."""

    def doors(self, wanted: Collection[str], now: datetime) -> dict[str, datetime]:
        """Return the doors at which something waits, each with the end of its window."""


def open_doors(
    drafts: Iterable[Draft], memory: Doors, policy: Policy, now: datetime
) -> dict[str, datetime]:
    """Return the open windows that drafts might join; nothing is asked for rules without digest."""
    wanted = {
        door_of(draft, digest, policy)
        for draft in drafts
        if draft.terms.bounds is not None and (digest := draft.terms.bounds.digest) is not None
    }
    return memory.doors(wanted, now) if wanted else {}


def waiting(
    decisions: Iterable[Decision], facts: Facts, policy: Policy
) -> dict[MessageKey, Waiting]:
    """Return where texts wait for others, by their keys."""
    if not facts.doors:
        return {}
    found = {}
    for decision in decisions:
        draft = decision.draft
        digest = draft.terms.digest
        if digest is not None and decision.verdict is not Verdict.STOP:
            door = door_of(draft, digest, policy)
            leaves_at = decision.not_before or facts.doors[door]
            found[draft.key] = Waiting(door, facts.doors[door], leaves_at, digest.wait)
    return found


def longest_hold(decisions: Sequence[Decision]) -> dict[str, Any] | None:
    """Return what the longest of some holds says, None when nothing is held.

    One without a time is the longest.
    """
    held = [one for one in decisions if one.verdict is Verdict.HOLD]
    if not held:
        return None
    longest = max(held, key=lambda one: (one.not_before is None, one.not_before or _EARLIEST))
    names = ("verdict", "gate", "reason", "detail", "not_before")
    return {name: getattr(longest, name) for name in names}


def by_door(decisions: Sequence[Decision], policy: Policy) -> list[list[Decision]]:
    """Part decisions by the doors that their jobs have today: what moved goes by itself."""
    found: defaultdict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        digest = decision.draft.terms.digest
        key = decision.draft.key
        door = door_of(decision.draft, digest, policy) if digest is not None else repr(key)
        found[door].append(decision)
    return list(found.values())


class Share(msgspec.Struct, frozen=True, gc=False):
    """One text, and the decisions on all drafts that it tells of: the first one is its own."""

    text: Decision
    of: Sequence[Decision]


def shares(decisions: Sequence[Decision], facts: Facts) -> list[Share]:
    """Put drafts that leave, or wait, alike into one text; into as few as the limit allows.

    Each draft has its words alone, so the only one in a text may be too long for it, not for two.
    """
    found: list[Share] = []
    rest = decisions
    while rest:
        share = _share(rest, facts)
        found.append(share)
        rest = rest[len(share.of) :]
    return found


def _share(decisions: Sequence[Decision], facts: Facts) -> Share:
    whole = Share(_together(decisions, facts), decisions)
    if whole.text.reason != "too_long" or len(decisions) == 1:
        return whole
    best, low, high = Share(_together(decisions[:1], facts), decisions[:1]), 2, len(decisions) - 1
    while low <= high:
        middle = (low + high) // 2
        tried = Share(_together(decisions[:middle], facts), decisions[:middle])
        if tried.text.reason == "too_long":
            high = middle - 1
        else:
            best, low = tried, middle + 1
    return best


def _together(decisions: Sequence[Decision], facts: Facts) -> Decision:
    """Write the first one's text so that it tells of all their jobs, each once."""
    first = decisions[0]
    ruling = Ruling(
        gate=first.gate,
        verdict=first.verdict,
        reason=first.reason,
        detail=first.detail,
        not_before=first.not_before,
        to=first.to,
    )
    others = tuple([one.draft.event for one in decisions[1:]])
    for one in decisions:
        forget_first_text(one, facts)  # one text for all of them is the first again
    decision = worded(msgspec.structs.replace(first.draft, others=others), ruling, facts)
    note_first_text(decision, facts)
    return decision
