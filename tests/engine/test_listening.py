"""Hearing of new messages: a short cut that may break at any time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from smsnotify.base.errors import StoreUnavailableError
from smsnotify.engine.books import Books
from smsnotify.engine.listening import listen
from smsnotify.store.wakeups import Listener


class FakeListener:
    """One end of a pair of sockets; a byte calls, an end breaks the line."""

    def __init__(self) -> None:
        self.ours, self.far = socket.socketpair()
        self.ours.setblocking(False)
        self.closed = False

    def fileno(self) -> int:
        return self.ours.fileno()

    def take(self) -> bool:
        if not self.ours.recv(100):
            raise StoreUnavailableError("the line is broken")
        return True

    def close(self) -> None:
        self.closed = True
        self.ours.close()
        self.far.close()


class FakeBooks:
    """Gives what a script says: listeners, errors, None."""

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.store = self

    def listen(self) -> Listener | None:
        line = self.script.pop(0)
        if isinstance(line, Exception):
            raise line
        return cast(Listener | None, line)

    async def call(self, work: Callable[[], Any]) -> Any:
        return work()


class Heard:
    """What `listen` did: rings and naps."""

    def __init__(self) -> None:
        self.rings = 0
        self.naps: list[float] = []
        self.rang = asyncio.Event()

    def ring(self) -> None:
        self.rings += 1
        self.rang.set()

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        await asyncio.sleep(0)

    async def wait_for_a_ring(self) -> None:
        async with asyncio.timeout(10):
            await self.rang.wait()
        self.rang.clear()


@pytest.fixture
def listener() -> Iterator[FakeListener]:
    made = FakeListener()
    yield made
    made.close()


def listening(heard: Heard, *script: object) -> asyncio.Task[None]:
    books = cast(Books, FakeBooks(*script))
    return asyncio.create_task(listen(books, heard.ring, heard.sleep))


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def test_it_rings_at_first_and_at_every_call(listener: FakeListener) -> None:
    async def story() -> None:
        heard = Heard()
        task = listening(heard, listener)
        await heard.wait_for_a_ring()
        listener.far.send(b"!")
        await heard.wait_for_a_ring()
        assert (heard.rings, heard.naps) == (2, [])
        await ended(task)

    asyncio.run(story())
    assert listener.closed


def test_nobody_who_calls_means_nothing_to_hear() -> None:
    async def story() -> None:
        heard = Heard()
        async with asyncio.timeout(10):
            await listening(heard, None)
        assert (heard.rings, heard.naps) == (0, [])

    asyncio.run(story())


def test_after_a_broken_line_it_listens_again(listener: FakeListener) -> None:
    async def story() -> None:
        heard, first = Heard(), FakeListener()
        task = listening(heard, first, StoreUnavailableError("away"), listener)
        await heard.wait_for_a_ring()
        first.far.close()
        await heard.wait_for_a_ring()
        assert first.closed
        assert heard.naps == [10.0, 10.0]
        await ended(task)

    asyncio.run(story())


def test_a_loop_that_cannot_watch_sockets_goes_without(
    listener: FakeListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        def refuse(*args: object) -> None:
            raise NotImplementedError

        monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", refuse)
        async with asyncio.timeout(10):
            await listening(Heard(), listener)

    asyncio.run(story())
    assert listener.closed


def test_a_listener_that_opens_while_we_end_is_closed(listener: FakeListener) -> None:
    class Slow(FakeBooks):
        async def call(self, work: Callable[[], Any]) -> Any:
            work()
            await asyncio.Event().wait()

    async def story() -> None:
        heard = Heard()
        books = cast(Books, Slow(listener))
        task = asyncio.create_task(listen(books, heard.ring, heard.sleep))
        await asyncio.sleep(0)
        await ended(task)

    asyncio.run(story())
    assert listener.closed
