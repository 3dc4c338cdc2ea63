"""Our own adapters and client against the local provider, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from stage import PHONE, SID, TOKEN, standing

from smsnotify.base.clock import system_clock
from smsnotify.base.errors import OutcomeUnknownError
from smsnotify.engine.client import HttpClient
from smsnotify.model.fault import Fault
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.model.message import ErrorWord, MessageState, OutboundMessage, Result
from smsnotify.providers.base import LookupAnswer
from smsnotify.providers.eight_x_eight import EightXEight
from smsnotify.providers.twilio import Twilio
from smsnotify.sandbox.exchange import Exchange
from smsnotify.sandbox.faults import AT_ONCE
from smsnotify.sandbox.texts import Account, Speech

WAIT_S = 5.0
SHORT_S = 0.2
"""How long a test waits for an answer that never comes."""


def text(id: str = "m1", to: str = PHONE, **fields: Any) -> OutboundMessage:
    usual = {"body": "Hi, order DO-1 has arrived.", "encoding": "GSM7", "sender": "+6531590000"}
    return OutboundMessage(id=id, recipient=to, **(usual | fields))


class Line:
    """An adapter of each provider, and who carries its requests."""

    def __init__(self, url: str, client: HttpClient) -> None:
        self._client = client
        twilio = {"provider": "twilio", "account_sid": SID, "auth_token": TOKEN, "base_url": url}
        eight = {"provider": "8x8", "api_key": "k", "subaccount_id": "acme", "base_url": url}
        self.twilio = Twilio(Twilio.settings_type.model_validate(twilio))
        settings = eight | {"account_id": "0a1b2c3d-0000-4000-8000-000000000001"}
        self.eight = EightXEight(EightXEight.settings_type.model_validate(settings))

    def adapter(self, name: str) -> Any:
        return self.twilio if name == "twilio" else self.eight

    async def ask(self, request: HttpRequest | None, wait_s: float = WAIT_S) -> HttpResponse:
        assert request is not None
        return await self._client.send(request, wait_s)

    async def send(self, name: str, *messages: OutboundMessage, wait_s: float = WAIT_S) -> Any:
        adapter = self.adapter(name)
        answer = await self.ask(adapter.build_request(messages), wait_s)
        return adapter.parse_response(messages, answer)


Walk = Callable[[Line, Exchange], Awaitable[None]]


def on_line(walk: Walk, *accounts: Account) -> None:
    """Run a walk against a provider on a socket whose network takes no time."""

    async def play() -> None:
        exchange = Exchange(accounts, pace=AT_ONCE)
        async with standing(exchange) as url, HttpClient() as client:
            await walk(Line(url, client), exchange)

    asyncio.run(play())


@pytest.mark.parametrize("name", ["twilio", "8x8"])
def test_a_text_is_taken_and_found_again(name: str) -> None:
    async def walk(line: Line, exchange: Exchange) -> None:
        adapter, message = line.adapter(name), text()
        (outcome,) = await line.send(name, message)
        assert outcome.result is Result.ACCEPTED
        await exchange.agenda.settle()
        sid = outcome.provider_message_id
        answer = await line.ask(adapter.build_lookup(message, sid))
        found = adapter.parse_lookup(message, answer, provider_message_id=sid)
        assert found.answer is LookupAnswer.FOUND
        assert found.candidates[0].state is MessageState.DELIVERED
        assert found.candidates[0].segments == 1
        (kept,) = exchange.book.phone(PHONE).texts
        assert (kept.id, kept.body, kept.ours) == (sid, message.body, message.sender)

    on_line(walk)


def test_a_batch_of_250_is_taken_text_by_text() -> None:
    async def walk(line: Line, exchange: Exchange) -> None:
        messages = [text(f"m{n}", f"+659123{n:04d}") for n in range(249)]
        messages.append(text("old", expires_at=system_clock() - timedelta(minutes=1)))
        outcomes = await line.send("8x8", *messages)
        assert [one.result for one in outcomes[:249]] == [Result.ACCEPTED] * 249
        assert (outcomes[-1].result, outcomes[-1].error) == (Result.REJECTED, ErrorWord.EXPIRED)
        assert len({one.provider_message_id for one in outcomes}) == 250
        assert len(exchange.book.texts) == 249

    on_line(walk)


@pytest.mark.parametrize("name", ["twilio", "8x8"])
def test_checks_balances_and_prices_are_answered(name: str) -> None:
    async def walk(line: Line, exchange: Exchange) -> None:
        adapter = line.adapter(name)
        if name == "8x8":
            await line.send(name, text())  # whose key it is, is known from the first send
        assert adapter.parse_check(await line.ask(adapter.build_check())).ok
        assert adapter.parse_balance(await line.ask(adapter.build_balance())).currency == "USD"
        if name == "8x8":
            (price,) = adapter.parse_prices(await line.ask(adapter.build_prices("SG")))
            assert (price.country, price.amount) == ("SG", "0.04")

    on_line(walk)


def test_only_known_accounts_may_send_when_there_are_some() -> None:
    async def walk(line: Line, exchange: Exchange) -> None:
        for name in ("twilio", "8x8"):
            (outcome,) = await line.send(name, text())
            assert (outcome.result, outcome.error) == (Result.REJECTED, ErrorWord.BAD_CREDENTIALS)
            check = line.adapter(name).parse_check(await line.ask(line.adapter(name).build_check()))
            assert not check.ok
        assert exchange.book.texts == {}

    known = Account(speech=Speech.TWILIO, id=SID, users={SID: "another"})
    on_line(walk, known, Account(speech=Speech.EIGHT, id="acme", key="another"))


@pytest.mark.parametrize(
    ("to", "sender", "word"),
    [
        ("+15005550001", "+15005550006", ErrorWord.INVALID_NUMBER),
        ("+15005550002", "+15005550006", ErrorWord.SENDER_REJECTED),
        ("+15005550003", "+15005550006", ErrorWord.SENDER_REJECTED),
        ("+15005550004", "+15005550006", ErrorWord.OPTED_OUT),
        ("+15005550009", "+15005550006", ErrorWord.LANDLINE),
        (PHONE, "+15005550001", ErrorWord.SENDER_REJECTED),
        (PHONE, "+15005550007", ErrorWord.SENDER_REJECTED),
    ],
)
def test_twilios_magic_numbers_are_refused(to: str, sender: str, word: ErrorWord) -> None:
    async def walk(line: Line, exchange: Exchange) -> None:
        (outcome,) = await line.send("twilio", text(to=to, sender=sender))
        assert (outcome.result, outcome.error) == (Result.REJECTED, word)

    on_line(walk)


def test_the_full_queue_of_the_magic_sender_is_to_be_tried_later() -> None:
    async def walk(line: Line, exchange: Exchange) -> None:
        (outcome,) = await line.send("twilio", text(sender="+15005550008"))
        assert (outcome.result, outcome.error) == (Result.RETRY, ErrorWord.RATE_LIMITED)

    on_line(walk)


@pytest.mark.parametrize("name", ["twilio", "8x8"])
@pytest.mark.parametrize(
    ("fault", "result", "error"),
    [
        (Fault.TOO_MANY, Result.RETRY, ErrorWord.RATE_LIMITED),
        (Fault.UNAVAILABLE, Result.RETRY, ErrorWord.PROVIDER_DOWN),
        (Fault.BROKEN, Result.UNKNOWN, ErrorWord.PROVIDER_DOWN),
    ],
)
def test_a_refusal_of_a_bad_day_is_read_as_what_it_is(
    name: str, fault: Fault, result: Result, error: ErrorWord
) -> None:
    async def walk(line: Line, exchange: Exchange) -> None:
        exchange.faults.once(fault)
        (outcome,) = await line.send(name, text())
        assert (outcome.result, outcome.error) == (result, error)
        assert outcome.retry_after_s == (2.0 if fault is Fault.TOO_MANY else None)
        assert exchange.book.texts == {}
        (after,) = await line.send(name, text())
        assert after.result is Result.ACCEPTED

    on_line(walk)


@pytest.mark.parametrize(
    ("fault", "is_taken"), [(Fault.TIMEOUT, True), (Fault.CUT, True), (Fault.RESET, False)]
)
def test_a_lost_answer_leaves_the_outcome_open_and_a_look_up_settles_it(
    fault: Fault, is_taken: bool
) -> None:
    async def walk(line: Line, exchange: Exchange) -> None:
        exchange.faults.once(fault)
        began, message = system_clock(), text()
        with pytest.raises(OutcomeUnknownError):
            await line.send("twilio", message, wait_s=SHORT_S)
        assert len(exchange.book.texts) == int(is_taken)
        answer = await line.ask(line.twilio.build_lookup(message))
        found = line.twilio.parse_lookup(message, answer, started_at=began)
        wanted = LookupAnswer.FOUND if is_taken else LookupAnswer.ABSENT
        assert found.answer is wanted

    on_line(walk)
