"""What we build and read, against the providers' official OpenAPI files.

The files are not ours to ship: `$SMS_NOTIFY_SPECS` names the folder that holds them.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from openapi_spec import FILES, SPECS, known_keys
from provider_cases import adapter, case_id, load, messages, one

from smsnotify.model.http import HttpResponse
from smsnotify.model.message import OutboundMessage, Result
from smsnotify.providers.base import LookupAnswer

RECIPIENT = "+14155550100"


def _requests() -> list[Any]:
    return [(name, case) for name in FILES for case in load(name, "requests")]


def _answers() -> list[Any]:
    return [
        (name, case)
        for name in FILES
        for case in load(name, "answers")
        if "json" in case and "beyond_spec" not in case
    ]


@pytest.mark.parametrize(("provider", "case"), _requests(), ids=case_id)
def test_every_request_fits_the_official_file(provider, case):
    spec = SPECS[provider]
    request = adapter(provider).build_request(messages(case))
    schema = spec.body_schema(spec.operation(request))
    body: Any
    if request.headers["Content-Type"] == "application/json":
        body = json.loads(request.body)
    else:
        body = dict(parse_qsl(request.body.decode()))
        if "ValidityPeriod" in body:
            body["ValidityPeriod"] = int(body["ValidityPeriod"])
    assert spec.errors(schema, body) == []
    known_keys(spec, schema, body)


@pytest.mark.parametrize("provider", FILES)
def test_checks_lookups_balances_and_prices_are_official_calls(provider):
    tested = adapter(provider)
    message = OutboundMessage(id="m1", recipient=RECIPIENT, body="Hi", encoding="GSM7")
    sid = "SM" + "0" * 32 if provider == "twilio" else "5f0b7a52-0000-4c1e-9a7d-000000000001"
    built = [
        tested.build_check(),
        tested.build_lookup(message),
        tested.build_lookup(message, sid),
        tested.build_balance(),
        tested.build_prices(),
        tested.build_prices("SG"),
    ]
    for request in built:
        if request is not None:
            assert "responses" in SPECS[provider].operation(request)


@pytest.mark.parametrize(("provider", "case"), _answers(), ids=case_id)
def test_our_fixtures_are_what_the_official_file_allows(provider, case):
    spec = SPECS[provider]
    request = adapter(provider).build_request(messages(load(provider, "requests")[0]))
    schema = spec.answer_schema(spec.operation(request), case["status"])
    if schema is not None:
        assert spec.errors(schema, case["json"]) == []


@pytest.mark.parametrize("provider", FILES)
def test_every_official_example_of_a_sent_message_is_read(provider):
    spec, tested = SPECS[provider], adapter(provider)
    written = messages(load(provider, "requests")[0])
    operation = spec.operation(tested.build_request(written))
    status = 201 if provider == "twilio" else 200
    examples = spec.examples(operation, status)
    assert examples
    for example in examples:
        answer = HttpResponse(status=status, body=json.dumps(example).encode())
        (outcome,) = tested.parse_response(written, answer)
        assert outcome.result is Result.ACCEPTED
        assert outcome.provider_message_id


def test_the_official_example_of_a_batch_is_read():
    spec, tested = SPECS["8x8"], adapter("8x8")
    two = messages(load("8x8", "requests")[-1])
    schema = spec.answer_schema(spec.operation(tested.build_request(two)), 200)
    example = spec.resolve(schema)["example"]
    assert spec.errors(schema, example) == []
    sent = [
        OutboundMessage(
            id=entry["clientMessageId"],
            recipient="+" + entry["destination"],
            body="Hi",
            encoding="GSM7",
        )
        for entry in example["messages"]
    ]
    answer = HttpResponse(status=200, body=json.dumps(example).encode())
    outcomes = tested.parse_response(sent, answer)
    assert [outcome.result for outcome in outcomes] == [Result.ACCEPTED] * 3


def test_official_examples_of_8x8_lookup_balance_and_prices_are_read():
    spec, tested = SPECS["8x8"], adapter("8x8", subaccount_id="example")
    message = one(load("8x8", "requests")[0]["messages"][0])
    lookup = spec.operation(tested.build_lookup(message, "dec02e44-c76f-4a0a-b69f-6ac2a4386eb9"))
    (found,) = spec.examples(lookup, 200)
    read = tested.parse_lookup(message, HttpResponse(status=200, body=json.dumps(found).encode()))
    assert read.answer is LookupAnswer.FOUND
    assert read.candidates[0].price == "0.0024"
    (balance,) = spec.examples(spec.operation(tested.build_balance()), 200)
    money = tested.parse_balance(HttpResponse(status=200, body=json.dumps(balance).encode()))
    assert (money.amount, money.currency) == ("149309.7985931", "USD")
    # The page's sample of prices stands beside its media types, as text.
    content = spec.operation(tested.build_prices())["responses"]["200"]["content"]
    sample = next(media["example"] for name, media in content.items() if "Single" in name)
    prices = tested.parse_prices(HttpResponse(status=200, body=sample.encode()))
    assert [price.operator for price in prices] == ["SingTel", "MobileOne", "Starhub"]
    assert prices[0].amount == "0.0099171"


def test_official_examples_of_twilio_lists_are_read():
    spec, tested = SPECS["twilio"], adapter("twilio")
    examples = spec.examples(spec.operation(tested.build_check()), 200)
    assert examples
    for example in examples:
        answer = HttpResponse(status=200, body=json.dumps(example).encode())
        assert tested.parse_check(answer).ok
    (balance,) = spec.examples(spec.operation(tested.build_balance()), 200)
    money = tested.parse_balance(HttpResponse(status=200, body=json.dumps(balance).encode()))
    assert (money.amount, money.currency) == ("0.05", "USD")
