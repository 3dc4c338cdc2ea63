"""One line to a caller, who gets so much time and room and no more.

The HTTP server itself waits for ever for a caller who sends a request byte by byte, or never reads
the answer: some hundreds of those, and nobody else gets in. Bodies have time-outs and limits of
their own (`web/limits.py`); what comes before and after them is bounded here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from smsnotify.web.headers import DEFAULTS
from smsnotify.web.refusals import TOLD_EVERY_S

HEADERS_S: Final = 10.0
"""The address and headers of a request have arrived after so long; a new line counts as one."""

REQUEST_S: Final = 60.0
"""A whole request has arrived after so long, whether anybody reads its body or not."""

READ_S: Final = 30.0
"""An answer that does not fit on the line is gone on with within so long."""

MOST_HEADER_BYTES: Final = 64 * 1024
"""Address and headers of one request; 64 KiB."""

MOST_WAITING: Final = 32
"""Requests that wait on one line for their turn."""

MOST_UNREAD: Final = 256 * 1024
"""Bytes of a body that nobody reads any more, because its request is answered."""

_TOO_LONG: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\n"

log = logging.getLogger(__name__)


class NowAndThen(logging.Filter):
    """Lets the same warning through once a minute: strangers must not fill the log."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        super().__init__()
        self._told_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is told; an error always is."""
        if record.levelno > logging.WARNING:
            return True
        now, said = time.monotonic(), str(record.msg)
        if now - self._told_at.get(said, -TOLD_EVERY_S) < TOLD_EVERY_S:
            return False
        self._told_at[said] = now  # the server's own few sentences, nothing of a caller's
        return True


log.addFilter(NowAndThen())


class Connection(HttpToolsProtocol):
    """uvicorn's own protocol over httptools, with bounds."""

    _arriving: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _in_headers = True
    _unread_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        self.logger = log
        super().connection_made(transport)  # type: ignore[arg-type]
        self._wait(HEADERS_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        for timer in (self._arriving, self._reading):
            if timer is not None:
                timer.cancel()
        self._arriving = self._reading = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, if the headers are not getting too long by it."""
        if self._in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._header_bytes > MOST_HEADER_BYTES:
            self._refuse(_TOO_LONG)
        elif self._arriving is None and self._is_idle():
            # Empty lines before a request begin none, and yet end the clock of an idle line.
            self._wait(HEADERS_S)

    def on_message_begin(self) -> None:
        """A request begins; it may be the next one on the same line."""
        self._in_headers = True
        if self._arriving is None:
            self._wait(HEADERS_S)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The headers are here: the body has its own time."""
        self._in_headers, self._header_bytes = False, 0
        self._unread_bytes = 0
        self._wait(REQUEST_S)
        super().on_headers_complete()
        if len(self.pipeline) > MOST_WAITING:
            self.transport.abort()  # each of them takes room, and nobody reads their answers

    def on_body(self, body: bytes) -> None:
        """Take a part of a body; who goes on for long after the answer has not listened."""
        super().on_body(body)
        if self.cycle.response_complete:
            self._unread_bytes += len(body)
            if self._unread_bytes > MOST_UNREAD:
                self.transport.abort()

    def on_message_complete(self) -> None:
        """All of the request is here."""
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None
        self._in_headers = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is written; whoever hangs up now waits for the caller to read it."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait_for_reader()

    def pause_writing(self) -> None:
        """The line is full: the caller has to read."""
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """The caller has read."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(b"HTTP/1.1 400 Bad Request\r\n")

    def timeout_keep_alive_handler(self) -> None:
        """End a line that was idle, even one that does not take what was written."""
        if not self.transport.is_closing():
            self.transport.close()
            self._wait_for_reader()

    def _is_idle(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        return cycle is None or bool(cycle.response_complete)

    def _wait(self, seconds: float) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
        self._arriving = self.loop.call_later(seconds, self._too_slow)

    def _wait_for_reader(self) -> None:
        if self._reading is None:
            self._reading = self.loop.call_later(READ_S, self._give_up)

    def _too_slow(self) -> None:
        self._arriving = None
        if self.transport.is_closing():
            return
        cycle: Any = self.cycle
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self._give_up()  # an answer is on its way: nothing may be written into it
        else:
            self._refuse(_TOO_SLOW)

    def _refuse(self, status: bytes) -> None:
        """Answer without the application, and hang up."""
        if self.transport.is_closing():
            return
        headers = b"".join(name + b": " + value + b"\r\n" for name, value in DEFAULTS)
        self.transport.write(status + headers + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def _give_up(self) -> None:
        self.transport.abort()
