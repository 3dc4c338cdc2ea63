"""The access log: a JSON line a request, that holds nothing of anybody.

The route is told as it is written in the program (`/t/{token}`), never the path: a path may hold a
token or a number. Of the caller's address the network is told.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smsnotify.web.forwarded import network_of
from smsnotify.web.state import Serving

log = logging.getLogger(__name__)

NOWHERE: Final = "-"
"""The route of a request that found none."""


class Access(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line. `bytes` are those of the body, as they left; `ms` is until the last of them."""

    time: str
    method: str
    route: str
    status: int
    ms: float
    bytes: int
    client: str


def with_access_log(app: ASGIApp, serving: Serving, write: Callable[[str], object]) -> ASGIApp:
    """Return the application with every request noted: by `write`, and in the log at DEBUG.

    `write` takes lines if the settings or the command line want an access log.
    """

    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        wanted = serving.access_log or serving.loaded.settings.serve.access_log
        if scope["type"] != "http" or not (wanted or log.isEnabledFor(logging.DEBUG)):
            await app(scope, receive, send)
            return
        began, status, size = time.monotonic(), 0, 0

        async def noting(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await app(scope, receive, noting)
        finally:
            took_ms = (time.monotonic() - began) * 1000
            route = getattr(scope.get("route"), "path", NOWHERE)
            log.debug("%s %s: %d in %.1f ms", scope["method"], route, status, took_ms)
            if wanted:
                line = Access(
                    time=serving.clock().isoformat(timespec="milliseconds"),
                    method=scope["method"],
                    route=route,
                    status=status,
                    ms=round(took_ms, 2),
                    bytes=0 if scope["method"] == "HEAD" else size,
                    client=network_of(scope["client"][0]) if scope.get("client") else "",
                )
                write(msgspec.json.encode(line).decode())

    return noted
