from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.base.clock import system_clock
from smsnotify.model.message import Result
from smsnotify.providers.answers import (
    answer_text,
    by_status,
    count_of,
    read_http_date,
    read_iso_instant,
    retry_after_s,
    text_of,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@given(st.integers(min_value=100, max_value=999))
def test_only_a_refusal_or_a_certain_no_is_not_unknown(status):
    result, _ = by_status(status)
    if 200 <= status < 300 or (status >= 500 and status != 503):
        assert result is Result.UNKNOWN
    assert result is not Result.ACCEPTED


@pytest.mark.parametrize("status", [425, 429, 503, 301, 302, 307, 308])
def test_what_was_certainly_not_taken_may_be_tried_again(status):
    assert by_status(status)[0] is Result.RETRY


@pytest.mark.parametrize("status", [200, 201, 204, 303, 408, 409, 500, 502, 504, 522])
def test_what_may_have_been_taken_is_unknown(status):
    assert by_status(status)[0] is Result.UNKNOWN


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("Mon, 02 Mar 2026 12:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0),
        ("999999999", 86400.0),
        ("Tue, 02 Mar 2027 12:00:00 GMT", 86400.0),
        ("soon", None),
        ("-3", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(written, seconds):
    headers = {"retry-after": written, "date": "Mon, 02 Mar 2026 12:00:00 GMT"}
    assert retry_after_s(headers) == seconds


def test_without_the_answers_own_date_our_clock_measures_retry_after():
    until = format_datetime(system_clock() + timedelta(seconds=60), usegmt=True)
    waited = retry_after_s({"retry-after": until})
    assert waited is not None
    assert 55 < waited <= 60


def test_no_retry_after_is_none():
    assert retry_after_s({}) is None


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-02T12:00:00Z",
        "2026-03-02T12:00:00.0000000+00:00",
        "2026-03-02T20:00:00+08:00",
        "2026-03-02T12:00:00",
    ],
)
def test_an_instant_is_read_as_utc(written):
    assert read_iso_instant(written) == NOON


@pytest.mark.parametrize("written", [None, 5, "", "yesterday", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_instant_is_none(written):
    assert read_iso_instant(written) is None


@pytest.mark.parametrize(
    "written", ["Mon, 02 Mar 2026 12:00:00 +0000", "Mon, 02 Mar 2026 20:00:00 +0800"]
)
def test_a_mail_date_is_read_as_utc(written):
    assert read_http_date(written) == NOON


@given(st.text())
def test_no_text_makes_the_readers_of_dates_raise(text):
    assert read_http_date(text) is None or read_http_date(text).tzinfo is UTC
    assert read_iso_instant(text) is None or read_iso_instant(text).tzinfo is UTC
    assert retry_after_s({"retry-after": text}) is None or retry_after_s({"retry-after": text}) >= 0


def test_a_providers_sentence_is_masked_and_cut():
    told = answer_text("no\n route to +6591230000 " + "x" * 500)
    assert told.startswith("no route to +65••••••00")
    assert len(told) == 200


@pytest.mark.parametrize(
    ("value", "text"),
    [("a\x00b", "ab"), (5, "5"), (None, ""), (True, ""), ([1], ""), ({}, ""), (0, "0")],
)
def test_a_value_of_an_answer_is_read_as_text(value, text):
    assert text_of({"key": value}, "key") == text


@pytest.mark.parametrize(
    ("value", "count"),
    [(2, 2), ("2", 2), ("9" * 5000, 0), (10**30, 0), (-1, 0), (True, 0), (None, 0), ("٣", 0)],
)
def test_a_count_is_small_or_none(value, count):
    assert count_of(value) == count
