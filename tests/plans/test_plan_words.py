"""Words that plans begin with and wait for: what is told of those that meet."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.model.problem import Problem
from smsnotify.plans.load import check_book
from smsnotify.plans.words import keys_matcher


def of_branches(folder: Path, match: str, keys: list[str]) -> list[Problem]:
    """Return what is told of a wait that knows these answers."""
    replies = ", ".join(f'"{key}": end' for key in keys)
    path = folder / "r.yaml"
    path.write_text(
        "plans:\n  - name: p\n    steps:\n"
        f"      - a: {{send: Hi., wait: {{for: 1d, match: {match}, replies: {{{replies}}}}}}}\n",
        encoding="utf-8",
    )
    return check_book([path])[1]


@pytest.mark.parametrize(
    ("match", "keys", "severity"),
    [
        ("first_word", ["ORDER", "ORDER NOW"], "warning"),
        ("first_word", ["ORDER NOW", "ORDER"], ""),
        ("first_word", ["YEP", "NOPE"], ""),
        ("only_word", ["ORDER", "ORDER NOW"], ""),
        ("number", ["1", "2", "3-9"], ""),
        ("number", ["1-4", "4-9"], "warning"),
        ("number", ["4", "1-9"], "warning"),
        ("number", ["1-9", "4"], "error"),
        ("regex", ["^a", "^a"], ""),
        ("regex", ["^az", "^bz"], ""),
        ("regex", ["x?", "^bz"], "error"),
    ],
)
def test_an_answer_that_another_takes_first_is_told(
    tmp_path: Path, match: str, keys: list[str], severity: str
) -> None:
    if keys == ["^a", "^a"]:  # a key twice is a mistake of the file already
        assert [one.code for one in of_branches(tmp_path, match, keys)] == ["duplicate_key"]
        return
    problems = of_branches(tmp_path, match, keys)
    assert [(one.code, one.severity) for one in problems] == (
        [("shadowed", severity)] if severity else []
    )


_KEYS = st.lists(
    st.builds(
        lambda low, size: str(low) if size == 0 else f"{low}-{low + size}",
        st.integers(0, 30),
        st.integers(0, 9),
    ),
    min_size=2,
    max_size=5,
    unique=True,
)


@settings(max_examples=60, deadline=None)
@given(_KEYS)
def test_a_range_is_told_never_taken_only_when_no_number_leads_there(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str]
) -> None:
    from smsnotify.model.plan import Match

    problems = of_branches(tmp_path_factory.mktemp("ranges"), "number", keys)
    finds = keys_matcher(tuple(keys), Match.NUMBER)
    taken = {finds(str(number)) for number in range(50)}
    for problem in problems:
        if problem.severity == "error":
            assert not any(problem.message.startswith(f"{key!r} is never") for key in taken)


PLAN = "  - {{name: {name}, enter: {{{enter}}}, steps: [a: {{end: finished}}]}}\n"


def of_entries(folder: Path, *entries: str) -> list[Problem]:
    """Return what is told of plans with these ways in."""
    plans = [PLAN.format(name=f"p{at}", enter=entry) for at, entry in enumerate(entries)]
    path = folder / "r.yaml"
    path.write_text("plans:\n" + "".join(plans), encoding="utf-8")
    return check_book([path])[1]


@pytest.mark.parametrize(
    ("entries", "severity"),
    [
        (("keywords: [HELLO]", "keywords: [WELCOME]"), ""),
        (("keywords: [HELLO]", "keywords: [WELCOME, Hello]"), "error"),
        (("keywords: [HELLO]", "keywords: [HELLO], match: only_word"), "warning"),
        (("keywords: [ORDER]", "keywords: [ORDER NOW]"), "warning"),
        (("keywords: [ORDER NOW]", "keywords: [ORDER]"), "warning"),
        (("keywords: ['^hello'], match: regex", "keywords: [hello]"), "warning"),
        (("keywords: [hello]", "keywords: ['^hello'], match: regex"), "warning"),
        (("keywords: ['^az'], match: regex", "keywords: ['^az'], match: regex"), "error"),
        (("keywords: ['^az'], match: regex", "keywords: ['^bz'], match: regex"), ""),
        (("keywords: [1-5], match: number", "keywords: [3], match: number"), "error"),
        (("keywords: [3], match: number", "keywords: [1-5], match: number"), "warning"),
        (("keywords: [1-5], match: number", "keywords: [6], match: number"), ""),
        (("keywords: [1-5], match: number", "keywords: ['5']"), "warning"),
        (("any_text: true", "any_text: true"), "error"),
    ],
)
def test_a_word_that_two_plans_begin_with_is_told(
    tmp_path: Path, entries: tuple[str, ...], severity: str
) -> None:
    problems = of_entries(tmp_path, *entries)
    assert [(one.code, one.severity) for one in problems] == (
        [("claimed", severity)] if severity else []
    )
