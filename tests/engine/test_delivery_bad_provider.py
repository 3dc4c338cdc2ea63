"""Providers that fail in every way, over real sockets: state, error word, number of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_for_delivery import Turned, account, accounts, message, open_books, queue, states, tries
from gateway import (
    Gateway,
    Misdeed,
    accept,
    babble,
    drip,
    half,
    hang,
    hang_up,
    refuse,
    reset,
    say,
)

from smsnotify.engine.delivery import drain
from smsnotify.engine.report import DeliveryReport
from smsnotify.model.decision import Mode
from smsnotify.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_books(tmp_path) as opened:
        yield opened


async def _drain(
    store: Store, gateway: Gateway, turned: Turned, base_url: str = "", **fields: Any
) -> DeliveryReport:
    async with gateway.open():
        return await drain(
            store,
            accounts(account(base_url=base_url or gateway.url, **fields)),
            {"default": [["main"]]},
            mode=Mode.LIVE,
            timeout_s=0.2,
            times=turned.times(),
            sleep=turned.sleep,
        )


def deliver(store: Store, *script: Misdeed, **fields: Any) -> tuple[DeliveryReport, Gateway]:
    gateway = Gateway(*script)
    return asyncio.run(_drain(store, gateway, Turned(), **fields)), gateway


@pytest.mark.parametrize(
    ("misdeed", "word"),
    [
        (hang, "provider_down"),
        (drip, "provider_down"),
        (reset, "provider_down"),
        (hang_up, "provider_down"),
        (half, "provider_down"),
        (babble, "provider_down"),
        (say(500, b"<html>"), "provider_down"),
        (say(502), "provider_down"),
        (say(504), "provider_down"),
        (say(200, b'{"results": ['), "unknown_error"),
        (say(200, b'{"results": []}'), "unknown_error"),
        (say(200, b""), "unknown_error"),
        (say(200, b"\xff\xfe"), "unknown_error"),
    ],
)
def test_what_may_have_been_taken_is_unknown_after_one_request(
    store: Store, misdeed: Misdeed, word: str
) -> None:
    queue(store, "one")
    report, gateway = deliver(store, misdeed)
    assert (report.unknown, report.left) == (1, 0)
    assert gateway.log == ["one"]
    after = message(store, "one")
    assert (after["state"], after["error"]) == ("unknown", word)
    (tried,) = tries(store, "one")
    assert (tried["result"], tried["error"]) == ("unknown", word)


@pytest.mark.parametrize(
    ("misdeed", "word"),
    [
        (say(503), "provider_down"),
        (say(429), "rate_limited"),
        (say(429, Retry_After="2"), "rate_limited"),
        (
            say(
                429,
                Date="Mon, 02 Mar 2026 09:00:00 GMT",
                Retry_After="Mon, 02 Mar 2026 09:00:03 GMT",
            ),
            "rate_limited",
        ),
    ],
)
def test_what_was_certainly_not_taken_is_tried_again(
    store: Store, misdeed: Misdeed, word: str
) -> None:
    queue(store, "one")
    report, gateway = deliver(store, misdeed, accept)
    assert (report.sent, report.by_account["main"].retried) == (1, 1)
    assert gateway.requests == 2
    assert message(store, "one")["state"] == "accepted"
    assert [tried["error"] for tried in tries(store, "one")] == [word, ""]


def test_a_refusal_inside_a_good_answer_is_a_refusal(store: Store) -> None:
    queue(store, "one")
    report, gateway = deliver(store, refuse("invalid_number"))
    assert (report.failed, gateway.requests) == (1, 1)
    assert message(store, "one")["error"] == "invalid_number"


def test_a_time_out_before_the_request_was_taken_is_not_sent(store: Store) -> None:
    queue(store, "one")
    gateway = Gateway(accept)
    nowhere = "http://127.0.0.1:9"
    report = asyncio.run(_drain(store, gateway, Turned(), base_url=nowhere))
    assert (report.unknown, report.left, gateway.requests) == (0, 1, 0)
    assert {tried["error"] for tried in tries(store, "one")} == {"provider_down"}
    assert {tried["result"] for tried in tries(store, "one")} == {"retry"}


def test_a_batch_whose_answer_is_lost_is_unknown_as_a_whole(store: Store) -> None:
    queue(store, *"abcde")
    report, gateway = deliver(store, reset, batch=5)
    assert (report.unknown, gateway.requests) == (5, 1)
    assert states(store) == {"unknown": 5}


def test_a_line_that_breaks_now_and_then_never_doubles_a_text(store: Store) -> None:
    ids = [f"m{number:03d}" for number in range(60)]
    queue(store, *ids)
    script = [accept, accept, reset, accept, half, say(503), accept, say(500)] * 8 + [accept]
    report, gateway = deliver(store, *script, concurrency=4)
    assert len(gateway.taken) == len(set(gateway.taken))
    assert report.sent == len(gateway.taken)
    assert report.sent + report.unknown == 60
