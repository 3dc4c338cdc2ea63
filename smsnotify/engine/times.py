"""The clocks of a delivery run."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from smsnotify.base.clock import Clock, system_clock, system_micros
from smsnotify.store.instants import to_micros


class Moment(NamedTuple):
    """One moment on two clocks: one may be set, the other stands still while a machine sleeps."""

    monotonic: float
    wall: int


class Times:
    """`now` decides what is due and what is old, and dates what becomes of messages.

    `wall` is for what is compared with other clocks: leases with other workers', tries and doubts
    with the provider's. They differ under `--as-of`: then `now` starts at the told instant and
    goes on from there. It never goes back, even when the machine's clock is set back.
    """

    def __init__(
        self,
        clock: Clock = system_clock,
        *,
        wall: Clock = system_clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is the run's clock; `monotonic` gives seconds."""
        self.monotonic = monotonic
        self._clock = clock
        self._wall = wall
        self._began = to_micros(clock())
        self._began_monotonic = monotonic()

    def now(self) -> int:
        """The run's moment in microseconds."""
        elapsed = int((self.monotonic() - self._began_monotonic) * 1_000_000)
        return max(to_micros(self._clock()), self._began + elapsed)

    def wall(self) -> int:
        """The machine's moment in microseconds."""
        if self._wall is system_clock:
            return system_micros()
        return to_micros(self._wall())

    def moment(self) -> Moment:
        """The moment on both clocks, to tell later how much time has passed at most."""
        return Moment(self.monotonic(), self.wall())

    def wall_at(self) -> datetime:
        """The machine's moment as an aware instant."""
        return self._wall()


def micros(seconds: float) -> int:
    """Return seconds as microseconds."""
    return int(seconds * 1_000_000)
