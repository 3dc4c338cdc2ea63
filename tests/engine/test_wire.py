"""The client's own lines: how answers end, when a line is used again, TLS, and what is written."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from gateway import Gateway, accept, hang, reply, serving

from smsnotify.base.errors import NotSentError, OutcomeUnknownError
from smsnotify.engine import client as door
from smsnotify.engine import loop
from smsnotify.engine.client import HttpClient
from smsnotify.engine.wire import BODY_LIMIT
from smsnotify.model.http import HttpRequest, HttpResponse


@pytest.fixture(autouse=True, params=["asyncio", "uvloop"])
def event_loop_of_each_kind(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever holds on one loop must hold on the other: their sockets and TLS differ."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
        monkeypatch.setattr(asyncio, "run", loop.run)


class Script:
    """A server that reads whole requests and writes bytes back, one entry a request.

    After an entry that is not the last of its line, the line stays open. `heads` has what it read.
    """

    def __init__(self, *lines: Sequence[bytes]) -> None:
        self._lines = list(lines)
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.closed = asyncio.Event()
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = self._lines[min(self.connections, len(self._lines) - 1)]
        self.connections += 1
        for answer in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self.bodies.append(await reader.readexactly(int(length or 0)))
            writer.write(answer)
        writer.close()
        await writer.wait_closed()
        self.closed.set()

    @asynccontextmanager
    async def open(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Script]:
        async with serving(self._serve, tls) as self.url:
            yield self


def post(url: str, body: bytes = b"a=b") -> HttpRequest:
    return HttpRequest(method="POST", url=f"http://{url}/send", headers={"A": "b"}, body=body)


def ask(*answers: bytes) -> HttpResponse:
    """Return the answer to one request."""

    async def work() -> HttpResponse:
        async with Script(answers).open() as server, HttpClient() as client:
            return await client.send(post(server.url), 5)

    return asyncio.run(work())


def test_what_is_written_is_what_was_asked_for() -> None:
    async def work() -> Script:
        async with Script([reply(204)] * 3).open() as server, HttpClient() as client:
            await client.send(post(server.url), 5)
            odd = f"http://{server.url}/a b/ü?to=%2B65 9&x=ü#part"
            await client.send(HttpRequest(method="GET", url=odd), 5)
            await client.send(HttpRequest(method="POST", url=f"http://{server.url}"), 5)
            return server

    server = asyncio.run(work())
    first, second, third = server.heads
    assert first.startswith(b"POST /send HTTP/1.1\r\nHost: " + server.url.encode() + b"\r\n")
    assert b"\r\nAccept-Encoding: identity\r\nA: b\r\nContent-Length: 3\r\n\r\n" in first
    assert second.startswith(b"GET /a%20b/%C3%BC?to=%2B65%209&x=%C3%BC HTTP/1.1\r\n")
    assert b"Content-Length" not in second
    assert third.startswith(b"POST / HTTP/1.1\r\n")
    assert third.endswith(b"Content-Length: 0\r\n\r\n")
    assert server.bodies == [b"a=b", b"", b""]


def test_the_same_address_with_other_headers_is_another_request() -> None:
    async def work() -> list[bytes]:
        async with Script([reply(204)] * 2).open() as server, HttpClient() as client:
            for key in ("one", "two"):
                url = f"http://{server.url}/send"
                await client.send(HttpRequest(method="GET", url=url, headers={"Key": key}), 5)
            return server.heads

    assert [b"one" in head for head in asyncio.run(work())] == [True, False]


def test_many_addresses_are_not_kept_for_ever() -> None:
    async def work() -> None:
        async with Script([reply(204)] * 200).open() as server, HttpClient() as client:
            for number in range(200):
                url = f"http://{server.url}/{number}"
                await client.send(HttpRequest(method="GET", url=url), 5)
            assert len(client._heads) <= 64

    asyncio.run(work())


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200, b"abc"),
        (b"HTTP/1.1 200 OK\r\n\r\nabc", 200, b"abc"),  # ends with the line
        (b"HTTP/1.0 200 OK\r\n\r\nabc", 200, b"abc"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + reply(201, b"abc"), 201, b"abc"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + reply(201, b"abc"), 201, b"abc"),
        (reply(200, gzip.compress(b"abc", mtime=0), Content_Encoding="gzip"), 200, b"abc"),
        (reply(200, zlib.compress(b"abc"), Content_Encoding="deflate"), 200, b"abc"),
    ],
)
def test_an_answer_ends_where_http_says(answer: bytes, status: int, body: bytes) -> None:
    response = ask(answer)
    assert (response.status, response.body) == (status, body)


@pytest.mark.parametrize(
    "answer",
    [
        CHUNKED + b"2\r\nab\r\n",  # the line broke before the last chunk
        CHUNKED + b"zz\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300_000,
        reply(200, b"abc", Content_Encoding="gzip"),
        reply(200, b"abc", Content_Encoding="br"),
        reply(200, gzip.compress(bytes(BODY_LIMIT * 9), mtime=0), Content_Encoding="gzip"),
        CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (BODY_LIMIT + 1, bytes(BODY_LIMIT + 1)),
    ],
)
def test_an_answer_that_is_none_leaves_the_outcome_unknown(answer: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        ask(answer)


@pytest.mark.parametrize(
    "last_words",
    [
        reply(201, Connection="close"),
        b"HTTP/1.0 201 X\r\nContent-Length: 0\r\n\r\n",
        reply(201) + b"HTTP/1.1 408 Request Timeout\r\n\r\n",  # nobody asked for the second
    ],
)
def test_a_line_that_is_at_its_end_is_not_used_again(last_words: bytes) -> None:
    async def work() -> None:
        async with Script([last_words] * 2).open() as server, HttpClient() as client:
            for _ in range(2):
                assert (await client.send(post(server.url), 5)).status == 201
            assert server.connections == 2

    asyncio.run(work())


def test_a_line_that_was_closed_while_it_rested_is_not_used_again() -> None:
    async def work() -> None:
        async with Script([reply(201)]).open() as server, HttpClient() as client:
            for connections in (1, 2):
                await client.send(post(server.url), 5)
                assert server.connections == connections
                await server.closed.wait()
                await asyncio.sleep(0.01)

    asyncio.run(work())


def test_a_line_that_rested_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_KEEP_ALIVE_S", 0.0)

    async def work() -> None:
        async with Script([reply(201)] * 2).open() as server, HttpClient() as client:
            for _ in range(3):
                await client.send(post(server.url), 5)
            assert server.connections == 3
            assert len(client._wires) == 1

    asyncio.run(work())


def test_a_request_that_was_given_up_takes_its_line_along() -> None:
    gateway = Gateway(hang, accept)

    async def work() -> None:
        async with gateway.open(), HttpClient(1) as client:
            request = HttpRequest(method="POST", url=gateway.url, body=b'[{"id": "one"}]')
            first = asyncio.create_task(client.send(request, 5))
            while not gateway.requests:
                await asyncio.sleep(0)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            assert (await client.send(request, 5)).status == 200
            assert gateway.connections == 2

    asyncio.run(work())


def test_a_process_that_was_stopped_while_it_connected_sends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mark of the message is as old as the stop was long."""
    moments = iter([1000.0, 1040.0, 1040.0, 1040.1])
    monkeypatch.setattr(door.time, "time", lambda: next(moments))

    async def work() -> None:
        async with Script([reply(201)]).open() as server, HttpClient(1) as client:
            with pytest.raises(NotSentError, match="stopped"):
                await client.send(post(server.url), 5)
            assert server.heads == []
            assert (await client.send(post(server.url), 5)).status == 201

    asyncio.run(work())


def test_a_name_that_was_not_found_is_looked_up_again() -> None:
    async def work() -> None:
        async with HttpClient() as client:
            for _ in range(2):
                with pytest.raises(NotSentError):
                    await client.send(post("nobody.invalid"), 5)
                assert client._names == {}

    asyncio.run(work())


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """The only authority that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    return authority


def over_tls(authority: trustme.CA, name: str) -> Script:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)

    async def work() -> Script:
        async with Script([reply(201)] * 2).open(tls) as server, HttpClient() as client:
            request = HttpRequest(method="POST", url=f"https://{server.url}/", body=b"a=b")
            try:
                for _ in range(2):
                    assert (await client.send(request, 5)).status == 201
            finally:
                written = server
            return written

    return asyncio.run(work())


def test_a_text_goes_through_tls_and_the_line_is_kept(authority: trustme.CA) -> None:
    server = over_tls(authority, "127.0.0.1")
    assert (server.bodies, server.connections) == ([b"a=b"] * 2, 1)


def test_a_certificate_for_another_name_is_refused_before_anything_is_sent(
    authority: trustme.CA,
) -> None:
    with pytest.raises(NotSentError):
        over_tls(authority, "sms.example")


def test_a_certificate_of_a_stranger_is_refused_before_anything_is_sent(
    authority: trustme.CA,
) -> None:
    with pytest.raises(NotSentError):
        over_tls(trustme.CA(), "127.0.0.1")
