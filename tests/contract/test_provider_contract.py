"""What every provider of the registry must do, from the fixtures of its folder."""

from __future__ import annotations

import json
import logging
import re
from datetime import datetime
from urllib.parse import parse_qsl

import pytest
from provider_cases import (
    FIXTURES,
    adapter,
    call,
    case_id,
    cases,
    http_providers,
    load,
    messages,
    one,
    response,
)

from smsnotify.base.errors import WebhookError
from smsnotify.model.http import HttpResponse
from smsnotify.model.message import ErrorWord, MessageState, OutboundMessage, Result
from smsnotify.providers.base import LookupAnswer, WebhookCall
from smsnotify.providers.curl import as_curl
from smsnotify.providers.registry import load_provider, provider_names

TABLES = ("account", "requests", "answers", "receipts", "inbound", "webhooks", "unreadable")
RECIPIENT = "+6591230000"


@pytest.mark.parametrize("provider", http_providers())
@pytest.mark.parametrize("table", TABLES)
def test_every_provider_has_its_fixtures(provider, table):
    assert (FIXTURES / provider / f"{table}.json").is_file()


@pytest.mark.parametrize("provider", provider_names())
def test_every_provider_says_what_it_is(provider):
    cls = load_provider(provider)
    assert cls.name == provider
    assert cls.title
    assert cls.capabilities.batch >= 1


@pytest.mark.parametrize(("provider", "case"), cases("requests"), ids=case_id)
def test_a_request_is_built_exactly(provider, case):
    request = adapter(provider).build_request(messages(case))
    assert (request.method, request.url) == (case["method"], case["url"])
    assert dict(request.headers) == case["headers"]
    if "json" in case:
        assert json.loads(request.body) == case["json"]
    else:
        assert [list(pair) for pair in parse_qsl(request.body.decode())] == case["form"]


@pytest.mark.parametrize(("provider", "case"), cases("answers"), ids=case_id)
def test_an_answer_gets_the_right_result_and_word(provider, case):
    message = one(load(provider, "requests")[0]["messages"][0])
    (outcome,) = adapter(provider).parse_response([message], response(case))
    assert outcome.message_id == message.id
    assert outcome.result == Result(case["result"])
    assert outcome.error == (ErrorWord(case["error"]) if "error" in case else None)
    assert outcome.http_status == case["status"]
    assert outcome.retry_after_s == case.get("retry_after_s")
    if "id" in case:
        assert outcome.provider_message_id == case["id"]


@pytest.mark.parametrize(("provider", "case"), cases("receipts"), ids=case_id)
def test_a_receipt_gets_the_right_state_and_word(provider, case):
    tested = adapter(provider)
    (receipt,) = tested.parse_receipts(call(case))
    assert receipt.state == (MessageState(case["state"]) if case["state"] else None)
    if "error" in case:
        assert receipt.error == (ErrorWord(case["error"]) if case["error"] else None)
    for field in ("raw_word", "raw_code", "message_id", "price", "currency", "segments"):
        if field in case:
            assert getattr(receipt, field) == case[field]
    if "id" in case:
        assert receipt.provider_message_id == case["id"]
    if "at" in case:
        assert receipt.at == datetime.fromisoformat(case["at"])
    if "transient" in case:
        assert tested.is_transient(receipt.raw_code) is case["transient"]
    assert tested.parse_inbound(call(case)) == []


@pytest.mark.parametrize(("provider", "case"), cases("inbound"), ids=case_id)
def test_a_text_from_a_person_is_read(provider, case):
    tested = adapter(provider)
    (inbound,) = tested.parse_inbound(call(case))
    assert inbound.provider_message_id == case["id"]
    assert (inbound.sender, inbound.to, inbound.body) == (
        case["sender"],
        case["to"],
        case["body"],
    )
    assert inbound.media == tuple(case.get("media", ()))
    assert inbound.keyword == case.get("keyword", "")
    assert inbound.at == (datetime.fromisoformat(case["at"]) if "at" in case else None)
    assert tested.parse_receipts(call(case)) == []


@pytest.mark.parametrize(("provider", "case"), cases("webhooks"), ids=case_id)
def test_a_webhook_call_is_let_in_only_with_its_proof(provider, case):
    tested = adapter(provider, **case.get("settings", {}))
    if case["good"]:
        assert tested.verify(call(case)) is None
    else:
        with pytest.raises(WebhookError):
            tested.verify(call(case))


@pytest.mark.parametrize(("provider", "case"), cases("unreadable"), ids=case_id)
def test_an_unreadable_webhook_call_is_an_error_and_no_crash(provider, case):
    tested = adapter(provider)
    with pytest.raises(WebhookError):
        tested.parse_receipts(call(case))
    with pytest.raises(WebhookError):
        tested.parse_inbound(call(case))


@pytest.mark.parametrize("provider", http_providers())
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_what_a_provider_says_is_kept_without_full_numbers(provider, status, caplog):
    caplog.set_level(logging.DEBUG)
    said = f"Cannot send to {RECIPIENT} or 6591230000"
    told = HttpResponse(status=status, body=json.dumps({"code": 1, "message": said}).encode())
    tested = adapter(provider)
    message = OutboundMessage(id="m1", recipient=RECIPIENT, body="The words", encoding="GSM7")
    (outcome,) = tested.parse_response([message], told)
    lookup = tested.parse_lookup(message, told, provider_message_id="x")
    kept = [outcome.raw_text, tested.parse_check(told).detail, lookup.detail, caplog.text]
    kept += [tested.parse_balance(told).detail, repr(tested.settings), repr(tested)]
    for text in kept:
        assert "91230000" not in text
        assert "The words" not in text
        for secret in load(provider, "account")["secrets"]:
            assert secret not in text


@pytest.mark.parametrize("provider", http_providers())
def test_a_shown_request_holds_no_secret(provider):
    account = load(provider, "account")
    cls = load_provider(provider)
    shown = cls(cls.settings_type.model_validate(account["settings"]), masked=True)
    for case in load(provider, "requests"):
        command = as_curl(shown.build_request(messages(case)))
        live = as_curl(adapter(provider).build_request(messages(case)))
        assert "***" in command
        for secret in account["secrets"]:
            assert secret not in command
            assert secret not in live or "hook-token" in secret


@pytest.mark.parametrize("provider", http_providers())
def test_a_shown_request_needs_no_secret_to_be_there(provider):
    account = load(provider, "account")
    gone = {"env": "SMS_NOTIFY_TEST_SURELY_NOT_SET"}
    changes = {key: gone for key in ("api_key", "auth_token") if key in account["settings"]}
    cls = load_provider(provider)
    settings = cls.settings_type.model_validate(account["settings"] | changes)
    case = load(provider, "requests")[0]
    assert cls(settings, masked=True).build_request(messages(case)).body


@pytest.mark.parametrize("provider", http_providers())
def test_bad_credentials_fail_the_check_and_say_so(provider):
    result = adapter(provider).parse_check(HttpResponse(status=401, body=b"{}"))
    assert not result.ok
    assert result.error is ErrorWord.BAD_CREDENTIALS
    assert "401" in result.detail


@pytest.mark.parametrize("provider", http_providers())
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"3", b"\xff\xfe", b"[" * 100000])
@pytest.mark.parametrize("status", [200, 201, 400, 404, 500])
def test_no_answer_makes_a_parser_raise(provider, body, status):
    tested = adapter(provider)
    message = OutboundMessage(id="m1", recipient=RECIPIENT, body="Hi", encoding="GSM7")
    told = HttpResponse(status=status, body=body)
    assert len(tested.parse_response([message], told)) == 1
    assert not tested.parse_check(told).ok
    assert tested.parse_lookup(message, told).answer is LookupAnswer.UNCLEAR
    assert tested.parse_balance(told).amount == ""
    assert tested.parse_prices(told) == []


@pytest.mark.parametrize("provider", http_providers())
def test_a_base_url_stands_in_for_the_provider(provider):
    tested = adapter(provider, base_url="http://127.0.0.1:8099/gate/")
    for request in (
        tested.build_request(messages(load(provider, "requests")[0])),
        tested.build_check(),
        tested.build_balance(),
    ):
        assert re.match(r"http://127\.0\.0\.1:8099/gate/[^/]", request.url)


@pytest.mark.parametrize("provider", http_providers())
def test_without_a_secret_to_check_with_nobody_is_let_in(provider):
    settings = load(provider, "account")["settings"]
    settings.pop("webhook_token", None)
    if settings.pop("auth_token", None):
        settings |= {"api_key_sid": "SK" + "0" * 32, "api_key_secret": "s3"}
    cls = load_provider(provider)
    tested = cls(cls.settings_type.model_validate(settings))
    headers = {"authorization": "", "x-twilio-signature": "T+sxdv75sEi66c9ZNwBtr9TH0r8="}
    with pytest.raises(WebhookError):
        tested.verify(WebhookCall(url="https://x.test/", headers=headers, path_token=""))
