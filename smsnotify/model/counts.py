"""Counters that caps are held against: how many texts so far, and how much money."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from smsnotify.model.caps import Cap
from smsnotify.model.decision import MessageKey


class CountKey(NamedTuple):
    """What is counted: in which mode, since when (microseconds), of what, for whom.

    `recipient` is E.164 or an address, `''` for everybody together; the store keeps a keyed hash.
    """

    mode: str
    since: int
    name: str
    recipient: str


class Charge(msgspec.Struct, frozen=True, gc=False):
    """What one message adds to one counter, and the limit that it must stay within.

    Whoever comes beyond `soft` says so; `name` is what the cap is called to people.
    """

    key: CountKey
    amount: int
    hard: int | None = None
    soft: int | None = None
    name: str = ""


class Counts(msgspec.Struct):
    """Counters as they stood, and as judging changes them; `charges` are by message.

    `hour` and `day` are when the present ones began, `run` is who counts, `''` for no run.
    `counted` are messages whose place is taken over, with the spans that have counted them.
    """

    mode: str
    hour: int
    day: int
    run: str = ""
    amounts: dict[CountKey, int] = {}
    charges: dict[MessageKey, tuple[Charge, ...]] = {}
    counted: Mapping[MessageKey, Collection[str]] = {}

    def key(self, cap: Cap, name: str, recipient: str = "") -> CountKey:
        """Return the counter of a cap; `name` is whose it is."""
        if cap.span == "run":
            return CountKey(self.mode, 0, f"run {cap.of} {self.run}", recipient)
        since = self.hour if cap.span == "hour" else self.day
        return CountKey(self.mode, since, f"{cap.span} {cap.of} {name}", recipient)
