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
        "(a|aa)*b",
        "(a|b|ab)*c",
        "(?:abc|ab|c)*d",
        "(?:aa?)*b",
        "(?i:(?:aA?)*)b",
        "(?:a?){60}b",
        "a?" * 60 + "b",
        "(?:.(?=a?)?)*b",
        "x(?:(?:a|aa)*b)?",
        "(?>(?:a|aa)*b)",
        r"\w*\w*\w*\w*!",
        r"(?:\w*\w*\w*\w*!)?a",
        ".*a.*b",
        "(?:a+b?){1,9}c",
        "(?:ab)*(?:ab)*(?:ab)*(?:ab)*x",
        "order.*.*.*.*!",
        "order(?:.{1,9}){9}x",
        "(?:(?:[ab]a)+a){2}b",
        "(?:[ab].)*(?>[ab]*aba)x",
        r"\w+x\w+y\w+z",
        ".{0,200}.{0,200}.{0,200}x",
        r"(a)?(?(1)\w*\w*|b)\w*!",
    ],
)
def test_what_reads_one_text_in_very_many_ways_is_refused(pattern: str) -> None:
    with pytest.raises(RuleError, match="very many ways"):
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
        "unit.*block.*floor",
        r"[\w.]+@[\w.]+\.\w+",
        ".*urgent.*",
        "(?s)^.*-(north|south)-.*$",
        r"[^\W\d]+\sx",
        r"^(?=.*\d)(?!.*[a-z]).+$",
        "(?i)\\b(stop|unsubscribe|cancel|end|quit)\\b",
        "(a)?(?(1)b)c",
        "|".join(f"unit{n}" for n in range(30)),
    ],
)
def test_harmless_patterns_are_taken_and_end(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    for value in ("a" * MAX_VALUE, "ab" * (MAX_VALUE // 2), "1 " * (MAX_VALUE // 2)):
        compiled.search(value)


@pytest.mark.parametrize("pattern", ["\0(?:a|b)*c", "[a-\U0010ffff]x*y", "\ud800+\udfff"])
def test_any_character_may_stand_in_a_pattern(pattern: str) -> None:
    assert compile_pattern(pattern).pattern == pattern
