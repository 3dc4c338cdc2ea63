"""The narrow port: what surely was not sent, and what maybe was."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Iterator

import pytest
from gateway import (
    Gateway,
    Misdeed,
    accept,
    babble,
    drip,
    flood,
    half,
    hang,
    hang_up,
    reply,
    reset,
    say,
    serving,
)

from smsnotify.base.errors import NotSentError, OutcomeUnknownError
from smsnotify.engine.client import HttpClient
from smsnotify.model.http import HttpRequest, HttpResponse

REQUEST = HttpRequest(method="POST", url="http://127.0.0.1:1/send", body=b"[]")


def post(url: str, **headers: str) -> HttpRequest:
    return HttpRequest(method="POST", url=f"{url}/send", headers=headers, body=b'[{"id": "one"}]')


async def _ask(gateway: Gateway, timeout_s: float) -> HttpResponse:
    async with gateway.open(), HttpClient() as client:
        return await client.send(post(gateway.url), timeout_s)


def ask(gateway: Gateway, timeout_s: float = 5.0) -> HttpResponse:
    return asyncio.run(_ask(gateway, timeout_s))


def test_an_answer_comes_back_with_names_in_lower_case() -> None:
    response = ask(Gateway(say(429, b"slow down", Retry_After="3")))
    assert (response.status, response.body) == (429, b"slow down")
    assert response.headers["retry-after"] == "3"


def test_connections_are_kept_alive() -> None:
    gateway = Gateway(accept)

    async def work() -> None:
        async with gateway.open(), HttpClient(4) as client:
            for _ in range(5):
                await client.send(post(gateway.url), 5)

    asyncio.run(work())
    assert (gateway.requests, gateway.connections) == (5, 1)


def test_redirects_are_not_followed_and_cookies_not_kept() -> None:
    gateway = Gateway(say(302, Location="/elsewhere", Set_Cookie="a=b"))
    assert ask(gateway).status == 302
    assert gateway.requests == 1


def test_what_we_say_of_ourselves_goes_along_and_no_content_type_is_made_up() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(reply(204))

    async def work() -> None:
        async with serving(serve) as place, HttpClient() as client:
            await client.send(post(f"http://{place}", Authorization="Bearer x"), 5)

    asyncio.run(work())
    assert b"User-Agent: sms-notify/" in heads[0]
    assert b"Authorization: Bearer x" in heads[0]
    assert b"content-type" not in heads[0].lower()


@pytest.mark.parametrize("misdeed", [reset, hang_up, half, babble, flood])
def test_a_line_that_breaks_after_the_request_leaves_the_outcome_unknown(misdeed: Misdeed) -> None:
    gateway = Gateway(misdeed)
    with pytest.raises(OutcomeUnknownError):
        ask(gateway)
    assert gateway.log == ["one"]


@pytest.mark.parametrize("misdeed", [hang, drip])
def test_an_answer_that_does_not_end_in_time_leaves_the_outcome_unknown(misdeed: Misdeed) -> None:
    with pytest.raises(OutcomeUnknownError, match="in time"):
        ask(Gateway(misdeed), timeout_s=0.15)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fails_before(url: str, timeout_s: float = 5.0) -> None:
    async def work() -> None:
        async with HttpClient() as client:
            await client.send(post(url), timeout_s)

    with pytest.raises(NotSentError):
        asyncio.run(work())


def test_a_refused_connection_is_surely_not_sent() -> None:
    fails_before(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("url", ["http://nobody.invalid", "gopher://127.0.0.1", "http://", "::"])
def test_a_name_or_address_that_leads_nowhere_is_surely_not_sent(url: str) -> None:
    fails_before(url)


def test_tls_that_fails_is_surely_not_sent() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 this is no TLS\r\n")

    async def work() -> None:
        async with serving(greet) as place, HttpClient() as client:
            await client.send(post(f"https://{place}"), 5)

    with pytest.raises(NotSentError):
        asyncio.run(work())


@pytest.fixture
def full_house() -> Iterator[str]:
    """A port whose queue of connections is full: connecting to it takes for ever."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = server.getsockname()
        callers = []
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(address)
            callers.append(caller)
        yield f"http://127.0.0.1:{address[1]}"
        for caller in callers:
            caller.close()


def test_connecting_that_takes_too_long_is_surely_not_sent(full_house: str) -> None:
    fails_before(full_house, timeout_s=0.2)


def test_waiting_for_a_free_connection_too_long_is_surely_not_sent() -> None:
    async def work() -> None:
        gateway = Gateway(hang)
        async with gateway.open(), HttpClient(connections=1) as client:
            first = asyncio.create_task(client.send(post(gateway.url), 2))
            while not gateway.requests:
                await asyncio.sleep(0)
            with pytest.raises(NotSentError):
                await client.send(post(gateway.url), 0.1)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    asyncio.run(work())


def test_a_header_that_cannot_be_written_is_surely_not_sent() -> None:
    gateway = Gateway(accept)

    async def work() -> None:
        async with gateway.open(), HttpClient() as client:
            await client.send(post(gateway.url, Authorization="Bearer a\nb"), 5)

    with pytest.raises(NotSentError, match="line break"):
        asyncio.run(work())
    assert gateway.requests == 0


def test_the_client_must_be_opened_first() -> None:
    client: Awaitable[HttpResponse] = HttpClient().send(REQUEST, 1)
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(client)  # type: ignore[arg-type]
