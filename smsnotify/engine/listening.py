"""Hearing at once that messages were queued, where the database can say so (PostgreSQL).

Only a short cut: delivery goes on looking by itself, so a call that gets lost (the line broke, a
pooler stands between, the event loop cannot watch sockets) costs half a second and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from smsnotify.base.errors import StoreError
from smsnotify.engine.books import Books
from smsnotify.engine.dispatch_plan import Sleep
from smsnotify.store.wakeups import Listener

log = logging.getLogger(__name__)

_AGAIN_S: Final = 10.0


async def listen(books: Books, ring: Callable[[], None], sleep: Sleep) -> None:
    """Call `ring` whenever messages are queued, until cancelled.

    Returns at once where nobody calls; after a broken line it listens again a little later.
    """
    while True:
        try:
            listener = await _open(books)
        except StoreError as error:
            log.info("cannot listen for new messages now; looking for them", exc_info=error)
        else:
            if listener is None or not await _hear(listener, ring):
                return
            log.info("the line that tells of new messages broke; looking for them")
        await sleep(_AGAIN_S)


async def _open(books: Books) -> Listener | None:
    made: list[Listener] = []

    def listen_now() -> Listener | None:
        listener = books.store.listen()
        made.extend([listener] if listener is not None else [])
        return listener

    try:
        return await books.call(listen_now)
    except asyncio.CancelledError:
        for listener in made:
            listener.close()
        raise


async def _hear(listener: Listener, ring: Callable[[], None]) -> bool:
    """Ring until the line breaks; False where the event loop cannot watch sockets."""
    loop = asyncio.get_running_loop()
    broken = asyncio.Event()
    socket = listener.fileno()

    def heard() -> None:
        try:
            if listener.take():
                ring()
        except StoreError:
            loop.remove_reader(socket)
            broken.set()

    try:
        loop.add_reader(socket, heard)
    except NotImplementedError:  # Windows: its usual loop watches no sockets of others
        listener.close()
        return False
    try:
        # What was queued before we listened has called nobody.
        ring()
        await broken.wait()
    finally:
        loop.remove_reader(socket)
        listener.close()
    return True
