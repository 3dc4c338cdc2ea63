"""A local provider for a test: on a clock that stands still until it is moved, or on a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.sandbox.exchange import Exchange
from smsnotify.sandbox.pages import Pages
from smsnotify.sandbox.provider import create_provider
from smsnotify.sandbox.server import run_exchange
from smsnotify.web.server import open_socket

SID = "AC" + "0" * 32
TOKEN = "test_auth_token_0123456789"
BASIC = (SID, TOKEN)
KEY = {"Authorization": "Bearer key-of-8x8"}
MESSAGES = f"/2010-04-01/Accounts/{SID}/Messages.json"
SINGLE = "/api/v1/subaccounts/acme/messages"
HOOK = "http://127.0.0.1:9/hooks/main"
PHONE = "+6591230001"
OURS = "+6531590000"


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Hook:
    """A desk's hook that keeps what it was sent and answers what it is told to."""

    def __init__(self) -> None:
        self.calls: list[HttpRequest] = []
        self.status = 200

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        self.calls.append(request)
        return HttpResponse(status=self.status)


class Stage:
    """An exchange without a socket; `play` moves the clock and does what became due."""

    def __init__(self, **options: Any) -> None:
        self.clock, self.hook = Hands(), Hook()
        self.rested: list[float] = []
        usual: dict[str, Any] = {"clock": self.clock, "post": self.hook, "rest": self._rest}
        self.exchange = Exchange(**(usual | options))

    async def _rest(self, seconds: float) -> None:
        self.rested.append(seconds)

    def client(self) -> httpx.AsyncClient:
        """A browser, or a desk: without a socket between them."""
        app = create_provider(self.exchange, Pages(self.exchange).routes())
        transport = httpx.ASGITransport(app)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8788")

    async def play(self, seconds: float = 2.0) -> None:
        """Let time pass, in small steps so that what follows from what keeps its order."""
        for _ in range(10):
            self.clock.move(seconds / 10)
            await self.exchange.agenda.settle()


def played(work: Callable[[Stage, httpx.AsyncClient], Any], **options: Any) -> Any:
    """Run a test's coroutine on a stage."""

    async def play() -> Any:
        stage = Stage(**options)
        async with stage.client() as client:
            return await work(stage, client)

    return asyncio.run(play())


@asynccontextmanager
async def standing(exchange: Exchange) -> AsyncIterator[str]:
    """Let an exchange serve on a free port; gives its address."""
    listener = open_socket("127.0.0.1", 0)
    stop = asyncio.Event()
    served = asyncio.create_task(run_exchange(exchange, listener, stop))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        await served
        listener.close()
