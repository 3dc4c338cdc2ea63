"""The one door to providers' servers for messages: `send(request) -> response`.

What matters after a failure is whether the provider can have the message. NotSentError: it surely
has not. OutcomeUnknownError: it may. A general HTTP client costs three times as much a request as
everything else that delivery does with a text; so this one does just what adapters ask for.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import string
import time
from collections import deque
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote, urlsplit

import aiohappyeyeballs

from smsnotify import __version__
from smsnotify.base.errors import NotSentError
from smsnotify.engine.wire import Wire
from smsnotify.model.http import HttpRequest, HttpResponse

CONNECT_S: Final = 10.0
"""The longest wait for name, connection and TLS."""

# Shorter than any provider's own: a line that the far end closes while we write to it leaves a
# message in doubt.
_KEEP_ALIVE_S: Final = 10.0
_NAMES_KEEP_S: Final = 60.0
_NEXT_ADDRESS_S: Final = 0.25  # RFC 8305: when the first address does not answer, ask the next
_STOPPED_S: Final = 1.0
_MOST_HEADS: Final = 64
_AS_IS: Final = string.punctuation
_LOOK_AT_URL: Final = "look at the account's base_url"
_PORTS: Final = {"http": 80, "https": 443}


_Address = tuple[int, int, int, str, tuple[Any, ...]]


class Transport(Protocol):
    """Who carries requests for delivery and look-ups."""

    async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
        """Carry one request.

        Raises:
            NotSentError: the request certainly did not reach the provider.
            OutcomeUnknownError: it may have.
        """


class Origin(NamedTuple):
    """A server: scheme, host and port of an address."""

    scheme: str
    host: str
    port: int


class _Head(NamedTuple):
    """A request's first lines, all but its length, and the headers that they were made from."""

    origin: Origin
    written: bytes
    method: str
    headers: Mapping[str, str]


class HttpClient:
    """A pool of kept-alive connections; an async context manager, used inside one event loop.

    No cookies, no redirects followed, no proxy from the environment.
    """

    def __init__(self, connections: int = 100) -> None:
        """`connections` is the most requests in flight: the accounts' concurrency in sum."""
        self._places = connections
        self._queue: deque[asyncio.Future[None]] = deque()
        self._idle: dict[Origin, list[Wire]] = {}
        self._wires: set[Wire] = set()
        self._heads: dict[str, _Head] = {}
        self._names: dict[Origin, tuple[float, asyncio.Task[list[_Address]]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> HttpClient:
        """Open the pool; connections are made when they are needed."""
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        self._loop = None
        for wire in self._wires:
            wire.close()
        for _, names in self._names.values():
            names.cancel()
        # One turn of the loop, in which it lets go of the sockets.
        await asyncio.sleep(0)

    async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
        """Carry one request; `timeout_s` bounds all of it, from connecting to the last byte.

        Raises:
            NotSentError: refused, no route, no name, TLS failed, connecting took too long.
            OutcomeUnknownError: no answer in time, a broken line, an answer that cannot be read.
        """
        loop = self._loop
        if loop is None:
            raise RuntimeError("HttpClient is used as `async with HttpClient() as client`")
        head, body = self._head(request), request.body
        wire = self._take(head.origin, loop.time()) if self._places else None
        if wire is not None:
            self._places -= 1
        else:
            began = loop.time()
            # Connecting ends well before the whole does: so the whole can only run out
            # afterwards, and what ran out says whether the request went out.
            wire = await self._line_in_time(loop, head.origin, min(CONNECT_S, timeout_s / 2))
            timeout_s -= loop.time() - began
        length = b"Content-Length: %d\r\n" % len(body) if body or request.method != "GET" else b""
        try:
            return await wire.ask(b"%b%b\r\n%b" % (head.written, length, body), timeout_s)
        except asyncio.CancelledError:
            wire.close()
            raise
        finally:
            self._leave()
            if wire.is_open:
                self._idle.setdefault(head.origin, []).append(wire)
            else:
                self._wires.discard(wire)

    async def _enter(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for a place, in turn."""
        if self._places:
            self._places -= 1
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._places += 1

    def _head(self, request: HttpRequest) -> _Head:
        """Return the first lines; adapters send the same ones again and again."""
        known = self._heads.get(request.url)
        if known and known.headers is request.headers and known.method == request.method:
            return known
        made = _write_head(request)
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        self._heads[request.url] = made
        return made

    def _take(self, origin: Origin, now: float) -> Wire | None:
        """Return the line that was used last, if it is still fresh."""
        idle = self._idle.get(origin)
        while idle:
            wire = idle.pop()
            if wire.is_open and wire.idle_since + _KEEP_ALIVE_S > now:
                return wire
            wire.close()
            self._wires.discard(wire)
        return None

    async def _line_in_time(
        self, loop: asyncio.AbstractEventLoop, origin: Origin, connect_s: float
    ) -> Wire:
        """Wait for a free place and a line; whoever gets one gives the place back.

        Raises:
            NotSentError: there was none in time.
        """
        began, wall = loop.time(), time.time()
        wire = None
        try:
            async with asyncio.timeout(connect_s):
                await self._enter(loop)
                try:
                    wire = self._take(origin, loop.time()) or await self._open(loop, origin)
                finally:
                    if wire is None:
                        self._leave()
        except (OSError, ValueError) as error:
            # The library's own text stays out: it may name hosts with credentials in them.
            raise NotSentError(
                f"the provider could not be reached ({type(error).__name__})"
            ) from error
        passed_s = max(loop.time() - began, time.time() - wall)
        if passed_s > connect_s + _STOPPED_S:
            # We were stopped, or asleep, meanwhile: the mark of what we carry may be too old.
            self._leave()
            wire.close()
            raise NotSentError("connecting took too long: this process was stopped meanwhile")
        return wire

    async def _open(self, loop: asyncio.AbstractEventLoop, origin: Origin) -> Wire:
        tls = self._tls if origin.scheme == "https" else None
        line = await aiohappyeyeballs.start_connection(
            await self._addresses(loop, origin), happy_eyeballs_delay=_NEXT_ADDRESS_S, loop=loop
        )
        try:
            _, wire = await loop.create_connection(
                lambda: Wire(loop),
                sock=line,
                ssl=tls,
                server_hostname=origin.host if tls is not None else None,
            )
        except BaseException:
            line.close()
            raise
        self._wires.add(wire)
        return wire

    async def _addresses(self, loop: asyncio.AbstractEventLoop, origin: Origin) -> list[_Address]:
        """Look a name up, once a minute for all."""
        known_until, asked = self._names.get(origin, (0.0, None))
        if asked is None or known_until < loop.time():
            asked = loop.create_task(_look_up(loop, origin))
            self._names[origin] = loop.time() + _NAMES_KEEP_S, asked
        try:
            return await asyncio.shield(asked)
        except OSError:
            self._names.pop(origin, None)
            raise

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context


async def _look_up(loop: asyncio.AbstractEventLoop, origin: Origin) -> list[_Address]:
    return list(await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM))


def _write_head(request: HttpRequest) -> _Head:
    """Write the first lines of a request.

    Raises:
        NotSentError: the address leads nowhere, or a header cannot be written.
    """
    try:
        parts = urlsplit(request.url)
        host = (parts.hostname or "").encode("idna").decode()
        origin = Origin(parts.scheme, host, parts.port or _PORTS[parts.scheme])
    except (ValueError, KeyError):
        host = ""
    if not host:
        raise NotSentError("the provider's address is not one of the web", hint=_LOOK_AT_URL)
    target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_AS_IS)
    place = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    headers = {"Host": f"{place}{port}", "User-Agent": f"sms-notify/{__version__}"}
    # Answers are short; packing them would only take time, and be one more thing to go wrong.
    headers |= {"Accept-Encoding": "identity"} | dict(request.headers)
    if any(sign in text for line in headers.items() for text in line for sign in "\r\n\0"):
        raise NotSentError(
            "the request has a header with a line break in it", hint="look at the account's secrets"
        )
    lines = [f"{request.method} {target} HTTP/1.1", *map(": ".join, headers.items()), ""]
    return _Head(origin, "\r\n".join(lines).encode(), request.method, request.headers)
