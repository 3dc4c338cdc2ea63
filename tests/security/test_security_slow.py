"""Callers who take their time, or send without end: they are hung up on, and keep nobody out."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from smsnotify.base.clock import Clock
from smsnotify.store.open import open_store
from smsnotify.web import connection
from smsnotify.web.server import open_socket, serve
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load, read_settings

sys.path.append(str(Path(__file__).parent.parent / "web"))

from web_desk import write_desk

SOON_S = 0.3


@pytest.fixture
def served(
    tmp_path: Path, sqlite_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, int]]:
    """A desk over real sockets whose patience is short."""
    for name in ("HEADERS_S", "REQUEST_S", "READ_S"):
        monkeypatch.setattr(connection, name, SOON_S)
    sources = Sources(config=write_desk(tmp_path), database=sqlite_url)
    with open_store(sqlite_url) as store:
        serving = Serving(store, load(read_settings(sources), sources), clock=clock)
        listener = open_socket("127.0.0.1", 0)
        address = listener.getsockname()[:2]
        loop, stop = asyncio.new_event_loop(), asyncio.Event()
        work = serve(serving, sources, listener, delivering=False, ticking=False, stop=stop)
        thread = threading.Thread(target=loop.run_until_complete, args=(work,))
        thread.start()
        yield address
        loop.call_soon_threadsafe(stop.set)
        thread.join(15)
        assert not thread.is_alive()
        loop.close()
        serving.close()


def hung_up_on(line: socket.socket, trickle: bytes = b"") -> bytes:
    """Wait for the end of a line, sending a little now and then; return what came."""
    came, end = b"", time.monotonic() + 10
    line.settimeout(SOON_S / 6)
    while time.monotonic() < end:
        try:
            if trickle:
                line.sendall(trickle)
            part = line.recv(4096)
        except TimeoutError:
            continue
        except OSError:
            return came
        if not part:
            return came
        came += part
    raise AssertionError("the line is still open")


@pytest.mark.parametrize(
    ("sent", "trickle"),
    [
        (b"", b""),  # a line on which nothing comes
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"X-A: b\r\n"),  # slow-loris
        (b"GET /heal", b"t"),
        (b"", b"\r\n"),  # empty lines begin no request
        (b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n"),
        (b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_who_sends_byte_by_byte_is_hung_up_on(
    served: tuple[str, int], sent: bytes, trickle: bytes
) -> None:
    with socket.create_connection(served, timeout=10) as line:
        line.sendall(sent)
        came = hung_up_on(line, trickle)
    assert not came or came.startswith(b"HTTP/1.1 ")


def test_many_slow_lines_keep_nobody_out(served: tuple[str, int]) -> None:
    slow = [socket.create_connection(served, timeout=10) for _ in range(200)]
    try:
        for line in slow:
            line.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        host, port = served
        assert httpx.get(f"http://{host}:{port}/healthz").status_code == 200
        for line in slow:
            assert b" 408 " in hung_up_on(line)
    finally:
        for line in slow:
            line.close()


def test_headers_without_end_are_refused(served: tuple[str, int]) -> None:
    with socket.create_connection(served, timeout=10) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\n")
        came = b""
        try:
            for _ in range(100):
                line.sendall(b"X-Long: " + b"x" * 8000 + b"\r\n")
            came = hung_up_on(line)
        except OSError:
            came = came or b" 431 "  # it was reset while we still wrote
    assert b" 431 " in came or came == b""


def test_what_is_no_http_is_told_so_with_the_headers(served: tuple[str, int]) -> None:
    with socket.create_connection(served, timeout=10) as line:
        line.sendall(b"\x16\x03\x01 this is TLS\r\n\r\n")
        came = hung_up_on(line).lower()
    assert came.startswith(b"http/1.1 400 ")
    assert b"x-content-type-options: nosniff" in came
    assert b"invalid" not in came


def test_what_is_no_http_fills_no_log(
    served: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    for sent in (b"\x16\x03\x01 this is TLS\r\n\r\n", b"GET / HTTP/1.1\r\nUpgrade: x\r\n"):
        for _ in range(10):
            with socket.create_connection(served, timeout=10) as line:
                line.sendall(sent + b"Host: x\r\nConnection: upgrade, close\r\n\r\n")
                hung_up_on(line)
    told = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert len(told) == len(set(told))


def test_who_never_reads_the_answers_is_cut_off(served: tuple[str, int]) -> None:
    with socket.create_connection(served, timeout=10) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asked = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 10
        until_cut(line, asked)


def test_requests_without_end_on_one_line_are_cut_off(served: tuple[str, int]) -> None:
    with socket.create_connection(served, timeout=10) as line:
        until_cut(line, b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n" * 200)


def until_cut(line: socket.socket, asked: bytes) -> None:
    line.settimeout(0.2)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            line.sendall(asked)
        except TimeoutError:
            continue
        except OSError:
            return
    raise AssertionError("it was let write for ever")


@pytest.mark.parametrize("path", ["/hooks/main", "/v1/events", "/t/x", "/o/x", "/nowhere"])
@pytest.mark.parametrize("length", ["Content-Length: 1000000000000", "Transfer-Encoding: chunked"])
def test_big_bodies_are_not_read(served: tuple[str, int], path: str, length: str) -> None:
    with socket.create_connection(served, timeout=10) as line:
        line.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode())
        sent = 0
        try:
            while sent < (16 << 20):
                sent += line.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except OSError:
            pass
        assert sent < (16 << 20)
