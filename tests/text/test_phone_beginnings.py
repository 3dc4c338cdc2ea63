"""What the first digits decide is what the whole number would come to, in every region."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_phone_regions import REGIONS, examples, spellings, variants

from smsnotify.text import phone
from smsnotify.text.phone import ReadNumber, read_at_a_glance, read_number, split_numbers
from smsnotify.text.phone_beginnings import country_by_beginning


def read(written: str, country: str, home: str = "") -> ReadNumber:
    (one,) = split_numbers(written)
    return read_number(one, country, home)


@pytest.mark.parametrize("region", REGIONS)
def test_a_glance_says_what_reading_says(region: str) -> None:
    rng = random.Random(region)
    for national in examples(region):
        for number in [*variants(national, rng), national]:
            for written in spellings(number, region):
                seen = read_at_a_glance(written, region, region)
                assert seen is None or seen == read(written, region, region), written


@settings(max_examples=500)
@given(st.sampled_from(REGIONS), st.from_regex(r"[0-9]{4,12}", fullmatch=True), st.booleans())
def test_a_glance_at_any_digits_says_what_reading_says(
    region: str, digits: str, abroad: bool
) -> None:
    code = phonenumbers.country_code_for_region(region)
    written = f"+{code}{digits}" if abroad else digits
    seen = read_at_a_glance(written, region, "")
    assert seen is None or seen == read(written, region)


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("+6591230000", "+6591230000"),
        ("91230000", "+6591230000"),
        ("+447400123456", "+447400123456"),
        ("+12125550123", "+12125550123"),
        ("+60123456789", "+60123456789"),
        ("+919876543210", "+919876543210"),
    ],
)
def test_usual_mobiles_take_a_glance(written: str, e164: str) -> None:
    seen = read_at_a_glance(written, "SG", "")
    assert seen is not None
    assert seen[0] == e164


@pytest.mark.parametrize(
    "written",
    [
        "61234567",
        "+6561234567",
        "6591230000",
        "9123000",
        "9123 0000",
        "٩١٢٣٠٠٠٠",
        "91230000 ",
        "",
        "+",
    ],
)
def test_everything_else_is_read_with_care(written: str) -> None:
    assert read_at_a_glance("91230000", "SG", "") is not None  # the same beginning is known
    assert read_at_a_glance(written, "SG", "") is None


def test_two_countries_are_not_decided_at_a_glance() -> None:
    assert read_at_a_glance("91230000", "SG", "HK") is None


@given(st.sampled_from(REGIONS))
def test_what_the_first_digits_decide_more_of_them_decide_too(region: str) -> None:
    for national in examples(region):
        written = f"+{phonenumbers.country_code_for_region(region)}{national}"
        countries = [country_by_beginning(written[:n], len(written)) for n in range(5, 12)]
        decided = [country for country in countries if country]
        assert len(set(decided)) <= 1
        assert countries[len(countries) - len(decided) :] == decided


def test_beginnings_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone, "_beginnings", {})
    monkeypatch.setattr(phone, "_MOST_BEGINNINGS", 2)
    for written in ("91230000", "81230000", "92340000"):
        seen = read_at_a_glance(written, "SG", "")
        assert seen is None or seen == read(written, "SG")
    assert len(phone._beginnings) == 2
