"""Where blocking work is done, so that the event loop stays free: small pools.

Events are taken in one after another (jobs are compared with their last snapshot, in order);
calls of providers are kept in portions; replies are worked by one; short questions have a pool
of their own, so that a large body never makes health or a key wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """The pools of one process. Close them when it ends."""

    def __init__(self) -> None:
        """No thread is started before it is needed."""
        self._intake = ThreadPoolExecutor(1, thread_name_prefix="sms-notify-intake")
        self._inbox = ThreadPoolExecutor(1, thread_name_prefix="sms-notify-inbox")
        self._talk = ThreadPoolExecutor(1, thread_name_prefix="sms-notify-talk")
        self._errands = ThreadPoolExecutor(1, thread_name_prefix="sms-notify-errands")
        self._clock = ThreadPoolExecutor(1, thread_name_prefix="sms-notify-clock")
        self._console = ThreadPoolExecutor(3, thread_name_prefix="sms-notify-console")
        self._logins = ThreadPoolExecutor(2, thread_name_prefix="sms-notify-logins")
        self._short = ThreadPoolExecutor(4, thread_name_prefix="sms-notify-short")

    async def intake(self, work: Callable[[], T]) -> T:
        """Take events in; one call at a time."""
        return await _in(self._intake, work)

    async def inbox(self, work: Callable[[], T]) -> T:
        """Keep what providers told us; one call at a time."""
        return await _in(self._inbox, work)

    async def talk(self, work: Callable[[], T]) -> T:
        """Work replies; one call at a time."""
        return await _in(self._talk, work)

    async def errands(self, work: Callable[[], T]) -> T:
        """Do what plans want done; a webhook may take its time."""
        return await _in(self._errands, work)

    async def clock(self, work: Callable[[], T]) -> T:
        """Do what is due by the clock; one call at a time."""
        return await _in(self._clock, work)

    async def console(self, work: Callable[[], T]) -> T:
        """Make a page of the console: a long look at the books keeps nobody else waiting."""
        return await _in(self._console, work)

    async def logins(self, work: Callable[[], T]) -> T:
        """Look at a password, which costs time and memory on purpose: two at once, no more."""
        return await _in(self._logins, work)

    async def short(self, work: Callable[[], T]) -> T:
        """Ask something that is answered at once."""
        return await _in(self._short, work)

    def close(self) -> None:
        """Wait for what has begun; drop what has not."""
        talking = (self._inbox, self._talk, self._errands)
        people = (self._console, self._logins)
        for pool in (self._intake, *talking, *people, self._clock, self._short):
            pool.shutdown(wait=True, cancel_futures=True)


async def _in(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work)
