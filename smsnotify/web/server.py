"""One process, a whole desk: HTTP, delivery and the clock, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import uvicorn
from starlette.types import ASGIApp

from smsnotify.base.errors import StoppedError
from smsnotify.engine.report import DeliveryReport
from smsnotify.web.app import LogAccess, create_app
from smsnotify.web.background import (
    GRACE_S,
    catch_up,
    deliver,
    do_errands_on,
    look_back,
    tick_on,
)
from smsnotify.web.connection import Connection
from smsnotify.web.reload import Reloader
from smsnotify.web.shared_figures import share
from smsnotify.web.signals import listening
from smsnotify.web.state import Serving
from smsnotify.web.talking import Talking
from smsnotify.wiring.loading import Sources

log = logging.getLogger(__name__)

STOP_S: Final = 10.0
"""A process that was told to stop is gone after so long."""

_IDLE_S: Final = 30
_MOST_CONNECTIONS: Final = 2000
_LAST_S: Final = 2.0


class Served(msgspec.Struct, frozen=True):
    """What is left when a process ends; `delivery` None: it did not deliver."""

    delivery: DeliveryReport | None = None


class _Server(uvicorn.Server):
    """uvicorn, with the signals left to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def open_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Listen; port 0 takes a free one.

    `shared`: other processes may listen there too, and the system deals callers out to all.

    Raises:
        StoppedError: somebody else has the port, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048, reuse_port=shared)
    except (OSError, OverflowError) as error:
        told = getattr(error, "strerror", None) or "no such address"
        raise StoppedError(
            f"cannot listen on {host} port {port}: {told}",
            hint="another sms-notify serve may run here; --port takes another one",
        ) from None


async def serve(
    serving: Serving,
    sources: Sources,
    listener: socket.socket,
    *,
    delivering: bool = True,
    ticking: bool = True,
    looking_back: bool = True,
    stop: asyncio.Event | None = None,
    stopping: Callable[[], None] = lambda: None,
    log_access: LogAccess = lambda line: None,
) -> Served:
    """Run until SIGTERM or SIGINT (or `stop`); `stopping` is called when that comes.

    `log_access` takes the lines of the access log, if there shall be one.

    SIGHUP reads settings and rules again.
    """
    stop = stop or asyncio.Event()
    reloader = Reloader(serving, sources)
    server = _Server(_config(create_app(serving, log_access=log_access)))
    again: set[asyncio.Task[bool]] = set()

    def read_again() -> None:
        task = asyncio.create_task(reloader.reload())
        again.add(task)
        task.add_done_callback(again.discard)

    calls = {"SIGTERM": stop.set, "SIGINT": stop.set, "SIGHUP": read_again}
    with listening(calls):
        http = asyncio.create_task(server.serve(sockets=[listener]))
        sending = asyncio.create_task(deliver(serving, stop)) if delivering else None
        reloading = asyncio.create_task(reloader.watch())
        others = [asyncio.create_task(Talking(serving).run(stop))]
        if looking_back:
            others.append(asyncio.create_task(look_back(serving, stop)))
        if (shared := serving.metrics.shared) is not None:
            others.append(asyncio.create_task(share(shared, serving.metrics.counted, stop)))
        if delivering:
            others.append(asyncio.create_task(catch_up(serving, stop)))
        if ticking:
            others.append(asyncio.create_task(tick_on(serving, stop)))
            others.append(asyncio.create_task(do_errands_on(serving, stop)))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({http, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        stopping()
        serving.stop()
        server.should_exit = True
        reloading.cancel()
        ends = {http, reloading, *others} | ({sending} if sending is not None else set())
        await asyncio.wait(ends, timeout=GRACE_S + _LAST_S)
        if http.done() and (error := http.exception()) is not None:
            raise error
        return Served(_report(sending))


def _report(sending: asyncio.Task[DeliveryReport] | None) -> DeliveryReport | None:
    if sending is None or not sending.done() or sending.cancelled() or sending.exception():
        return None
    return sending.result()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        log_config=None,
        access_log=False,  # it would write paths, and a path may hold a token: see access_log.py
        lifespan="off",
        ws="none",
        loop="none",
        proxy_headers=False,  # whose word counts is a setting: see forwarded.py
        server_header=False,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=int(GRACE_S),
        limit_concurrency=_MOST_CONNECTIONS,
    )
