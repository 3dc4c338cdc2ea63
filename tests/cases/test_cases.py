"""Features of rules, each with its rules and its tests in the users' own format."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.playing import play
from smsnotify.model.facts import Policy
from smsnotify.plans.cases import Case, read_cases
from smsnotify.plans.load import load_book

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.test.yaml"))
POLICY = Policy(country="SG", timezone="Asia/Singapore")


def cases() -> list[tuple[Path, Case]]:
    found = []
    for file in FILES:
        some, problems = read_cases(file)
        assert [str(problem) for problem in problems] == []
        found += [(file, case) for case in some]
    return found


@pytest.mark.parametrize(("file", "case"), cases(), ids=lambda one: getattr(one, "name", ""))
def test_a_case_holds(file: Path, case: Case) -> None:
    book = load_book([file.with_name(file.name.replace(".test", ""))])
    assert play(case, book, POLICY, ConversationTerms()).failure is None
