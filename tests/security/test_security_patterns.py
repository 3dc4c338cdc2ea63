"""Patterns that a crafted value could keep busy are refused when the rules are read."""

from __future__ import annotations

import pytest

from smsnotify.base.errors import RuleError
from smsnotify.rules.patterns import MAX_VALUE, compile_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(?:(?:a+)b?)*c",
        "(?:(?=x)(?:a+)b?)*c",
        "((?:(?:a*)))*b",
        "(a{1,50}){1,50}b",
        r"(\w+\s?){1,60}$x",
        "(?:a{2,20}){30}b",
        "(?i:(?i:a+)b?)*c",
    ],
)
def test_a_repeat_within_a_repeat_is_refused_however_it_is_wrapped(pattern: str) -> None:
    with pytest.raises(RuleError, match="repeats what repeats"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?:a+)++b",
        "(?:(?:a+)?b){1,9}c",
        r"^\d{10,12}$",
        r"(?:\d{4} ?){4}",
        "(?:foo|bar)+",
        r"(?:[A-Z]{2,3}-)?\d+",
        "(?<=a)b+",
        r"(?P<n>\d+)-(?P=n)",
        "(?:(?:a{40})b)*c",
        "[(](?:a|b)[)]",
    ],
)
def test_harmless_patterns_are_taken_and_end(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    for value in ("a" * MAX_VALUE, "ab" * (MAX_VALUE // 2), "1 " * (MAX_VALUE // 2)):
        compiled.search(value)
