from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import WebhookError
from smsnotify.model.http import HttpResponse
from smsnotify.model.message import MessageState, OutboundMessage
from smsnotify.providers import twilio
from smsnotify.providers.base import LookupAnswer, WebhookCall
from smsnotify.providers.twilio import Twilio, TwilioSettings
from smsnotify.providers.twilio_payloads import form_value

SID = "AC" + "0" * 32
SERVICE = "MG" + "7" * 32
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HI = OutboundMessage(
    id="m1", recipient="+14155550100", body="Hi there", encoding="GSM7", sender="+15005550006"
)
BY_SERVICE = OutboundMessage(id="m1", recipient="+14155550100", body="Hi there", encoding="GSM7")


def account(**more: Any) -> Twilio:
    table = {"provider": "twilio", "account_sid": SID, "auth_token": "t0ken"} | more
    return Twilio(TwilioSettings.model_validate(table))


def row(sid: str, at: datetime = NOON, **more: Any) -> dict[str, Any]:
    return {
        "sid": sid,
        "to": "+14155550100",
        "from": "+15005550006",
        "body": "Hi there",
        "direction": "outbound-api",
        "messaging_service_sid": None,
        "status": "delivered",
        "date_created": format_datetime(at),
        "date_updated": format_datetime(at),
        "num_segments": "1",
        "price": "-0.0075",
        "price_unit": "USD",
        "error_code": None,
    } | more


def page(*rows: dict[str, Any], next_page: str | None = None) -> HttpResponse:
    body = {"messages": list(rows), "next_page_uri": next_page}
    return HttpResponse(status=200, body=json.dumps(body).encode())


def look(response: HttpResponse, message: OutboundMessage = HI, **more: Any) -> Any:
    return account(**more).parse_lookup(message, response, started_at=NOON)


def test_a_lost_answer_is_looked_for_by_recipient_alone():
    request = account().build_lookup(HI)
    assert request is not None
    assert request.method == "GET"
    assert request.url == (
        f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json"
        "?To=%2B14155550100&PageSize=50"
    )


def test_a_known_message_is_fetched_by_its_sid():
    request = account().build_lookup(HI, "SM1")
    assert request is not None
    assert request.url.endswith("/Messages/SM1.json")


def test_the_one_that_fits_is_found_with_all_it_tells():
    found = look(page(row("SM1")))
    assert found.answer is LookupAnswer.FOUND
    (receipt,) = found.candidates
    assert receipt.provider_message_id == "SM1"
    assert receipt.state is MessageState.DELIVERED
    assert (receipt.price, receipt.currency, receipt.segments) == ("0.0075", "USD", 1)
    assert receipt.at == NOON


@pytest.mark.parametrize(
    "other",
    [
        {"body": "Hello"},
        {"from": "+15005550007"},
        {"to": "+14155550101"},
        {"direction": "inbound"},
        {"date_created": format_datetime(NOON - timedelta(seconds=6))},
    ],
)
def test_what_differs_in_text_sender_number_way_or_time_is_not_ours(other):
    assert look(page(row("SM1", **other))).answer is LookupAnswer.ABSENT


@pytest.mark.parametrize(
    "same",
    [
        {"date_created": format_datetime(NOON - timedelta(seconds=5))},
        {"date_created": None},
        {"body": "Sent from your Twilio trial account - Hi there"},
        {"body": "Hi there\n"},
        {"status": "queued", "date_sent": None},
        {"direction": "outbound-reply"},
    ],
)
def test_what_a_clock_or_a_trial_account_changes_is_still_ours(same):
    assert look(page(row("SM1", **same))).answer is LookupAnswer.FOUND


def test_of_several_the_earliest_that_nobody_has_is_taken():
    rows = [row("SM3", NOON + timedelta(seconds=9)), row("SM2", NOON + timedelta(seconds=2))]
    found = look(page(*rows, row("SM1", NOON)))
    assert [receipt.provider_message_id for receipt in found.candidates] == ["SM1", "SM2", "SM3"]
    assert found.unlinked({"SM1"}).provider_message_id == "SM2"
    assert found.unlinked({"SM1", "SM2", "SM3"}) is None


def test_a_service_is_matched_by_its_sid():
    sent = row("SM1", messaging_service_sid=SERVICE, **{"from": None})
    assert look(page(sent), BY_SERVICE, messaging_service_sid=SERVICE).candidates
    assert not look(page(row("SM1")), BY_SERVICE, messaging_service_sid=SERVICE).candidates
    assert look(page(row("SM1")), BY_SERVICE).candidates


def test_absence_is_not_believed_while_a_further_page_may_hold_it():
    uri = f"/2010-04-01/Accounts/{SID}/Messages.json?Page=1"
    unclear = look(page(row("SM1", body="other"), next_page=uri), base_url="http://gate:1/p")
    assert unclear.answer is LookupAnswer.UNCLEAR
    assert unclear.more.url == f"http://gate:1/p{uri}"
    old = row("SM1", NOON - timedelta(hours=1), body="other")
    assert look(page(old, next_page=uri)).answer is LookupAnswer.ABSENT
    assert look(page(row("SM1"), next_page="https://evil.example/")).more is None


def test_a_list_without_the_time_of_the_try_decides_nothing():
    assert account().parse_lookup(HI, page(row("SM1"))).answer is LookupAnswer.UNCLEAR


def test_a_message_fetched_by_its_sid_is_found_or_absent():
    tested = account()
    told = HttpResponse(
        status=200, body=json.dumps(row("SM1", status="failed", error_code=30007)).encode()
    )
    found = tested.parse_lookup(HI, told, provider_message_id="SM1")
    assert found.candidates[0].state is MessageState.FAILED
    assert found.candidates[0].raw_code == "30007"
    gone = HttpResponse(status=404, body=b'{"code": 20404}')
    absent = tested.parse_lookup(HI, gone, provider_message_id="SM1")
    assert absent.answer is LookupAnswer.ABSENT


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_a_failed_list_is_unclear(status):
    assert look(HttpResponse(status=status, body=b"{}")).answer is LookupAnswer.UNCLEAR


def test_test_credentials_pass_the_check_and_are_named():
    told = HttpResponse(status=403, body=b'{"code": 20008, "message": "x"}')
    assert account().parse_check(told).ok
    assert "test credentials" in account().parse_check(told).detail


def test_a_list_of_messages_passes_the_check():
    assert account().parse_check(page()).ok


def test_the_balance_is_read():
    told = HttpResponse(status=200, body=b'{"balance": "0.05", "currency": "USD"}')
    assert account().parse_balance(told).amount == "0.05"


def form(fields: dict[str, str], **more: Any) -> WebhookCall:
    body = urlencode(fields).encode()
    return WebhookCall(url="https://x.test/hooks/backup", body=body, **more)


@given(st.text(max_size=60) | st.text(st.characters(max_codepoint=127), max_size=60))
@settings(max_examples=80, deadline=None)
def test_a_form_is_written_as_the_standard_library_writes_it(value):
    assert form_value(value) == quote_plus(value)


_WORDS = st.sampled_from(["queued", "accepted", "sent", "failed", "canceled", "x", "", None, 7])
_SIDS = st.sampled_from(["SM" + "0" * 32, "", None, 5, "SM\x00", "ü", ["SM1"]])
_CODES = st.sampled_from([None, 30007, "30007", 1.5, {}])
_ANSWERS = st.fixed_dictionaries(
    {}, optional={"sid": _SIDS, "status": _WORDS, "error_code": _CODES, "body": st.text()}
)


@given(_ANSWERS, st.sampled_from([200, 201, 202, 400, 500]), st.integers(0, 9))
@settings(max_examples=200, deadline=None)
def test_the_short_way_to_read_an_answer_says_what_the_long_one_says(answer, status, cut):
    written = json.dumps(answer).encode()
    told = HttpResponse(status=status, body=written[: len(written) - cut] if cut < 3 else written)
    with pytest.MonkeyPatch.context() as patch:
        shortly = account().parse_response([HI], told)
        patch.setattr(twilio, "read_taken", lambda message, response: None)
        assert account().parse_response([HI], told) == shortly


def test_a_count_of_media_that_is_none_is_none():
    call = form({"MessageSid": "SM1", "SmsStatus": "received", "Body": "x", "NumMedia": "9" * 5000})
    assert account().parse_inbound(call)[0].media == ()


def test_a_form_with_a_thousand_fields_is_refused():
    call = WebhookCall(
        url="https://x.test/", body="&".join(f"a{n}=1" for n in range(1200)).encode()
    )
    with pytest.raises(WebhookError, match="too many fields"):
        account().parse_receipts(call)


def test_a_get_call_is_read_from_its_address():
    call = WebhookCall(
        url="https://x.test/hooks/b?m=m1&MessageSid=SM1&MessageStatus=sent", method="GET"
    )
    (receipt,) = account().parse_receipts(call)
    assert (receipt.provider_message_id, receipt.message_id) == ("SM1", "m1")


def test_a_null_character_does_not_reach_the_books():
    call = form({"MessageSid": "SM1", "SmsStatus": "received", "Body": "a\x00b"})
    assert account().parse_inbound(call)[0].body == "ab"
