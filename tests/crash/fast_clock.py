"""Time that runs faster, for processes that must wait for leases and look-ups.

All processes of one run get the same `base` and `factor`, and so agree on the time: at `base` it is
what the machine says, and from then on `factor` seconds pass in one. Nothing in the program knows
of it: delivery takes its clocks and its sleep as arguments (`times`, `sleep`), and the transport
that it is given here divides the time-outs.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from smsnotify.engine.client import Transport
from smsnotify.engine.times import Times
from smsnotify.model.http import HttpRequest, HttpResponse


class FastClock:
    """A clock, a monotonic clock and a sleep that agree with each other."""

    def __init__(self, base: float, factor: float) -> None:
        """`base` is in seconds since 1970."""
        self.base = base
        self.factor = factor

    def clock(self) -> datetime:
        """The moment, aware, in UTC."""
        return datetime.fromtimestamp(self.base + (time.time() - self.base) * self.factor, UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic() * self.factor

    async def sleep(self, seconds: float) -> None:
        """Sleep for so many of this clock's seconds."""
        await asyncio.sleep(seconds / self.factor)

    def times(self) -> Times:
        """What a delivery run is given."""
        return Times(self.clock, wall=self.clock, monotonic=self.monotonic)


class FastTransport:
    """Carries requests; a time-out of 30 s is over after 30 of the fast clock's seconds."""

    def __init__(self, transport: Transport, factor: float) -> None:
        """`transport` does the work."""
        self._transport = transport
        self._factor = factor

    async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
        """Carry one request."""
        return await self._transport.send(request, timeout_s / self._factor)
