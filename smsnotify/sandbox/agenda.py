"""What happens later: work by the moment at which it is due, on a clock that may be a test's."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from smsnotify.base.clock import Clock

log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]


class Agenda:
    """Work to come, in order of time; what is due at the same moment keeps its order."""

    def __init__(self, clock: Clock) -> None:
        """Begin empty."""
        self._clock = clock
        self._due: list[tuple[datetime, int, Work]] = []
        self._count = 0
        self._news = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def add(self, after_s: float, work: Work) -> None:
        """Do `work` so many seconds from now."""
        self.add_at(self._clock() + timedelta(seconds=after_s), work)

    def add_at(self, when: datetime, work: Work) -> None:
        """Do `work` at `when`, or at once when that is over."""
        self._count += 1
        heapq.heappush(self._due, (when, self._count, work))
        self._news.set()

    async def settle(self) -> None:
        """Do everything that is due by now, what comes of it as well, one after another."""
        while self._due and self._due[0][0] <= self._clock():
            await _safely(heapq.heappop(self._due)[2])

    async def run(self, stop: asyncio.Event) -> None:
        """Do what becomes due until `stop`; slow work holds nothing else up."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._news.clear()
                while self._due and self._due[0][0] <= self._clock():
                    task = asyncio.create_task(_safely(heapq.heappop(self._due)[2]))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
                news = asyncio.create_task(self._news.wait())
                await asyncio.wait(
                    {news, stopped},
                    timeout=self._rest_s(),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                news.cancel()
        finally:
            stopped.cancel()
            for task in self._running:
                task.cancel()

    def _rest_s(self) -> float | None:
        if not self._due:
            return None
        return max((self._due[0][0] - self._clock()).total_seconds(), 0.0)


async def _safely(work: Work) -> None:
    try:
        await work()
    except Exception:
        log.exception("the sandbox stumbled over its own work")
