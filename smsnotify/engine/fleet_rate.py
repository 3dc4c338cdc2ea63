"""How many messages a second an account may take from all workers together (PostgreSQL).

The database deals out turns; a worker books only as many as it needs for the next moments.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from smsnotify.store.rates import Turns

_AHEAD_S: Final = 0.3
"""So far ahead turns are booked: longer than a transaction takes, shorter than anybody notices."""

_STALE_S: Final = 1.0
"""A turn that was not used for so long is gone: saved-up turns would be a burst."""


class FleetBucket:
    """The turns that were dealt to one worker for one account; used like a `TokenBucket`.

    A request of several messages may use turns that are still to come; the next then waits.
    """

    def __init__(self, per_second: float, monotonic: Callable[[], float]) -> None:
        """`monotonic` gives seconds."""
        self.per_second = per_second
        self._monotonic = monotonic
        self._turns: deque[float] = deque()
        self._owing = 0

    def wanted(self, waiting: int) -> int:
        """Return how many turns to book now that so many messages wait here."""
        self._forget()
        if not waiting:
            return self._owing
        ahead = max(math.ceil(self.per_second * _AHEAD_S), 1)
        missing = min(waiting, ahead) + self._owing - len(self._turns)
        # Not for every single turn that was used: a booking is a transaction.
        return missing if missing > (ahead + self._owing) // 2 or not self._turns else 0

    def grant(self, turns: Turns) -> None:
        """Take in what was booked."""
        first = self._monotonic() + turns.starts_in_s
        self._turns.extend(first + place / self.per_second for place in range(turns.count))
        self._pay()

    def ready(self) -> int | None:
        """Return how many single messages may leave now."""
        self._forget()
        now = self._monotonic() + 1e-9
        return sum(turn <= now for turn in self._turns)

    def take(self, count: int) -> None:
        """Pay for messages that leave now."""
        self._owing += count
        self._pay()

    def wait_s(self) -> float:
        """Return the seconds until the next message may leave; 0 when one may leave now.

        While no turn is booked: until it is worth looking whether one is.
        """
        self._forget()
        if not self._turns:
            return 1 / self.per_second
        return max(self._turns[0] - self._monotonic(), 0.0)

    def _pay(self) -> None:
        while self._owing and self._turns:
            self._turns.popleft()
            self._owing -= 1

    def _forget(self) -> None:
        stale = self._monotonic() - _STALE_S
        while self._turns and self._turns[0] < stale:
            self._turns.popleft()
