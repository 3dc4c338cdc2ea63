"""What a delivery run claims next: how many messages, of which priorities, of which kinds not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from smsnotify.engine.books import Wanted
from smsnotify.engine.lanes import Lane
from smsnotify.engine.routing import Router
from smsnotify.engine.times import Times
from smsnotify.store.claims import Claimed

CLAIM: Final = 500
"""The most messages of one claim."""

_PEEK_S: Final = 1.0
_PEEK: Final = 100


class NextClaims:
    """Keeps what earlier claims told. `more`: something may be due that nobody has claimed."""

    def __init__(self, lanes: Mapping[str, Lane], router: Router, times: Times) -> None:
        """At first something may be due."""
        self.more = True
        self.claimed_at = 0
        self._lanes = lanes
        self._router = router
        self._times = times
        # One message of every kind that was met: to know which kinds nobody can take now.
        self._kinds: dict[str, Claimed] = {}
        self._peeked_at = times.monotonic()

    @property
    def are_urgent(self) -> bool:
        """True when something may be due, and some account waits for it."""
        return self.more and any(lane.is_low for lane in self._lanes.values())

    def wanted(self, limit_left: int | None) -> Wanted | None:
        """Say what to claim in this wave, if anything; `limit_left` bounds this run's tries."""
        lanes = self._lanes.values()
        left = limit_left
        if left is not None:
            left -= sum(lane.waiting_count for lane in lanes)
        if (left is not None and left <= 0) or all(lane.is_shut for lane in lanes):
            return None
        now = self._times.monotonic()
        if not self.are_urgent:
            return self._peek(now, left)
        self._peeked_at = now
        limit = min(CLAIM, sum(lane.room for lane in lanes))
        full = (kind for kind, one in self._kinds.items() if not self._router.room(one))
        return Wanted(limit=limit if left is None else min(limit, left), skip=frozenset(full))

    def _peek(self, now: float, left: int | None) -> Wanted | None:
        """Look for more urgent messages while less urgent ones wait for their turn."""
        waiting = [
            rank for lane in self._lanes.values() for rank, q in enumerate(lane.waiting) if q
        ]
        if not waiting or not max(waiting) or now - self._peeked_at < _PEEK_S:
            return None
        self._peeked_at = now
        limit = _PEEK if left is None else min(_PEEK, left)
        return Wanted(limit=limit, priorities=tuple(range(max(waiting))))

    def were_met(self, wanted: Wanted, found: int, now: int) -> None:
        """Note what a claim at the run's moment `now` brought."""
        if wanted.is_whole:
            self.claimed_at = now
            self.more = found >= wanted.limit

    def note_kind(self, message: Claimed) -> None:
        """Keep a message as an example of its kind."""
        self._kinds.setdefault(message.kind, message)
