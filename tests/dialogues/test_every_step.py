"""Every step kind, every path and every key of a plan has a dialogue, and the dialogues hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.coverage import coverage, rule_coverage
from smsnotify.engine.playing import Played, play
from smsnotify.model.facts import Policy
from smsnotify.plans.cases import Case, read_cases
from smsnotify.plans.load import load_book
from smsnotify.plans.schema import (
    ChoiceKeys,
    DelayKeys,
    EnterKeys,
    ListenKeys,
    OtherKeys,
    PlanHeadKeys,
    StepKeys,
    WaitKeys,
)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BOOK = load_book([HERE / "every_step.yaml"])
EXAMPLE = load_book([ROOT / "rules.example.yaml"])
POLICY = Policy(
    country="SG",
    timezone="Asia/Singapore",
    countries=frozenset({"SG"}),
    public_url="https://notify.example.com",
)
TERMS = ConversationTerms(staff=("+6591230009",))


def cases(*files: Path) -> list[Case]:
    found = []
    for file in files:
        some, problems = read_cases(file)
        assert [str(problem) for problem in problems] == []
        found += some
    return found


EVERY_STEP = cases(HERE / "every_step.test.yaml")
PLAYED: dict[str, Played] = {}
PLAYED_OF_EXAMPLE: dict[str, Played] = {}


@pytest.mark.parametrize("case", EVERY_STEP, ids=lambda case: case.name)
def test_a_dialogue_holds(case: Case) -> None:
    played = PLAYED[case.name] = play(case, BOOK, POLICY, TERMS)
    assert played.failure is None


def test_every_way_of_every_plan_was_taken() -> None:
    played = [PLAYED.get(case.name) or play(case, BOOK, POLICY, TERMS) for case in EVERY_STEP]
    missed = {one.plan: one.missed for one in coverage(BOOK, played) if one.missed}
    assert missed == {}


@pytest.mark.parametrize(
    "model",
    [
        PlanHeadKeys,
        EnterKeys,
        StepKeys,
        WaitKeys,
        OtherKeys,
        ListenKeys,
        DelayKeys,
        ChoiceKeys,
    ],
)
def test_every_key_is_in_a_plan_of_the_dialogues(model: type[BaseModel]) -> None:
    written = (HERE / "every_step.yaml").read_text(encoding="utf-8")
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert {key for key in keys if f"{key}:" not in written} == set()


@pytest.mark.parametrize(
    "case",
    cases(*sorted(ROOT.glob("rules.example.*test.yaml"))),
    ids=lambda case: case.name,
)
def test_the_dialogues_of_the_example_hold(case: Case) -> None:
    played = PLAYED_OF_EXAMPLE[case.name] = play(case, EXAMPLE, POLICY, ConversationTerms())
    assert played.failure is None


def test_every_way_and_every_rule_of_the_example_is_tested() -> None:
    found = cases(*sorted(ROOT.glob("rules.example.*test.yaml")))
    played = [
        PLAYED_OF_EXAMPLE.get(case.name) or play(case, EXAMPLE, POLICY, ConversationTerms())
        for case in found
    ]
    assert [one.missed for one in coverage(EXAMPLE, played)] == [(), ()]
    assert rule_coverage(EXAMPLE, played)[0].missed == ()
