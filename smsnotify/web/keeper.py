"""Keeps what providers tell us before they are answered, many calls in one transaction.

Receipts come in bursts, as fast as texts go out, and every commit is a wait for the disk. What
comes while one portion is being written is the next portion; every call is answered when its own
portion is on the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from smsnotify.base.errors import StoreError, StoreUnavailableError
from smsnotify.engine.inbox import Heard, Kept, may_pass
from smsnotify.web.threads import Threads

MOST_WAITING: Final = 5000
"""More calls than these wait for a database that does not keep up: the next one is refused."""

Keep = Callable[[Sequence[Heard]], list[Kept]]


class Keeper:
    """Gathers calls into portions; used inside one event loop."""

    def __init__(self, threads: Threads, keep: Keep, kept: Callable[[Kept], None]) -> None:
        """`keep` writes a portion, in a thread; `kept` hears what it came to."""
        self._threads = threads
        self._keep = keep
        self._kept = kept
        self._waiting: list[tuple[Heard, asyncio.Future[None]]] = []
        self._work: asyncio.Task[None] | None = None

    async def keep(self, heard: Heard) -> None:
        """Return when the call is stored.

        Raises:
            StoreError: it is not, and should come again.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise StoreUnavailableError("the database does not keep up")
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((heard, done))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            portion, self._waiting = self._waiting, []
            try:
                await self._write_portion(portion)
            except BaseException as error:
                for _, done in portion:
                    _end(done, StoreError("the call could not be kept"))
                if not isinstance(error, Exception):
                    raise

    async def _write_portion(self, portion: Sequence[tuple[Heard, asyncio.Future[None]]]) -> None:
        reports = await self._threads.inbox(partial(self._keep, [heard for heard, _ in portion]))
        by_account = {report.account: report for report in reports}
        for report in reports:
            if report.error is None:
                self._kept(report)
        for heard, done in portion:
            error = by_account[heard.account].error
            if error is not None and not may_pass(error) and len(portion) > 1:
                # One of them may have spoiled it for all.
                error = await self._write_alone(heard)
            _end(done, error)

    async def _write_alone(self, heard: Heard) -> StoreError | None:
        (report,) = await self._threads.inbox(partial(self._keep, [heard]))
        if report.error is None:
            self._kept(report)
        return report.error


def _end(done: asyncio.Future[None], error: StoreError | None) -> None:
    if done.done():
        return  # whoever waited is gone
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
