"""The local provider in a process: its HTTP and its agenda, until it is told to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from smsnotify.sandbox.exchange import Exchange
from smsnotify.sandbox.pages import Pages
from smsnotify.sandbox.provider import create_provider

_GRACE_S: Final = 2


class _Server(uvicorn.Server):
    """uvicorn, with the signals left to whoever runs us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run_exchange(
    exchange: Exchange,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    hosts: frozenset[str] = frozenset(),
    zone: str = "UTC",
) -> None:
    """Serve on an open socket until `stop`; `hosts` are more names that the pages answer to.

    Times on the pages are of `zone`.
    """
    app = create_provider(exchange, Pages(exchange, hosts, zone=zone).routes())
    config = uvicorn.Config(
        app,
        http=exchange.lines.protocol(),
        log_config=None,
        access_log=False,  # paths hold numbers
        lifespan="off",
        ws="none",
        loop="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config)
    http = asyncio.create_task(server.serve(sockets=[listener]))
    agenda = asyncio.create_task(exchange.agenda.run(stop))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({http, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    exchange.close()
    server.should_exit = True
    await asyncio.wait({http, agenda}, timeout=_GRACE_S + 1)
    await exchange.caller.close()
    if http.done() and (error := http.exception()) is not None:
        raise error
