"""One kept-alive connection: a request goes out, its answer is parsed, one after the other.

The parser is llhttp (in C, by way of httptools); connection, TLS and timers are the event loop's.
Once a request was handed to `ask`, the provider may have it, whatever happens then.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator, Mapping
from typing import Final, cast

import httptools

from smsnotify.base.errors import OutcomeUnknownError
from smsnotify.model.http import HttpResponse

BODY_LIMIT: Final = 1024 * 1024
"""An answer longer than this many bytes, head included, is no answer of a messaging API."""

_NO_ANSWER_IN_TIME: Final = "the provider did not answer in time"
_TOO_LONG: Final = "the provider's answer is longer than 1 MiB"
_NOT_READABLE: Final = "the provider's answer cannot be read"
_BROKEN: Final = "the line broke after the request went out"
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


class Headers(Mapping[str, str]):
    """An answer's headers, names in lower case. Most are never looked at: so read when asked."""

    def __init__(self, lines: dict[bytes, bytes]) -> None:
        """Take them as they came."""
        self._lines = lines
        self._read: dict[str, str] | None = None

    def _table(self) -> dict[str, str]:
        if self._read is None:
            self._read = {
                str(name, "latin-1").lower(): str(value, "latin-1")
                for name, value in self._lines.items()
            }
        return self._read

    def __getitem__(self, name: str) -> str:
        """Return a header's value."""
        return self._table()[name]

    def __iter__(self) -> Iterator[str]:
        """Give the names."""
        return iter(self._table())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._table())


class Wire(asyncio.Protocol):
    """A connection that is open. `idle_since` is the loop's time of the last answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Made by the event loop, once for each connection."""
        self.idle_since = loop.time()
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        # What the parser calls for every line of a head and every part of a body: C itself.
        self._lines: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self.on_header = self._lines.__setitem__
        self.on_body = self._parts.append
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[HttpResponse] | None = None
        # One timer serves request after request: it is set anew only when it went off too early.
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = self._until = 0.0
        self._received = 0
        self._is_open = False
        self._is_in_body = False

    @property
    def is_open(self) -> bool:
        """True when another request may go out here."""
        transport = self._transport
        return self._is_open and transport is not None and not transport.is_closing()

    def ask(self, request: bytes, timeout_s: float) -> asyncio.Future[HttpResponse]:
        """Write a request; the future gets its answer, or OutcomeUnknownError."""
        assert self._transport is not None, "the event loop has connected it"
        self._answer = self._loop.create_future()
        self._received = 0
        self._until = self._loop.time() + timeout_s
        if self._timer is None or self._rings_at > self._until:
            self._set_timer()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """Let go of the line; an answer that is still to come is given up."""
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is None:
            return
        if self._answer is None:
            self._transport.close()
        else:
            # What is half written must not follow: `close` would write it first.
            self._transport.abort()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = self._until
        self._timer = self._loop.call_at(self._until, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._answer is None:
            return
        if self._until <= self._rings_at:
            self._fail(_NO_ANSWER_IN_TIME)
        else:
            self._set_timer()

    def _fail(self, told: str) -> None:
        self.close()
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(OutcomeUnknownError(told))

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the line."""
        self._transport = cast(asyncio.Transport, transport)
        self._is_open = True

    def data_received(self, data: bytes) -> None:
        """Read on; what was not asked for ends the line."""
        if self._answer is None:
            self.close()
            return
        self._received += len(data)
        if self._received > BODY_LIMIT:
            self._fail(_TOO_LONG)
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(_NOT_READABLE)

    def eof_received(self) -> None:
        """The far end has said all: an answer without a length is complete then."""
        names = {name.lower() for name in self._lines}
        has_end = not names.isdisjoint((b"content-length", b"transfer-encoding"))
        if self._answer is not None and self._is_in_body and not has_end:
            self._is_open = False
            self.on_message_complete()

    def connection_lost(self, error: Exception | None) -> None:
        """The line is gone, and with it the hope for an answer."""
        self._fail(_BROKEN)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Forget the last answer; one that nobody asked for ends the line."""
        self._lines.clear()
        self._parts.clear()
        self._is_in_body = False
        if self._answer is None:
            self.close()

    def on_headers_complete(self) -> None:
        """Note that the head is over."""
        self._is_in_body = True

    def on_message_complete(self) -> None:
        """Hand over the answer; an interim one (1xx) is passed by."""
        status = self._parser.get_status_code()
        if status < 200:
            return
        answer, self._answer = self._answer, None
        if answer is None or answer.done():
            self.close()
            return
        headers = Headers(self._lines.copy())
        body = b"".join(self._parts)
        if not body.startswith(b"{"):  # what is JSON already was not packed
            try:
                body = _unpacked(body, headers.get("content-encoding", ""))
            except (ValueError, zlib.error):
                self.close()
                answer.set_exception(OutcomeUnknownError(_NOT_READABLE))
                return
        answer.set_result(HttpResponse(status=status, headers=headers, body=body))
        if self._is_open and self._parser.should_keep_alive():
            self.idle_since = self._loop.time()
        else:
            self.close()


def _unpacked(body: bytes, coding: str) -> bytes:
    """Undo a content coding. We ask for none; some gateways pack all the same."""
    if coding.strip().lower() in ("", "identity") or not body:
        return body
    unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
    unpacked = unpacking.decompress(body, BODY_LIMIT)
    if not unpacking.eof:
        raise ValueError(_TOO_LONG)
    return unpacked
