"""How many messages a second an account may take: one bucket for all tasks of a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_BURST_S: Final = 0.05


class TokenBucket:
    """Tokens come back at `per_second`; a twentieth of a second's worth may be saved up.

    A request of several messages may overdraw it; the next then waits until that is paid back.
    Any second holds at most 1.05 times `per_second` messages, plus one request.
    """

    def __init__(self, per_second: float | None, monotonic: Callable[[], float]) -> None:
        """`per_second` None means no limit; `monotonic` gives seconds."""
        self._rate = per_second
        self._monotonic = monotonic
        self._most = max(1.0, (per_second or 0.0) * _BURST_S)
        self._tokens = self._most
        self._at = monotonic()

    def ready(self) -> int | None:
        """Return how many single messages may leave now; None means any number."""
        if self._rate is None:
            return None
        self._refill(self._rate)
        return max(int(self._tokens + 1e-9), 0)

    def take(self, count: int) -> None:
        """Pay for messages that leave now."""
        if self._rate is not None:
            self._refill(self._rate)
            self._tokens -= count

    def wait_s(self) -> float:
        """Return the seconds until the next message may leave; 0 when one may leave now."""
        if self._rate is None:
            return 0.0
        self._refill(self._rate)
        return max(1.0 - self._tokens, 0.0) / self._rate

    def _refill(self, rate: float) -> None:
        now = self._monotonic()
        self._tokens = min(self._tokens + (now - self._at) * rate, self._most)
        self._at = now
