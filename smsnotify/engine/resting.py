"""What a delivery run waits for when nothing can leave now, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from smsnotify.engine.books import Books
from smsnotify.engine.dispatch_plan import Plan
from smsnotify.engine.lanes import Lane
from smsnotify.engine.times import Times


class Rest:
    """Reckons the waits of one run, and sleeps them out."""

    def __init__(
        self,
        books: Books,
        lanes: Mapping[str, Lane],
        *,
        times: Times,
        stop: asyncio.Event,
        plan: Plan,
    ) -> None:
        """`stop` ends every sleep."""
        self._books = books
        self._lanes = lanes
        self._times = times
        self._stop = stop
        self._plan = plan
        self._called = asyncio.Event()

    def call(self) -> None:
        """End the sleep of now, or the next one: somebody said that there are new messages."""
        self._called.set()

    def rate_wait_s(self) -> float | None:
        """Return the seconds until a rate lets the next message go; None: no rate keeps any."""
        lanes = [lane for lane in self._lanes.values() if lane.waiting_count and lane.is_usable]
        return min((lane.bucket.wait_s() for lane in lanes if lane.bucket.wait_s()), default=None)

    async def due_in_s(self, claimed_at: int, progressed_at: float) -> float | None:
        """Return the seconds until a look is worth it; None when this run is over.

        `claimed_at` is the run's moment of the last claim; `progressed_at` when a message last
        left, on the monotonic clock.
        """
        if self._plan.watch_s is not None:
            return self._plan.watch_s
        open_lanes = [lane for lane in self._lanes.values() if not lane.is_shut]
        if not open_lanes:
            return None
        wall = self._times.wall()
        left = await self._books.backlog(now=claimed_at, wall=wall)
        waits = [wait_s for lane in open_lanes if (wait_s := lane.wait_s()) and left.queued]
        if len(waits) < len(open_lanes):
            # Some account may be asked at once, when there is something to send.
            if left.next_due_at is not None:
                waits.append((left.next_due_at - self._times.now()) / 1_000_000)
            if left.next_free_at is not None:
                waits.append((left.next_free_at - wall) / 1_000_000)
        if not waits:
            return None
        patient_until = progressed_at + self._plan.patience_s
        wait_s = max(min(waits), 0.0)
        return wait_s if self._times.monotonic() + wait_s <= patient_until else None

    async def sleep(self, seconds: float) -> None:
        """Sleep until then, or until told to stop, or called."""
        waiting = [
            asyncio.ensure_future(one)
            for one in (self._plan.sleep(seconds), self._stop.wait(), self._called.wait())
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        self._called.clear()
