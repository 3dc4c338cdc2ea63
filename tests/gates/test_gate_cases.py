"""Gates in the users' own words: beside each rule file of `cases` stand its tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.playing import play
from smsnotify.model.facts import Policy
from smsnotify.plans.book import Book
from smsnotify.plans.cases import Case, read_cases
from smsnotify.plans.load import load_book

HERE = Path(__file__).parent / "cases"
POLICY = Policy(country="SG", timezone="Asia/Singapore", countries=frozenset({"SG"}))
BOOKS: dict[Path, Book] = {}


def cases() -> list[tuple[Path, Case]]:
    found = []
    for file in sorted(HERE.glob("*.test.yaml")):
        some, problems = read_cases(file)
        assert [str(problem) for problem in problems] == []
        rules = file.with_name(file.name.replace(".test.yaml", ".yaml"))
        found += [(rules, case) for case in some]
    return found


def name_of(value: object) -> str:
    return value.stem if isinstance(value, Path) else getattr(value, "name", "")


@pytest.mark.parametrize(("rules", "case"), cases(), ids=name_of)
def test_a_gate_does_what_its_cases_say(rules: Path, case: Case) -> None:
    if rules not in BOOKS:
        BOOKS[rules] = load_book([rules])
    assert play(case, BOOKS[rules], POLICY, ConversationTerms()).failure is None
