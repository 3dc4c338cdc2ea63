from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import WebhookError
from smsnotify.providers.base import WebhookCall
from smsnotify.providers.twilio_signature import SHA256, algorithm_of, check_signature, sign

TOKEN = "test_auth_token_0123456789"
URL = "https://notify.example.test/hooks/twilio/status?ref=job-42"
FIELDS = st.lists(st.tuples(st.text(min_size=1, max_size=6), st.text(max_size=8)), max_size=6)


def call(fields, signature, url=URL, **more):
    headers = {"x-twilio-signature": signature, **more}
    return WebhookCall(url=url, headers=headers, body=urlencode(fields).encode())


@given(FIELDS)
@settings(max_examples=60, deadline=None)
def test_what_is_signed_is_let_in_in_any_order_and_once_per_value(fields):
    signature = sign(URL, fields, TOKEN)
    check_signature(call([*reversed(fields), *fields], signature), TOKEN)


@given(FIELDS, st.tuples(st.text(min_size=1, max_size=6), st.text(max_size=8)))
@settings(max_examples=60, deadline=None)
def test_a_field_more_is_not_let_in(fields, extra):
    if extra not in fields:
        signature = sign(URL, fields, TOKEN)
        with pytest.raises(WebhookError, match="wrong"):
            check_signature(call([*fields, extra], signature), TOKEN)


@pytest.mark.parametrize(
    ("signed", "ours"),
    [
        ("https://a.test/x", "https://a.test:443/x"),
        ("https://a.test:443/x", "https://a.test/x"),
        ("http://a.test:80/x?y=1", "http://a.test/x?y=1"),
        ("http://a.test/x", "http://a.test:8787/x"),
        ("http://a.test:8787/x", "http://a.test:8787/x"),
        ("https://[::1]:443/x", "https://[::1]/x"),
        ("https://a.test/x", "https://a.test/x#rc=3"),
    ],
)
def test_the_port_may_be_there_or_not(signed, ours):
    check_signature(call([("a", "1")], sign(signed, [("a", "1")], TOKEN), ours), TOKEN)


@pytest.mark.parametrize(
    ("signed", "ours"),
    [
        ("https://a.test:8443/x", "https://a.test/x"),
        ("http://a.test/x", "https://a.test/x"),
        ("https://a.test/x/", "https://a.test/x"),
        ("https://b.test/x", "https://a.test/x"),
    ],
)
def test_any_other_difference_of_the_address_counts(signed, ours):
    with pytest.raises(WebhookError):
        check_signature(call([], sign(signed, [], TOKEN), ours), TOKEN)


def test_a_get_call_is_signed_by_its_address_alone():
    signed = WebhookCall(
        url=URL, method="GET", body=b"x", headers={"x-twilio-signature": sign(URL, [], TOKEN)}
    )
    check_signature(signed, TOKEN)


def test_an_address_of_no_known_form_is_compared_as_it_is():
    check_signature(call([], sign("ftp:x", [], TOKEN), "ftp:x"), TOKEN)


def test_the_algorithm_is_read_from_its_header_and_an_unknown_one_refused():
    name = "x-twilio-webhooks-signature-settings"
    assert algorithm_of(call([], "", **{name: "key=1, algorithm=hmac_sha256"})) == SHA256
    assert algorithm_of(call([], "", **{name: "algorithm="})) == "HMAC_SHA1"
    with pytest.raises(WebhookError, match="algorithm"):
        algorithm_of(call([], "", **{name: "algorithm=HMAC_SHA3"}))


def test_no_refusal_tells_the_signature_that_would_be_right():
    right = sign(URL, [("a", "1")], TOKEN)
    with pytest.raises(WebhookError) as caught:
        check_signature(call([("a", "1")], "wrong"), TOKEN)
    told = f"{caught.value} {caught.value.hint}"
    assert right not in told
    assert TOKEN not in told
    assert not re.search(r"[A-Za-z0-9+/]{20,}=", told)
