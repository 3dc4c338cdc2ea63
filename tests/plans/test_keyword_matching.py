"""How texts are compared with keywords: the matching table, and every `match`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.model.plan import Branch, Match
from smsnotify.plans.words import keys_matcher, matcher, normalise, number

FULL_WIDTH = "".join(chr(ord(letter) - 0x20 + 0xFF00) for letter in "QUOTE")


@pytest.mark.parametrize(
    ("text", "first", "only"),
    [
        ("QUOTE", True, True),
        (" quote. ", True, True),
        ('"Quote"', True, True),
        ("“Quote”!", True, True),
        ("(quote)", True, True),
        ("¿quote?", True, True),
        ("quote please", True, False),
        ("quote, please", True, False),
        ("quote\nplease", True, False),
        ("Quote!😀", True, False),
        ("quote - please", True, False),
        ("quote.please", True, False),
        ("I want a quote", False, False),
        ("quotes", False, False),
        ("quote-me", False, False),
        ("quote/buy", False, False),
        ("quoté", False, False),
        (FULL_WIDTH, True, True),
        ("qu\u200bote", True, True),
        ("", False, False),
        ("...", False, False),
    ],
)
def test_the_matching_table(text: str, first: bool, only: bool) -> None:
    assert (keys_matcher(("QUOTE",), Match.FIRST_WORD)(text) == "QUOTE") is first
    assert (keys_matcher(("QUOTE",), Match.ONLY_WORD)(text) == "QUOTE") is only


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("2", "2"),
        (" 2. ", "2"),
        ("02", "2"),
        ("(2)", "2"),
        ("2)", "2"),
        ("\uff12", "2"),
        ("\u0662", "2"),
        ("2\ufe0f\u20e3", "2"),
        ("4", "3-5"),
        ("5!", "3-5"),
        ("6", None),
        ("no 2", None),
        ("2 please", None),
        ("2.0", None),
        ("-2", None),
        ("two", None),
        ("1234567890", None),
        ("\u00b2", "2"),
        ("", None),
    ],
)
def test_a_number_is_the_whole_text(text: str, key: str | None) -> None:
    assert keys_matcher(("2", "3 - 5", "3-5"), Match.NUMBER)(text) in {key, key and "3 - 5"}


def test_the_first_branch_that_fits_is_taken() -> None:
    branches = (Branch("FREE", "a"), Branch("FREE DELIVERY", "b"), Branch("ИТОГ", "c"))
    find = matcher(branches, Match.FIRST_WORD)
    assert find("free samples") == "FREE"
    assert find("Free  delivery") == "FREE DELIVERY", "a whole text is the surest fit"
    assert find("free delivery please") == "FREE"
    assert find("итог!") == "ИТОГ"


def test_patterns_see_the_raw_text_and_its_first_1024_characters() -> None:
    find = keys_matcher((r"^DO-\d+$", "(?i)tomorrow", "(a+)+"), Match.REGEX)
    assert find("DO-17") == r"^DO-\d+$"
    assert find("do-17") is None
    assert find("Tomorrow, please") == "(?i)tomorrow"
    assert find("x" * 1100 + "tomorrow") is None
    assert find("aaaa") is None, "a refused pattern fits nothing"


def test_a_number_in_front_of_more_digits_is_not_that_number() -> None:
    find = keys_matcher(("3",), Match.FIRST_WORD)
    assert find("3 please") == "3"
    assert find("3.5") is None
    assert find("3. please") == "3"
    assert find("31") is None


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(
    st.text(max_size=50), st.sampled_from(list(Match)), st.lists(st.text(max_size=9), max_size=4)
)
def test_comparing_never_raises(text: str, match: Match, keys: list[str]) -> None:
    found = keys_matcher(tuple(keys), match)(text)
    assert found is None or found in keys


@given(st.integers(0, 999_999_999))
def test_a_number_is_read_as_it_is_written(value: int) -> None:
    assert number(normalise(f" {value}. ")) == value
