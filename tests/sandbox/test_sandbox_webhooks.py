"""The calls that the local provider makes: our own adapters prove and read every one."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from stage import BASIC, HOOK, KEY, MESSAGES, OURS, PHONE, SID, SINGLE, TOKEN, Stage, played

from smsnotify.base.errors import WebhookError
from smsnotify.model.fault import Fault
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.model.message import ErrorWord, MessageState, Receipt
from smsnotify.providers.base import WebhookCall
from smsnotify.providers.eight_x_eight import EightXEight
from smsnotify.providers.twilio import Twilio
from smsnotify.sandbox.caller import AT_ONCE, UnreachableError
from smsnotify.sandbox.faults import Faults
from smsnotify.sandbox.texts import Account, Speech

WEBHOOK = "hook-token-of-8x8"
TWILIO = Twilio(
    Twilio.settings_type.model_validate(
        {"provider": "twilio", "account_sid": SID, "auth_token": TOKEN}
    )
)
EIGHT = EightXEight(
    EightXEight.settings_type.model_validate(
        {
            "provider": "8x8",
            "api_key": "key-of-8x8",
            "subaccount_id": "acme",
            "webhook_token": WEBHOOK,
        }
    )
)


def known() -> list[Account]:
    return [
        Account(
            speech=Speech.TWILIO,
            id=SID,
            users={SID: TOKEN},
            auth_token=TOKEN,
            hook=HOOK,
            senders={OURS: None},
        ),
        Account(
            speech=Speech.EIGHT,
            id="acme",
            key="key-of-8x8",
            webhook_token=WEBHOOK,
            hook=HOOK,
            senders={"+6531580000": None},
        ),
    ]


async def send(client: httpx.AsyncClient, name: str, **fields: str) -> str:
    """Send one text; return its id."""
    if name == "twilio":
        form = {"To": PHONE, "From": OURS, "Body": "Hi", "StatusCallback": f"{HOOK}?m=m1"}
        answer = await client.post(MESSAGES, data=form | fields, auth=BASIC)
        return str(answer.json()["sid"])
    body = {"destination": PHONE, "source": "+6531580000", "text": "Hi", "clientMessageId": "m1"}
    answer = await client.post(SINGLE, json=body | fields, headers=KEY)
    return str(answer.json()["umid"])


def proved(name: str, request: HttpRequest) -> tuple[Any, WebhookCall]:
    """Let our adapter check a call; return both."""
    adapter: Any = TWILIO if name == "twilio" else EIGHT
    headers = {key.lower(): value for key, value in request.headers.items()}
    call = WebhookCall(url=request.url, headers=headers, body=request.body)
    adapter.verify(call)
    return adapter, call


def receipts(name: str, stage: Stage) -> list[Receipt]:
    found: list[Receipt] = []
    for request in stage.hook.calls:
        adapter, call = proved(name, request)
        found += adapter.parse_receipts(call)
    return found


@pytest.mark.parametrize("name", ["twilio", "8x8"])
def test_a_delivered_text_is_told_in_two_receipts(name: str) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        id = await send(client, name)
        assert stage.hook.calls == []  # nothing is told of a first state
        await stage.play()
        told = receipts(name, stage)
        assert [one.state for one in told] == [MessageState.SENT, MessageState.DELIVERED]
        assert {one.provider_message_id for one in told} == {id}
        assert {one.message_id for one in told} == {"m1"}

    played(walk, accounts=known())


@pytest.mark.parametrize("name", ["twilio", "8x8"])
def test_a_number_that_is_gone_comes_back_undelivered(name: str) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        stage.exchange.book.phone(PHONE).is_gone = True
        await send(client, name)
        await stage.play()
        last = receipts(name, stage)[-1]
        assert (last.state, last.error) == (MessageState.UNDELIVERED, ErrorWord.INVALID_NUMBER)

    played(walk, accounts=known())


@pytest.mark.parametrize("name", ["twilio", "8x8"])
def test_a_phone_that_is_off_gets_its_texts_when_it_is_on_again(name: str) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        exchange = stage.exchange
        phone = exchange.book.phone(PHONE)
        phone.is_off = True
        await send(client, name)
        await stage.play(600)
        assert [one.state for one in receipts(name, stage)] == [MessageState.SENT]
        exchange.network.switch_on(phone, exchange.accounts)
        await stage.play()
        assert receipts(name, stage)[-1].state is MessageState.DELIVERED

    played(walk, accounts=known())


@pytest.mark.parametrize(("name", "wait_s"), [("twilio", 600.0), ("8x8", 36_001.0)])
def test_the_network_gives_up_when_a_text_is_worthless(name: str, wait_s: float) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        stage.exchange.book.phone(PHONE).is_off = True
        await send(client, name, **({"ValidityPeriod": "600"} if name == "twilio" else {}))
        await stage.play(wait_s)
        last = receipts(name, stage)[-1]
        assert (last.state, last.error) == (MessageState.UNDELIVERED, ErrorWord.UNREACHABLE)

    played(walk, accounts=known())


def test_slow_receipts_tell_of_a_text_a_minute_after_it_arrived() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        stage.exchange.book.phone(PHONE).is_slow = True
        await send(client, "twilio")
        await stage.play(30)
        (text,) = stage.exchange.book.phone(PHONE).texts
        assert text.state is MessageState.DELIVERED
        assert stage.hook.calls == []
        await stage.play(60)
        assert receipts("twilio", stage)[-1].state is MessageState.DELIVERED

    played(walk, accounts=known())


@pytest.mark.parametrize(
    ("fault", "states"),
    [
        (Fault.LOST_RECEIPT, ["delivered"]),
        (Fault.DOUBLED_RECEIPT, ["sent", "sent", "delivered"]),
        (Fault.LATE_RECEIPT, ["delivered", "sent"]),
    ],
)
def test_receipts_are_lost_doubled_and_late_when_they_shall(
    fault: Fault, states: list[str]
) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        stage.exchange.faults.once(fault)
        await send(client, "twilio")
        await stage.play(20)
        assert [one.raw_word for one in receipts("twilio", stage)] == states

    played(walk, accounts=known())


@pytest.mark.parametrize("name", ["twilio", "8x8"])
@pytest.mark.parametrize("body", ["QUOTE", "  Quote é 😀 \n& = + %", "a\x00b", "שלום"])
def test_an_answer_reaches_the_hook_as_it_was_typed(name: str, body: str) -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        exchange = stage.exchange
        account = next(one for one in exchange.accounts.values() if one.speech.value == name)
        ours = next(iter(account.senders))
        sent = exchange.network.answer(exchange.book.phone(PHONE), ours, body, account)
        await stage.play()
        (request,) = stage.hook.calls
        adapter, call = proved(name, request)
        (heard,) = adapter.parse_inbound(call)
        assert (heard.sender, heard.to) == (PHONE, ours)
        assert heard.body == body.replace("\x00", "")
        assert heard.provider_message_id == sent.id
        assert adapter.parse_receipts(call) == []

    played(walk, accounts=known())


def test_a_changed_call_is_no_longer_proved() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client, "twilio")
        await stage.play()
        request = stage.hook.calls[0]
        forged = HttpRequest(
            method="POST",
            url=request.url,
            headers=request.headers,
            body=request.body.replace(b"MessageStatus=sent", b"MessageStatus=read"),
        )
        with pytest.raises(WebhookError, match="signature"):
            proved("twilio", forged)

    played(walk, accounts=known())


def test_twilio_minds_stop_itself_and_start_again() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        exchange = stage.exchange
        account, phone = exchange.accounts[Speech.TWILIO, SID], exchange.book.phone(PHONE)
        exchange.network.answer(phone, OURS, " stop ", account)
        assert phone.texts[-1].note == "Twilio answers this word itself"
        form = {"To": PHONE, "From": OURS, "Body": "Hi"}
        refused = await client.post(MESSAGES, data=form, auth=BASIC)
        assert (refused.status_code, refused.json()["code"]) == (400, 21610)
        other = await client.post(MESSAGES, data=form | {"From": "+6531590001"}, auth=BASIC)
        assert other.status_code == 201
        exchange.network.answer(phone, OURS, "START", account)
        taken = await client.post(MESSAGES, data=form, auth=BASIC)
        assert taken.status_code == 201
        exchange.network.answer(phone, OURS, "Help", account)
        assert phone.texts[-1].note == "Twilio answers this word itself"
        exchange.network.answer(phone, OURS, "stop please", account)
        assert phone.texts[-1].inbound

    played(walk, accounts=known())


def test_stop_counts_for_the_messaging_service_that_texted() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        exchange, service = stage.exchange, "MG" + "1" * 32
        account, phone = exchange.accounts[Speech.TWILIO, SID], exchange.book.phone(PHONE)
        form = {"To": PHONE, "MessagingServiceSid": service, "Body": "Hi"}
        assert (await client.post(MESSAGES, data=form, auth=BASIC)).status_code == 201
        exchange.network.answer(phone, OURS, "STOP", account)
        refused = await client.post(MESSAGES, data=form, auth=BASIC)
        assert refused.json()["code"] == 21610

    played(walk, accounts=known())


def test_8x8_calls_again_after_every_failure_and_twilio_only_when_nobody_listens() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        stage.hook.status = 503
        stage.exchange.faults.once(Fault.LOST_RECEIPT, 2)
        for name in ("8x8", "twilio"):
            await send(client, name)
        await stage.play(200)
        count = {"8x8": 0, "twilio": 0}
        for request in stage.hook.calls:
            is_form = "X-Twilio-Signature" in request.headers
            count["twilio" if is_form else "8x8"] += 1
        # Two of four receipts are lost; of those that are left, 8x8 tries each five times.
        assert count == {"8x8": 5, "twilio": 1}

    played(walk, accounts=known())


def test_a_hook_that_nobody_answers_is_called_once_more_by_twilio() -> None:
    tries: list[HttpRequest] = []

    async def nobody(request: HttpRequest) -> HttpResponse:
        tries.append(request)
        raise UnreachableError("nobody listens there")

    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client, "twilio")
        await stage.play(200)
        assert len(tries) == 4
        assert stage.exchange.caller.calls[-1].ending == "nobody listens there"

    played(walk, accounts=known(), post=nobody)


def test_the_world_is_not_called_unless_notify_says_where_the_desk_is() -> None:
    hook = "https://notify.example.test/hooks/backup?m=m1"

    async def quiet(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client, "twilio", StatusCallback=hook)
        await stage.play()
        assert stage.hook.calls == []
        assert "not this machine" in stage.exchange.caller.calls[-1].ending

    async def told(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client, "twilio", StatusCallback=hook)
        await stage.play()
        request = stage.hook.calls[0]
        assert request.url == "http://127.0.0.1:8787/hooks/backup?m=m1"
        # It is signed for the address that the world knows, as public_url says it.
        headers = {key.lower(): value for key, value in request.headers.items()}
        TWILIO.verify(WebhookCall(url=hook, headers=headers, body=request.body))

    played(quiet, accounts=known())
    played(told, accounts=known(), notify="http://127.0.0.1:8787")


def test_an_account_that_nobody_knew_is_learnt_from_its_texts() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client, "twilio")
        await send(client, "8x8", dlrCallbackUrl=f"{HOOK}/{WEBHOOK}")
        await stage.play()
        accounts = stage.exchange.accounts
        assert accounts[Speech.TWILIO, SID].hook == HOOK
        assert accounts[Speech.EIGHT, "acme"].hook == f"{HOOK}/{WEBHOOK}"
        assert len(stage.hook.calls) == 4
        assert {call.where for call in stage.exchange.caller.calls} == {HOOK}  # no token in it

    played(walk)


def test_a_twilio_account_with_an_api_key_alone_cannot_be_told_anything() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        form = {"To": PHONE, "From": OURS, "Body": "Hi", "StatusCallback": HOOK}
        taken = await client.post(MESSAGES, data=form, auth=("SK" + "1" * 32, "secret"))
        assert taken.status_code == 201
        await stage.play()
        assert stage.hook.calls == []
        assert "auth token" in stage.exchange.caller.calls[-1].ending

    played(walk)


def test_8x8s_own_webhook_settings_count_for_accounts_that_were_met() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client, "8x8")
        owner = "/api/v1/accounts/0a1b2c3d-0000-4000-8000-000000000001/webhooks"
        hook = {"subAccountId": "*", "url": HOOK, "httpAuthorization": WEBHOOK}
        assert (await client.post(owner, json=[hook], headers=KEY)).status_code == 200
        await stage.play()
        assert [one.state.value for one in receipts("8x8", stage) if one.state] == [
            "sent",
            "delivered",
        ]

    played(walk)


def test_shares_of_faults_are_the_same_day_again_with_the_same_seed() -> None:
    def day(seed: int) -> list[Fault | None]:
        faults = Faults({Fault.TOO_MANY: 0.2, Fault.RESET: 0.1}, seed=seed)
        return [faults.for_send() for _ in range(2000)]

    assert day(7) == day(7)
    assert day(7) != day(8)
    assert 330 < day(7).count(Fault.TOO_MANY) < 470
    assert 140 < day(7).count(Fault.RESET) < 260


def test_latency_makes_every_send_wait() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client, "twilio")
        await client.get(MESSAGES, auth=BASIC)
        assert stage.rested == [0.2]

    played(walk, accounts=known(), faults=Faults(latency_s=0.2))


def test_a_receipt_says_what_twilio_and_8x8_say() -> None:
    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        await send(client, "twilio")
        await stage.play()
        form = parse_qs(stage.hook.calls[-1].body.decode())
        assert form["MessageStatus"] == form["SmsStatus"] == ["delivered"]
        assert form["RawDlrDoneDate"] == ["2603020400"]
        stage.hook.calls.clear()
        await send(client, "8x8")
        await stage.play()
        envelope = json.loads(stage.hook.calls[-1].body)
        assert envelope["namespace"] == "SMS"
        assert envelope["payload"]["status"]["detail"] == "delivered_to_recipient"
        assert envelope["payload"]["price"]["total"] == 0.04

    played(walk, accounts=known())


def test_hooks_are_called_a_few_at_a_time_however_much_is_due() -> None:
    most, now = 0, 0

    async def busy(request: HttpRequest) -> HttpResponse:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return HttpResponse(status=200)

    async def walk(stage: Stage, client: httpx.AsyncClient) -> None:
        caller = stage.exchange.caller
        request = HttpRequest(method="POST", url=HOOK)
        done = await asyncio.gather(*(caller.call("receipt", request) for _ in range(100)))
        assert done == [200] * 100
        assert 1 < most <= AT_ONCE

    played(walk, post=busy)
