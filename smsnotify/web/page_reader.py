"""Reads what tracking pages show, many pages in one question.

A busy page is asked for by many at the same moment. While one portion is being read, in a thread,
whoever comes is the next portion: one turn of the thread and one statement serve all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from smsnotify.base.errors import StoreError, StoreUnavailableError
from smsnotify.store.feedback import TrackedJob
from smsnotify.web.threads import Threads

MOST_WAITING: Final = 2000
"""More visitors than these wait for a database that does not keep up: the next one is refused."""

_PORTION: Final = 32

Find = Callable[[Sequence[str]], Mapping[str, TrackedJob]]


class PageReader:
    """Gathers visitors into portions; used inside one event loop."""

    def __init__(self, threads: Threads, find: Find) -> None:
        """`find` reads a portion, in a thread."""
        self._threads = threads
        self._find = find
        self._waiting: dict[str, asyncio.Future[TrackedJob | None]] = {}
        self._work: asyncio.Task[None] | None = None

    async def find(self, token: str) -> TrackedJob | None:
        """Return what a token leads to; None when it is nobody's.

        Raises:
            StoreError: the database cannot be asked.
        """
        found = self._waiting.get(token)
        if found is None:
            if len(self._waiting) >= MOST_WAITING:
                raise StoreUnavailableError("the database does not keep up")
            found = self._waiting[token] = asyncio.get_running_loop().create_future()
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._read())
        # Several may wait for the same page: one who goes away must not take it from the others.
        return await asyncio.shield(found)

    async def _read(self) -> None:
        while self._waiting:
            tokens = list(self._waiting)[:_PORTION]
            portion = {token: self._waiting.pop(token) for token in tokens}
            try:
                told = await self._threads.short(partial(self._find, tokens))
            except BaseException as error:
                _fail(portion, error)
                if not isinstance(error, Exception):
                    raise
            else:
                for token, waiting in portion.items():
                    waiting.set_result(told.get(token))


def _fail(portion: Mapping[str, asyncio.Future[TrackedJob | None]], error: BaseException) -> None:
    told = error if isinstance(error, StoreError) else StoreError("the page could not be read")
    for waiting in portion.values():
        waiting.set_exception(told)
        waiting.exception()  # whoever waited may be gone: nobody else has to hear of it
