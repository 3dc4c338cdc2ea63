"""Connections that can be broken on purpose, and answers that never come."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HANG_S: Final = 120.0
"""Longer than anybody waits for an answer."""


class Lines:
    """The open connections, by the address at their other end."""

    def __init__(self) -> None:
        """None yet."""
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[HttpToolsProtocol]:
        """Return uvicorn's protocol, which tells us of its connections."""
        lines = self._open

        class Line(HttpToolsProtocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                self._peer = _peer(transport)
                lines[self._peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                lines.pop(self._peer, None)
                super().connection_lost(exc)

        return Line

    def sever(self, peer: tuple[str, int] | None) -> bool:
        """Break a connection with a reset; False when there is none to break."""
        transport = self._open.get(tuple(peer)) if peer else None  # type: ignore[arg-type]
        if transport is None:
            return False
        raw = transport.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return True


def _peer(transport: Any) -> tuple[str, int]:
    name = transport.get_extra_info("peername") or ("", 0)
    return str(name[0]), int(name[1])


class NoAnswer(Response):
    """A response that never is one: the line breaks, or stays silent until the caller gives up.

    Where there is no line to break (an application called directly) it raises
    `ConnectionResetError`.
    """

    def __init__(self, lines: Lines, *, hang: bool) -> None:
        """`hang`: say nothing and wait; otherwise break the line at once."""
        super().__init__()
        self._lines = lines
        self._hang = hang

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the caller to go, then break the line."""
        if self._hang:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANG_S):
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    return
        if not self._lines.sever(scope.get("client")):
            raise ConnectionResetError("the sandbox broke the line on purpose")
        while (await receive())["type"] != "http.disconnect":
            pass
