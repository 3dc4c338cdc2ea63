"""One kept-alive connection: a request goes out, its answer is parsed, one after the other.

The parser is llhttp (in C, by way of httptools); connection, TLS and timers are the event loop's.
Once a request was handed to `ask`, the provider may have it, whatever happens then.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Final, cast

import httptools

from smsnotify.base.errors import OutcomeUnknownError
from smsnotify.model.http import HttpResponse

BODY_LIMIT: Final = 1024 * 1024
"""An answer longer than this many bytes is no answer of a messaging API."""

_HEAD_LIMIT: Final = 64 * 1024
_NO_ANSWER_IN_TIME: Final = "the provider did not answer in time"
_TOO_LONG: Final = "the provider's answer is longer than 1 MiB"
_NOT_READABLE: Final = "the provider's answer cannot be read"
_BROKEN: Final = "the line broke after the request went out"
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


class Wire(asyncio.Protocol):
    """A connection that is open. `idle_since` is the loop's time of the last answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Made by the event loop, once for each connection."""
        self.idle_since = loop.time()
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[HttpResponse] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._received = 0
        self._is_open = False
        self._ends_with_the_line = False

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
        self._timer = self._loop.call_later(timeout_s, self._fail, _NO_ANSWER_IN_TIME)
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """Let go of the line; an answer that is still to come is given up."""
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is None:
            return
        if self._answer is None:
            self._transport.close()
        else:
            # What is half written must not follow: `close` would write it first.
            self._transport.abort()

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
        if self._received > BODY_LIMIT + _HEAD_LIMIT:
            self._fail(_TOO_LONG)
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(_NOT_READABLE)

    def eof_received(self) -> None:
        """The far end has said all: an answer without a length is complete then."""
        if self._answer is not None and self._ends_with_the_line:
            self._is_open = False
            self.on_message_complete()

    def connection_lost(self, error: Exception | None) -> None:
        """The line is gone, and with it the hope for an answer."""
        self._fail(_BROKEN)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Forget the last answer; one that nobody asked for ends the line."""
        if self._answer is None:
            self.close()
        self._headers = []
        self._body = []
        self._ends_with_the_line = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a line of the head."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Find out how the answer ends."""
        names = {name.lower() for name, _ in self._headers}
        self._ends_with_the_line = names.isdisjoint((b"content-length", b"transfer-encoding"))

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Hand over the answer; an interim one (1xx) is passed by."""
        status = self._parser.get_status_code()
        if status < 200:
            return
        answer, self._answer = self._answer, None
        if answer is None or answer.done():
            self.close()
            return
        if self._timer is not None:
            self._timer.cancel()
        headers = {
            str(name, "latin-1").lower(): str(value, "latin-1") for name, value in self._headers
        }
        try:
            body = _unpacked(b"".join(self._body), headers.get("content-encoding", ""))
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
    if len(body) > BODY_LIMIT:
        raise ValueError(_TOO_LONG)
    if coding.strip().lower() in ("", "identity") or not body:
        return body
    unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
    unpacked = unpacking.decompress(body, BODY_LIMIT)
    if not unpacking.eof:
        raise ValueError(_TOO_LONG)
    return unpacked
