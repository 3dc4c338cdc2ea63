"""How often somebody may change something: so many times in a span, forgotten after it."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

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
        now = self._monotonic()
        times = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while len(self._seen) > _MOST_KEYS:
            self._seen.popitem(last=False)
        while times and now - times[0] > self._span_s:
            times.popleft()
        if len(times) >= self._most:
            return False
        times.append(now)
        return True


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
