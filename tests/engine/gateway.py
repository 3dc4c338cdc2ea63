"""A provider's server on loopback that can misbehave in every way that a socket allows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Misdeed = Callable[["Gateway", asyncio.StreamWriter, list[dict[str, Any]]], Awaitable[None]]
"""What to do once a request was read; the rows are the messages in it."""


class Gateway:
    """Answers requests by a script; the last line repeats. `log` has the ids that it read."""

    def __init__(self, *script: Misdeed) -> None:
        self.script = list(script)
        self.log: list[str] = []
        self.taken: list[str] = []
        self.requests = 0
        self.connections = 0
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while not writer.is_closing():
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            body = await reader.readexactly(_length(head))
            rows = json.loads(body) if body else []
            self.log += [row["id"] for row in rows]
            misdeed = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            await misdeed(self, writer, rows)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Gateway]:
        """Listen on a free port of this machine."""
        async with serving(self._serve) as place:
            self.url = f"http://{place}"
            yield self


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve on a free port of this machine; gives `127.0.0.1:port`. Every line ends with it."""
    tasks: set[asyncio.Task[None]] = set()

    async def on_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(
            asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError
        ):
            await serve(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(on_line, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def reply(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return an HTTP/1.1 response as bytes."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _results(rows: list[dict[str, Any]], code: str = "ok") -> bytes:
    return json.dumps({"results": [{"id": row["id"], "code": code} for row in rows]}).encode()


async def accept(
    gateway: Gateway, writer: asyncio.StreamWriter, rows: list[dict[str, Any]]
) -> None:
    """Take the messages and say so."""
    gateway.taken += [row["id"] for row in rows]
    writer.write(reply(200, _results(rows)))


def refuse(code: str) -> Misdeed:
    """Answer 200 with a refusal inside."""

    async def do(gateway: Gateway, writer: asyncio.StreamWriter, rows: list[Any]) -> None:
        writer.write(reply(200, _results(rows, code)))

    return do


def say(status: int, body: bytes = b"", **headers: str) -> Misdeed:
    """Answer with a status."""

    async def do(gateway: Gateway, writer: asyncio.StreamWriter, rows: list[Any]) -> None:
        writer.write(reply(status, body, **headers))

    return do


async def hang(gateway: Gateway, writer: asyncio.StreamWriter, rows: list[Any]) -> None:
    """Take the messages and never answer."""
    gateway.taken += [row["id"] for row in rows]
    await asyncio.Event().wait()


async def reset(gateway: Gateway, writer: asyncio.StreamWriter, rows: list[Any]) -> None:
    """Break the line after the request was read."""
    writer.transport.abort()


async def hang_up(gateway: Gateway, writer: asyncio.StreamWriter, rows: list[Any]) -> None:
    """Close the line politely, without an answer."""
    writer.close()


async def half(gateway: Gateway, writer: asyncio.StreamWriter, rows: list[Any]) -> None:
    """Send half an answer, then close."""
    whole = reply(200, _results(rows))
    writer.write(whole[: len(whole) - 10])
    await writer.drain()
    writer.close()


async def drip(gateway: Gateway, writer: asyncio.StreamWriter, rows: list[Any]) -> None:
    """Send a byte now and then: every read succeeds, the whole never ends."""
    for byte in reply(200, _results(rows)):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def babble(gateway: Gateway, writer: asyncio.StreamWriter, rows: list[Any]) -> None:
    """Answer something that is not HTTP."""
    writer.write(b"220 mail.example.com ESMTP\r\n\r\n")


async def flood(gateway: Gateway, writer: asyncio.StreamWriter, rows: list[Any]) -> None:
    """Answer more than any messaging API would say."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n")
    for _ in range(50):
        writer.write(b" " * 100_000)
        await writer.drain()
