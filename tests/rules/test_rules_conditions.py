from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import RuleError
from smsnotify.model.job import Job, Kind
from smsnotify.rules.conditions import OPERATORS, Condition, as_text, entries
from smsnotify.rules.patterns import MAX_PATTERN, MAX_VALUE, compile_pattern

JobOf = msgspec.defstruct("JobOf", [("f", Any, None)], bases=(Job,), frozen=True, kw_only=True)


def holds(operator: str, written: object, value: object, kind: Kind = "text") -> bool:
    return Condition("f", operator, written, kind).test(JobOf(f=value))


@pytest.mark.parametrize(
    ("operator", "written", "value", "kind", "answer"),
    [
        ("eq", "ACME", "ACME", "text", True),
        ("eq", "ACME", "acme", "text", False),
        ("eq", "5", 5, "text", True),
        ("eq", "5", 5.0, "text", True),
        ("eq", "0123", 123, "text", False),
        ("eq", "true", True, "text", True),
        ("ne", "ACME", "Globex", "text", True),
        ("ne", "ACME", "ACME", "text", False),
        ("in", ["a", "b"], "b", "text", True),
        ("in", ["a", "b"], "c", "text", False),
        ("not_in", ["a", "b"], "c", "text", True),
        ("not_in", ["a", "b"], "a", "text", False),
        ("gt", "9", "10", "text", True),
        ("gt", "9", "x", "text", False),
        ("gt", "B", "C", "text", True),
        ("lte", "B", "Ab", "text", True),
        ("eq", "10", "10.0", "number", True),
        ("eq", "10", 10, "number", True),
        ("gt", "9", "10", "number", True),
        ("gte", "2", 2, "number", True),
        ("lt", "2", 2.5, "number", False),
        ("lte", "2.5", "2.50", "number", True),
        ("gt", "1", "many", "number", False),
        ("gt", "0", True, "number", False),
        ("ne", "1", "many", "number", True),
        ("in", ["1", "2"], "2.0", "number", True),
        ("eq", "yes", True, "flag", True),
        ("eq", "on", "true", "flag", True),
        ("eq", "no", False, "flag", True),
        ("eq", "no", 0, "flag", True),
        ("eq", "yes", "perhaps", "flag", False),
        ("ne", "yes", "no", "flag", True),
        ("gte", "2026-03-02", "2026-03-02", "date", True),
        ("lt", "2026-03-10", "2026-03-09", "date", True),
        ("lt", "2026-03-10", "soon", "date", False),
        ("lt", "2026-03-10", 20260309, "date", False),
        ("gt", "09:00", "9:30 AM", "clock", True),
        ("gt", "09:00", "12:15 am", "clock", False),
        ("lt", "18:00", "2026-03-02T14:00:00+08:00", "clock", True),
        ("lt", "18:00", "whenever", "clock", False),
        ("gt", "2026-03-02T06:00:00Z", "2026-03-02T14:30:00+08:00", "instant", True),
        ("gt", "2026-03-02T07:00:00Z", "2026-03-02T14:30:00+08:00", "instant", False),
        ("eq", "2026-03-02", "2026-03-02T23:30:00+08:00", "instant", True),
        ("lt", "2026-03-02T07:00:00Z", "2026-03-02T06:00:00", "instant", True),
        ("contains", "rag", "fragile", "text", True),
        ("contains", "Rag", "fragile", "text", False),
        ("starts_with", "2026-03", "2026-03-02", "date", True),
        ("ends_with", "-X", "DO-1-X", "text", True),
        ("ends_with", "5", 15, "number", True),
        ("matches", "^DO-[0-9]+$", "DO-15", "text", True),
        ("matches", "[0-9]", "none", "text", False),
        ("contains", "cold", ["cold", "heavy"], "list", True),
        ("contains", "col", ["cold"], "list", False),
        ("contains", "cold", "cold; heavy", "list", True),
        ("exists", "true", ["x"], "list", True),
        ("exists", "true", [], "list", False),
        ("exists", "yes", 0, "number", True),
        ("exists", "yes", "  ", "text", False),
        ("exists", "no", None, "text", True),
    ],
)
def test_an_operator_means_what_its_page_says(
    operator: str, written: object, value: object, kind: Kind, answer: bool
) -> None:
    assert holds(operator, written, value, kind) is answer


@pytest.mark.parametrize("value", [None, "", "   "])
@pytest.mark.parametrize("operator", OPERATORS)
def test_a_missing_value_meets_only_what_denies(operator: str, value: object) -> None:
    written: object = ["x"] if operator in ("in", "not_in") else "x"
    if operator == "exists":
        assert holds("exists", "false", value) is True
        assert holds("exists", "true", value) is False
    else:
        assert holds(operator, written, value) is (operator in ("ne", "not_in"))


@settings(max_examples=40, deadline=None)
@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_numbers_compare_alike_as_text_and_as_number(left: int, right: int) -> None:
    for operator, truth in (
        ("gt", left > right),
        ("gte", left >= right),
        ("lt", left < right),
        ("lte", left <= right),
        ("eq", left == right),
        ("ne", left != right),
    ):
        assert holds(operator, str(right), left, "number") is truth
        assert holds(operator, str(right), str(left), "number") is truth


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just([])
)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.sampled_from(["text", "number", "flag", "date", "clock", "instant"]))
def test_no_value_of_a_job_can_make_a_condition_fail(value: object, kind: Kind) -> None:
    written = {
        "text": "x",
        "number": "3",
        "flag": "yes",
        "date": "2026-01-01",
        "clock": "10:00",
        "instant": "2026-01-01T00:00:00Z",
    }[kind]
    for operator in OPERATORS:
        if kind == "flag" and operator in ("gt", "gte", "lt", "lte"):
            continue
        argument: object = [written] if operator in ("in", "not_in") else written
        if operator == "exists":
            argument = "true"
        assert holds(operator, argument, value, kind) in (True, False)


def test_a_pattern_sees_the_first_part_of_a_value_only() -> None:
    assert holds("matches", "b", "a" * (MAX_VALUE - 1) + "b") is True
    assert holds("matches", "b", "a" * MAX_VALUE + "b") is False


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a*)*$",
        "(?:x|(?:ab*)c)*",
        "((a{2,})b?){3,}",
        r"(?P<n>\w+\s?)*",
        "([^]]+x)+",
    ],
)
def test_a_repeat_inside_a_repeat_is_refused(pattern: str) -> None:
    with pytest.raises(RuleError, match="repeats what repeats"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "^DO-[0-9]+$",
        "(a+)?b",
        "(a+){2}",
        r"(\(a+)b*",
        "[(+]+",
        "(?:a+)++",
        "(?i)acme",
        "(?:ab)+c+",
        "a{,3}b",
        "(?#a+)b*",
    ],
)
def test_an_honest_pattern_is_taken(pattern: str) -> None:
    assert compile_pattern(pattern).pattern == pattern


def test_a_pattern_has_an_end() -> None:
    with pytest.raises(RuleError, match="beyond all bounds"):
        compile_pattern("a{99999999999999999999}")
    with pytest.raises(RuleError, match="longer than"):
        compile_pattern("a" * (MAX_PATTERN + 1))


def test_what_is_no_instant_is_refused() -> None:
    with pytest.raises(RuleError, match="'soon' is no date, and no instant"):
        Condition("f", "gt", "soon", "instant")


def test_a_condition_says_what_it_expects() -> None:
    assert Condition("f", "in", ["a", "b"]).describe() == "in a, b"
    assert Condition("f", "gte", "2", "number").describe() == "gte 2"
    assert Condition("f", "exists", "false").describe() == "does not exist"
    assert Condition("f", "eq", "x").value(JobOf(f=3)) == 3


def test_values_become_text_without_surprises() -> None:
    assert [as_text(value) for value in (None, " ", 5, 5.0, 5.25, True, False, {}, [])] == [
        None,
        None,
        "5",
        "5",
        "5.25",
        "true",
        "false",
        None,
        None,
    ]
    assert entries("a, b;c\nd") == ["a", "b", "c", "d"]
    assert entries(["a", None, 3]) == ["a", "3"]
