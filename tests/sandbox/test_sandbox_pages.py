"""The phone pages: what they show, what they change, and whom they do not serve."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stage import BASIC, HOOK, KEY, MESSAGES, OURS, PHONE, SINGLE, Stage, played

from smsnotify.model.fault import Fault
from smsnotify.model.message import MessageState
from smsnotify.sandbox.shown import pieces

PAGE = "/phones/6591230001"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{ 7*7 }}"


class Shape(HTMLParser):
    """The tags of a page and their attributes; nothing of its text counts as a tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


async def send(client: httpx.AsyncClient, body: str = "Hi", **fields: str) -> None:
    form = {"To": PHONE, "From": OURS, "Body": body, "StatusCallback": HOOK}
    answer = await client.post(MESSAGES, data=form | fields, auth=BASIC)
    assert answer.status_code == 201


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    """Post a form as the page has it, with the page's secret."""
    page = await client.get("/faults")
    found = re.search(r'name="secret" value="([^"]+)"', page.text)
    assert found
    return await client.post(path, data={"secret": found[1]} | fields)


def test_a_text_is_shown_with_sender_segments_encoding_and_state() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client, "Order DO-1 has arrived.")
        body = {"destination": PHONE, "source": "ACME", "text": "王" * 71}
        await client.post(SINGLE, json=body, headers=KEY)
        page = (await client.get(PAGE)).text
        assert "1 segment GSM7" in page
        assert "2 segments UCS2" in page
        assert page.count("on its way") == 2
        await stage.play()
        page = (await client.get(PAGE)).text
        assert page.count('<span class="state good">delivered</span>') == 2
        assert "ACME <span" in page
        listed = (await client.get("/")).text
        assert PHONE in listed
        assert "2 texts on 1 phone," in listed

    played(walk)


@given(st.text(max_size=200))
@example("http://")
@example("https://a.b/c).  http://d, x")
def test_a_text_cut_at_its_links_is_still_the_same_text(body: str) -> None:
    cut = pieces(body)
    assert "".join(piece.text for piece in cut) == body
    assert all(piece.href in ("", piece.text) for piece in cut)
    assert all(piece.href.startswith(("http://", "https://")) for piece in cut if piece.href)


def test_links_can_be_tapped_and_nothing_else_becomes_one() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client, "See https://t.example/a?b=1&c=<2>. javascript:alert(1) or http://x.y!")
        shape = Shape((await client.get(PAGE)).text)
        links = [one["href"] for one in shape.all("a") if one.get("rel")]
        assert links == ["https://t.example/a?b=1&c=", "http://x.y"]

    played(walk)


@pytest.mark.parametrize("path", ["/", PAGE, "/faults"])
def test_nothing_that_comes_from_outside_becomes_a_tag(path: str) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client, EVIL)
        body = {"destination": PHONE, "source": "<b>'\"&", "text": EVIL, "clientMessageId": EVIL}
        evil = SINGLE.replace("acme", "a&-._")
        assert (await client.post(evil, json=body, headers=KEY)).status_code == 200
        await stage.play()
        shape = Shape((await client.get(path)).text)
        assert [attrs.get("src") for attrs in shape.all("script")] == ["/static/live.js"]
        assert shape.all("img") == []
        assert [one for one in shape.all("a") if one.get("rel")] == []
        assert not any(key.startswith("on") for _, attrs in shape.tags for key in attrs)
        assert shape.all("style") == []
        assert not any("style" in attrs for _, attrs in shape.tags)

    played(walk)


@pytest.mark.parametrize("path", ["/", PAGE, "/faults", "/static/live.js", "/phones/nobody"])
def test_every_page_forbids_what_is_not_ours(path: str) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        answer = await client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        for tag, attrs in (
            Shape(answer.text).tags if "html" in answer.headers["content-type"] else []
        ):
            for key in ("src", "href", "action"):
                assert (attrs.get(key) or "/").startswith(("/", "#")), tag

    played(walk)


def test_an_answer_goes_to_the_newest_sender_that_can_receive() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client)
        body = {"destination": PHONE, "source": "ACME", "text": "Hi"}
        await client.post(SINGLE, json=body, headers=KEY)
        answer = await post(client, f"{PAGE}/answer", body="QUOTE")
        assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
        await stage.play()
        inbound = [call for call in stage.hook.calls if b"Body=QUOTE" in call.body]
        assert len(inbound) == 1
        assert "X-Twilio-Signature" in inbound[0].headers

    played(walk)


def test_a_word_cannot_be_answered_and_the_page_says_so() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        body = {"destination": PHONE, "source": "ACME", "text": "Hi"}
        await client.post(SINGLE, json=body, headers=KEY)
        page = (await client.get(PAGE)).text
        assert "a word cannot receive" in page
        assert "<textarea" not in page
        answer = await post(client, f"{PAGE}/answer", body="Hello", to="8x8|acme|ACME")
        assert answer.status_code == 400
        assert (await post(client, f"{PAGE}/switch", what="stop")).status_code == 409

    played(walk)


@pytest.mark.parametrize("body", ["", "   ", "x" * 1601])
def test_an_answer_has_1_to_1600_characters(body: str) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client)
        answer = await post(client, f"{PAGE}/answer", body=body)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
        assert len(stage.exchange.book.texts) == 1

    played(walk)


def test_switches_change_the_phone() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client)
        phone = stage.exchange.book.phone(PHONE)
        await post(client, f"{PAGE}/switch", what="off")
        await stage.play()
        assert phone.texts[0].state is MessageState.SENT
        assert "1 waiting" in (await client.get(PAGE)).text
        await post(client, f"{PAGE}/switch", what="give-up")
        assert phone.texts[0].state is MessageState.UNDELIVERED
        await post(client, f"{PAGE}/switch", what="on")
        await post(client, f"{PAGE}/switch", what="gone")
        await post(client, f"{PAGE}/switch", what="slow")
        assert (phone.is_off, phone.is_gone, phone.is_slow) == (False, True, True)
        await post(client, f"{PAGE}/switch", what="back")
        await post(client, f"{PAGE}/switch", what="quick")
        assert (phone.is_gone, phone.is_slow) == (False, False)
        await post(client, f"{PAGE}/switch", what="stop")
        assert "said STOP" in (await client.get(PAGE)).text
        await post(client, f"{PAGE}/switch", what="start")
        assert "said STOP" not in (await client.get(PAGE)).text
        assert (await post(client, f"{PAGE}/switch", what="explode")).status_code == 400

    played(walk)


def test_the_bad_day_is_set_ordered_and_ended() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        faults = stage.exchange.faults
        fields = {"429": "10", "lost-receipt": "2.5", "latency": "200ms", "retry_after": "7"}
        assert (await post(client, "/faults", **fields)).status_code == 303
        assert faults.shares == {Fault.TOO_MANY: 0.1, Fault.LOST_RECEIPT: 0.025}
        assert (faults.latency_s, faults.retry_after_s) == (0.2, 7)
        page = (await client.get("/faults")).text
        assert 'value="200ms"' in page
        assert "a bad day" in page
        await post(client, "/faults", once="reset")
        assert "1 to come" in (await client.get("/faults")).text
        await post(client, "/faults", calm="1")
        assert faults.is_calm
        assert "a good day" in (await client.get("/faults")).text

    played(walk)


@pytest.mark.parametrize(
    "fields",
    [{"429": "101"}, {"429": "-1"}, {"429": "x"}, {"latency": "soon"}, {"latency": "2m"},
     {"retry_after": "9999"}, {"retry_after": ""}, {"429": "nan"}],
)  # fmt: skip
def test_a_bad_day_that_cannot_be_is_refused_with_a_sentence(fields: dict[str, str]) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        answer = await post(client, "/faults", **fields)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
        assert stage.exchange.faults.is_calm

    played(walk)


def test_only_our_own_forms_change_anything() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client)
        for path in (f"{PAGE}/switch", f"{PAGE}/answer", "/faults"):
            for secret in ({}, {"secret": "guess"}, {"secret": "é"}):
                forged = await client.post(path, data={"what": "off", "body": "x"} | secret)
                assert forged.status_code == 403
        assert not stage.exchange.book.phone(PHONE).is_off

    played(walk)


def test_another_sites_name_for_this_machine_gets_nothing() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", ""):
            answer = await client.get("/", headers={"Host": host})
            assert answer.status_code == 421
        for host in ("localhost:8788", "127.0.0.1", "[::1]:8788", "192.168.1.5:8788"):
            assert (await client.get("/", headers={"Host": host})).status_code == 200

    played(walk)


def test_a_phone_is_opened_by_its_number_and_nothing_else() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        opened = await client.get("/phones", params={"number": "+65 9123-0009"})
        assert opened.headers["location"] == "/phones/6591230009"
        assert (await client.get("/phones/6591230009")).status_code == 200
        assert stage.exchange.book.phones == {}  # looking makes no phone
        for number in ("", "//evil.example", "../../etc/passwd", "x" * 5000):
            assert (await client.get("/phones", params={"number": number})).status_code == 400
        for path in ("/phones/0", "/phones/..%2F..%2Fetc", "/static/..%2Fpages.py", "/static/x"):
            assert (await client.get(path)).status_code == 404

    played(walk)


def test_whoever_watches_is_told_of_changes_and_let_go_at_the_end() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        from smsnotify.sandbox.pages import Pages

        news = Pages(stage.exchange)._news()
        assert await anext(news) == "retry: 1000\ndata: 0\n\n"
        waiting: asyncio.Task[Any] = asyncio.ensure_future(anext(news))
        await send(client)
        assert await waiting == "retry: 1000\ndata: 1\n\n"
        stage.exchange.close()
        assert await anext(news, "over") == "over"

    played(walk)


def test_an_unknown_address_of_the_apis_is_refused_in_their_words() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        twilio = await client.get("/2010-04-01/Nothing.json")
        assert (twilio.status_code, twilio.json()["code"]) == (404, 20404)
        eight = await client.get("/api/v2/nothing")
        assert (eight.status_code, eight.json()["code"]) == (404, 1300)

    played(walk)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"messages": 3}', b"\xff" * 10])
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        for path in (SINGLE, f"{SINGLE}/batch"):
            answer = await client.post(path, content=body, headers=KEY)
            assert answer.status_code == 400
            assert answer.json()["code"] in (1000, 1002, 1004, 3012)
        assert (await client.post(MESSAGES, content=body, auth=BASIC)).status_code == 400

    played(walk)
