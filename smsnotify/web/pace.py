"""How often somebody may change something: so many times in a span, forgotten after it."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from starlette.requests import Request

SPAN_S: Final = 600.0
"""The span of all limits by address or link: ten minutes."""

MOST_MISSES: Final = 60
"""Links that lead nowhere, of one address in that span: more is guessing."""

_MOST_KEYS: Final = 10_000


class Pace:
    """Counts by key, on the event loop. `most` times in `span_s` seconds."""

    def __init__(
        self, most: int, span_s: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`monotonic` is for tests."""
        self._most = most
        self._span_s = span_s
        self._monotonic = monotonic
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def takes(self, key: str) -> bool:
        """Count one more; False when that is one too many. `''` is never counted."""
        if not key:
            return True
        times = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while len(self._seen) > _MOST_KEYS:
            self._seen.popitem(last=False)
        if self.is_spent(key):
            return False
        times.append(self._monotonic())
        return True

    def is_spent(self, key: str) -> bool:
        """Say whether one more would be one too many; nothing is counted."""
        times = self._seen.get(key)
        if times is None:
            return False
        now = self._monotonic()
        while times and now - times[0] > self._span_s:
            times.popleft()
        return len(times) >= self._most


def address_of(host: str) -> str:
    """Return what a caller's address is counted under.

    `''` for this machine and private networks: there stands a proxy, and behind it everybody.
    An IPv6 home has many addresses; its network counts.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return ""
    if not address.is_global:
        return ""
    return address.exploded[:19] if address.version == 6 else host


def caller_of(request: Request) -> str:
    """Return what the caller of a request is counted under; see `address_of`."""
    return address_of(request.client.host if request.client else "")
