"""Texts held against what was registered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.text.registered import VARIABLE_LENGTH, Registered


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Hello.", "Hello."),
        ("Hello.\n", "Hello."),
        ("Order {#var#} is here", "Order D1 is here"),
        ("Order {#var#} is here", "Order  is here"),
        ("{#var#}{#var#}", "x" * 60),
        ("{#var#}", ""),
        ("a{#numeric#}b{# url #}c", "abbbc"),
        ("a{#var#}a{#var#}a", "aaaaa"),
        ("", ""),
    ],
)
def test_what_is_as_it_was_registered(written: str, text: str) -> None:
    assert Registered(written).fault(text) == ""


@pytest.mark.parametrize(
    ("written", "text", "told"),
    [
        ("Hello.", "Hallo.", "the words 'Hello.' are not where they were registered"),
        ("Hello", "Hello\nhttps://x", "it goes on after the registered words"),
        ("Hello {#var#}", f"Hello {'x' * 31}", "more than 30 characters stand in its last place"),
        (
            "Hello {#var#} there",
            f"Hello {'x' * 31} there",
            "the words 'there' are not where they were registered, after at most 30 characters",
        ),
        ("", "x", "it goes on after the registered words"),
        ("a\u2013b", "a-b", "the words 'a\u2013b' are not where they were registered"),
    ],
)
def test_where_a_text_departs(written: str, text: str, told: str) -> None:
    assert Registered(written).fault(text) == told


@given(st.lists(st.tuples(st.text("ab ", max_size=5), st.text("abc\n", max_size=VARIABLE_LENGTH))))
def test_whatever_stands_in_the_places_is_as_registered(pairs: list[tuple[str, str]]) -> None:
    registered = Registered("".join(f"{words}{{#var#}}" for words, _ in pairs) + ".")
    assert registered.fault("".join(words + value for words, value in pairs) + ".") == ""


@given(st.text("a{#var} ", max_size=60), st.text("a ", max_size=400))
def test_no_text_takes_long_or_breaks(written: str, text: str) -> None:
    assert isinstance(Registered(f"{written}{'{#var#} ' * 20}").fault(text), str)
