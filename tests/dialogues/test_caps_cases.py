"""Every cap has a case in the users' own format: hours, days, countries, money, clocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.playing import play
from smsnotify.plans.cases import Case, read_cases
from smsnotify.plans.load import load_book
from smsnotify.wiring import build
from smsnotify.wiring.settings import load_settings

HERE = Path(__file__).parent
BOOK = load_book([HERE / "caps.yaml"], country="SG")
CASES, PROBLEMS = read_cases(HERE / "caps.test.yaml")


def test_the_cases_are_right() -> None:
    assert [str(problem) for problem in PROBLEMS] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_cap_counts_as_the_case_says(case: Case) -> None:
    policy = build.policy(load_settings(HERE / "caps.settings.toml"))
    assert play(case, BOOK, policy, ConversationTerms()).failure is None


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{texts: many}", "'many' is no whole number"),
        ("{recipient: 12}", "no number in full"),
        ("{country: Atlantis}", "no country"),
        ("{money: -3}", "no amount of money"),
        ("{people: 3}", "unknown key 'people'"),
    ],
)
def test_what_was_sent_before_must_make_sense(tmp_path: Path, written: str, told: str) -> None:
    file = tmp_path / "rules.test.yaml"
    file.write_text(f"tests:\n  - already_sent: [{written}]\n    steps: [{{says: HI}}]\n")
    _, (problem,) = read_cases(file)
    assert told in problem.message
    assert (problem.line, problem.column > 20) == (2, True)


def test_texts_of_a_rule_that_there_is_not_fail_the_test(tmp_path: Path) -> None:
    file = tmp_path / "rules.test.yaml"
    file.write_text("tests:\n  - already_sent: [{rule: deliverd}]\n    steps: [{says: HI}]\n")
    (case,), _ = read_cases(file)
    policy = build.policy(load_settings(HERE / "caps.settings.toml"))
    failure = play(case, BOOK, policy, ConversationTerms()).failure
    assert failure is not None
    assert failure.differences[0].got == "there is no rule 'deliverd'"
