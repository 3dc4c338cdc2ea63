from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import WebhookError
from smsnotify.model.http import HttpResponse
from smsnotify.model.message import ErrorWord, MessageState, OutboundMessage, Result
from smsnotify.providers.base import LookupAnswer, WebhookCall
from smsnotify.providers.eight_x_eight import EightXEight, EightXEightSettings

TABLE = {"provider": "8x8", "api_key": "k", "subaccount_id": "acme_notify"}


def account(**more: Any) -> EightXEight:
    return EightXEight(EightXEightSettings.model_validate(TABLE | more))


def text(n: int) -> OutboundMessage:
    return OutboundMessage(id=f"m{n}", recipient=f"+659123000{n}", body="Hi", encoding="GSM7")


def entry(n: int, code: str = "QUEUED", **more: Any) -> dict[str, Any]:
    return {
        "umid": f"u{n}",
        "clientMessageId": f"m{n}",
        "destination": f"659123000{n}",
        "status": {"code": code, "description": "Invalid destination" if code != "QUEUED" else ""},
    } | more


def batch(*entries: dict[str, Any] | None, **more: Any) -> HttpResponse:
    body = {
        "batchId": "b",
        "acceptedCount": 0,
        "rejectedCount": 0,
        "messages": list(entries),
    } | more
    return HttpResponse(status=200, body=json.dumps(body).encode())


def answer(status: int, code: int | None = None) -> HttpResponse:
    return HttpResponse(status=status, body=json.dumps({"code": code, "message": "no"}).encode())


def results(messages: list[OutboundMessage], response: HttpResponse) -> list[tuple[Result, str]]:
    outcomes = account().parse_response(messages, response)
    assert [outcome.message_id for outcome in outcomes] == [message.id for message in messages]
    return [(outcome.result, outcome.provider_message_id) for outcome in outcomes]


THREE = [text(1), text(2), text(3)]
ACCEPTED, UNKNOWN, REJECTED = Result.ACCEPTED, Result.UNKNOWN, Result.REJECTED


def test_a_batch_is_matched_by_our_ids_whatever_the_order():
    told = batch(entry(3), entry(1, "REJECTED"), entry(2))
    assert results(THREE, told) == [(REJECTED, "u1"), (ACCEPTED, "u2"), (ACCEPTED, "u3")]


def test_a_message_that_a_batch_does_not_mention_is_unknown():
    assert results(THREE, batch(entry(1), entry(3))) == [
        (ACCEPTED, "u1"),
        (UNKNOWN, ""),
        (ACCEPTED, "u3"),
    ]


def test_without_our_ids_the_order_decides():
    told = batch(*(entry(n, clientMessageId=None) for n in (1, 2, 3)))
    assert results(THREE, told) == [(ACCEPTED, "u1"), (ACCEPTED, "u2"), (ACCEPTED, "u3")]


def test_the_order_is_not_believed_against_the_number():
    told = batch(*(entry(n, clientMessageId=None) for n in (2, 1, 3)))
    assert results(THREE, told) == [(UNKNOWN, ""), (UNKNOWN, ""), (ACCEPTED, "u3")]


def test_a_count_over_all_messages_is_as_good_as_the_list():
    told = batch(messages=None, acceptedCount=3)
    assert results(THREE, told) == [(ACCEPTED, "")] * 3


def test_a_count_over_some_messages_says_nothing_of_any():
    assert results(THREE, batch(messages=None, acceptedCount=2)) == [(UNKNOWN, "")] * 3


@pytest.mark.parametrize("messages", [[], [None, 3], "x", {"umid": "u"}])
def test_an_odd_list_leaves_all_unknown(messages):
    assert results(THREE, batch(messages=messages)) == [(UNKNOWN, "")] * 3


@pytest.mark.parametrize(("status", "code"), [(400, 1002), (422, 3006), (413, None), (400, 1005)])
def test_a_batch_refused_for_one_message_is_to_be_split(status, code):
    told = answer(status, code)
    assert account().must_split(THREE, told)
    assert {outcome.result for outcome in account().parse_response(THREE, told)} == {Result.RETRY}
    assert not account().must_split(THREE[:1], told)


@pytest.mark.parametrize(
    ("status", "code"), [(401, 1200), (403, 1201), (404, 1300), (426, 1014), (402, None)]
)
def test_a_batch_refused_for_the_accounts_fault_is_refused_for_all(status, code):
    assert not account().must_split(THREE, answer(status, code))
    outcomes = account().parse_response(THREE, answer(status, code))
    assert {outcome.result for outcome in outcomes} == {Result.REJECTED}


@pytest.mark.parametrize("status", [200, 429, 500, 503, 504])
def test_nothing_else_splits_a_batch(status):
    assert not account().must_split(THREE, answer(status))


def test_the_receipt_address_gets_the_token_once():
    tested = account(webhook_token="a/b c")
    for url in ("https://x.test/hooks/main", "https://x.test/hooks/main/a%2Fb%20c"):
        message = OutboundMessage(
            id="m1", recipient="+6591230000", body="Hi", encoding="GSM7", callback_url=url
        )
        sent = json.loads(tested.build_request([message]).body)
        assert sent["dlrCallbackUrl"] == "https://x.test/hooks/main/a%2Fb%20c"


def test_without_a_token_the_receipt_address_stays_as_it_is():
    message = OutboundMessage(
        id="m1",
        recipient="+6591230000",
        body="Hi",
        encoding="GSM7",
        callback_url="https://x.test/h",
    )
    sent = json.loads(account().build_request([message]).body)
    assert sent["dlrCallbackUrl"] == "https://x.test/h"


def test_an_encoding_of_no_known_name_is_left_to_the_provider():
    message = OutboundMessage(id="m1", recipient="+6591230000", body="Hi", encoding="latin")
    assert json.loads(account().build_request([message]).body)["encoding"] == "AUTO"


@pytest.mark.parametrize(("status", "code"), [(404, 1300), (400, 1000), (400, 1008)])
def test_not_knowing_a_message_means_knowing_us(status, code):
    assert account().parse_check(answer(status, code)).ok


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (401, 1200, ErrorWord.BAD_CREDENTIALS),
        (400, 1001, ErrorWord.UNKNOWN_ERROR),
        (404, None, ErrorWord.BAD_CREDENTIALS),
        (429, 429, ErrorWord.RATE_LIMITED),
        (500, 2000, ErrorWord.PROVIDER_DOWN),
    ],
)
def test_anything_else_fails_the_check(status, code, word):
    result = account().parse_check(answer(status, code))
    assert not result.ok
    assert result.error is word


def test_without_a_umid_nothing_can_be_looked_up():
    assert account().build_lookup(text(1)) is None
    request = account().build_lookup(text(1), "u/1")
    assert request is not None
    assert request.url.endswith("/messages/u%2F1")


def test_a_look_up_tells_the_state():
    details = {"umid": "u1", "status": {"state": "delivered"}, "price": {"total": 1e-05}}
    told = HttpResponse(status=200, body=json.dumps(details).encode())
    found = account().parse_lookup(text(1), told, provider_message_id="u1")
    assert found.answer is LookupAnswer.FOUND
    assert found.candidates[0].state is MessageState.DELIVERED
    assert found.candidates[0].price == "0.00001"
    assert found.unlinked({"u1"}) is None


def test_a_look_up_that_is_throttled_is_unclear():
    told = HttpResponse(status=429, headers={"retry-after": "1"}, body=b'{"code": 429}')
    found = account().parse_lookup(text(1), told, provider_message_id="u1")
    assert (found.answer, found.retry_after_s) == (LookupAnswer.UNCLEAR, 1.0)
    assert account().parse_lookup(text(1), answer(404, 1300)).answer is LookupAnswer.ABSENT


def test_balance_and_prices_want_the_account_id():
    assert account().build_balance() is None
    assert account().build_prices() is None
    named = account(account_id="Acme Ltd")
    balance, prices = named.build_balance(), named.build_prices("SG")
    assert balance is not None
    assert balance.url == "https://sms.8x8.com/api/v1/accounts/Acme%20Ltd/balance"
    assert prices is not None
    assert prices.url.endswith("/prices?direction=outbound&subAccountId=acme_notify&country=SG")
    told = HttpResponse(status=200, body=b'{"balance": 12.5, "currency": "USD"}')
    assert (named.parse_balance(told).amount, named.parse_balance(told).currency) == ("12.5", "USD")
    every = named.build_prices()
    assert every is not None
    assert "country" not in every.url


def test_an_account_without_prepaid_balance_says_so():
    told = HttpResponse(status=403, body=b'{"code":1201,"message":"Account not in prepaid mode"}')
    assert account().parse_balance(told).detail == "Account not in prepaid mode"


@pytest.mark.parametrize("as_list", [True, False])
def test_prices_are_read_in_both_documented_layouts(as_list):
    country = {
        "alpha2Code": "SG",
        "operators": [
            {"operatorName": "SingTel", "price": {"amount": 0.0099171, "currency": "SGD"}},
            {"operatorName": "Free", "price": {}},
        ],
    }
    outbound = {"countries": [country]}
    other = {"subAccountId": "someone_else", "outbound": outbound}
    mine = {"subAccountId": "acme_notify", "outbound": [outbound] if as_list else outbound}
    told = HttpResponse(status=200, body=json.dumps({"subAccounts": [other, mine]}).encode())
    (price,) = account().parse_prices(told)
    assert (price.country, price.operator, price.amount) == ("SG", "SingTel", "0.0099171")


def hook(body: object, **more: Any) -> WebhookCall:
    return WebhookCall(url="https://x.test/hooks/main", body=json.dumps(body).encode(), **more)


def test_clicks_and_other_channels_are_neither_receipts_nor_replies():
    for event in ("short_url_clicked", "something_new"):
        call = hook({"namespace": "SMS", "eventType": event, "payload": {"umid": "u1"}})
        assert account().parse_receipts(call) == []
        assert account().parse_inbound(call) == []
    chat = {"namespace": "ChatApps", "eventType": "outbound_message_status_changed", "payload": {}}
    assert account().parse_receipts(hook(chat)) == []


def test_a_payload_without_a_price_or_with_no_money_in_it_has_no_amount():
    for price in ({}, {"total": "dear"}, {"total": 1e300}):
        payload = {"umid": "u1", "price": price}
        call = hook({"eventType": "outbound_message_status_changed", "payload": payload})
        assert account().parse_receipts(call)[0].price == ""


def test_prices_that_are_refused_are_none():
    assert account().parse_prices(HttpResponse(status=403, body=b"{}")) == []


def test_several_envelopes_in_one_call_are_all_read():
    one = {"eventType": "outbound_message_status_changed", "payload": {"umid": "u1"}}
    assert len(account().parse_receipts(hook([one, one]))) == 2


def test_half_an_emoji_does_not_lose_a_reply():
    body = b'{"eventType":"inbound_message_received","payload":{"umid":"u1","body":"Hi \\ud83d"}}'
    (inbound,) = account().parse_inbound(WebhookCall(url="https://x.test/", body=body))
    assert inbound.body == "Hi ?"


def test_a_byte_order_mark_does_no_harm():
    body = json.dumps({"eventType": "x", "payload": {}}).encode()
    call = WebhookCall(url="https://x.test/", body=b"\xef\xbb\xbf" + body)
    assert account().parse_receipts(call) == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["payload", "status", "state", "umid", "price", "total", "smsCount"]
                ),
                inner,
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=60, deadline=None)
def test_whatever_json_a_payload_holds_it_is_read(value):
    for event in ("outbound_message_status_changed", "inbound_message_received"):
        payload = value if isinstance(value, dict) else {"status": value, "price": value}
        call = hook({"eventType": event, "payload": payload})
        assert len(account().parse_receipts(call) + account().parse_inbound(call)) == 1


@given(st.binary(max_size=40))
@settings(max_examples=60, deadline=None)
def test_whatever_bytes_come_it_is_a_webhook_error_or_nothing(body):
    call = WebhookCall(url="https://x.test/hooks/main", body=body)
    with contextlib.suppress(WebhookError):
        assert account().parse_receipts(call) == []


@given(st.text(min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_no_other_token_is_let_in(offered):
    tested = account(webhook_token="right token")
    call = WebhookCall(
        url="https://x.test/", headers={"authorization": offered}, path_token=offered
    )
    if offered != "right token":
        with pytest.raises(WebhookError, match="wrong"):
            tested.verify(call)
