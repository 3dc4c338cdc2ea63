"""Tags of languages, the offer that suits a reader, and days as people say them."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.text.languages import (
    best_in,
    best_of,
    is_language,
    is_right_to_left,
    languages_of,
    locale_of,
)
from smsnotify.text.spoken_dates import spoken_day, spoken_instant


@pytest.mark.parametrize(
    ("wanted", "offered", "best"),
    [
        ("zh", ("en", "zh"), "zh"),
        ("zh-TW", ("en", "zh", "zh-Hant"), "zh-Hant"),
        ("zh_HK", ("zh-Hans", "zh-TW"), "zh-TW"),
        ("zh-TW", ("en", "zh"), "zh"),  # another script, but better than another language
        ("en-XX", ("zh", "en-GB"), "en-GB"),
        ("pt", ("pt-PT", "pt", "pt-BR"), "pt"),
        ("pt-BR", ("pt-PT", "pt", "pt-BR"), "pt-BR"),
        ("pt-MZ", ("pt-BR", "pt"), "pt"),
        ("in", ("id",), "id"),
        ("nb-NO", ("en", "no"), "no"),
        ("EN", ("en",), "en"),
        ("fr", ("en", "zh"), ""),
        ("", ("en",), ""),
        ("klingon", ("en",), ""),
        ("not a tag at all, and longer than any tag may ever be", ("en",), ""),
    ],
)
def test_the_offer_that_suits(wanted: str, offered: tuple[str, ...], best: str) -> None:
    assert best_of(wanted, offered) == best


@given(st.text(max_size=40))
def test_no_tag_breaks_anything(tag: str) -> None:
    best_of(tag, ("en", "zh"))
    is_language(tag)
    locale_of(tag)


def test_the_languages_of_countries() -> None:
    assert languages_of("SG") == ("en", "zh", "ms", "ta")
    assert languages_of("HK")[0] == "zh-Hant"
    assert languages_of("XX") == languages_of("") == ()
    assert best_in("CH", ("it", "fr")) == "fr"
    assert best_in("MY", ("en", "zh")) == ""


def test_days_in_a_language() -> None:
    at = datetime(2026, 3, 2, 14, 5)
    assert spoken_instant(at) == "Mon 2 Mar, 14:05"
    assert spoken_day(at.date()) == "Mon 2 Mar 2026"
    assert spoken_instant(at, "de") == "Mo., 2. März, 14:05"
    assert spoken_day(date(2026, 3, 2), "zh") == "2026年3月2日周一"
    assert spoken_instant(at, "ar").endswith("، 14:05")


def test_the_direction_of_writing() -> None:
    assert [is_right_to_left(tag) for tag in ("ar", "he", "ur-PK", "en", "xx")] == [
        True,
        True,
        True,
        False,
        False,
    ]
