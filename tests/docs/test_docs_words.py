"""Every word that the program says to people is explained on a page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from generators.words import error_classes

import smsnotify
from smsnotify.base import errors
from smsnotify.cli import main
from smsnotify.gates.caps import COUNTRY_CAP, DAY_CAP, MONEY_CAP, RECIPIENT_CAP, RUN_CAP
from smsnotify.gates.pipeline import ORDER
from smsnotify.model.event import EVENT_NAMES
from smsnotify.model.message import ErrorWord, MessageState
from smsnotify.plans.case_keys import (
    CaseKeys,
    CaseStepKeys,
    ContactKeys,
    ExpectedKeys,
    SentKeys,
    SilenceKeys,
)
from smsnotify.plans.schema import (
    ChoiceKeys,
    DelayKeys,
    EnterKeys,
    ListenKeys,
    OtherKeys,
    PlanKeys,
    StepKeys,
    WaitKeys,
)
from smsnotify.providers.registry import provider_names
from smsnotify.rules.schema import DefaultsKeys, FileKeys, RuleKeys
from smsnotify.rules.schema_parts import CapsKeys, DigestKeys, PreJobKeys, QuietHoursKeys, ToKeys
from smsnotify.store.digests import MERGED

PACKAGE = Path(smsnotify.__file__).parent
NUMBER_WORDS = {"not_a_number", "doubtful_number", "landline"}
"""Words of `text/phone.py`; gates pass them on."""


def calls(*folders: str) -> Iterator[ast.Call]:
    """Yield every call in the modules of some folders of the package."""
    for folder in folders:
        for module in sorted((PACKAGE / folder).rglob("*.py")):
            tree = ast.parse(module.read_text(encoding="utf-8"))
            yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def words_of(call: ast.Call, name: str, place: int) -> Iterator[str]:
    """Yield the constant texts that a call gives as `name=` or at a place."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == name]
    given += call.args[place : place + 1] if place >= 0 else []
    for value in given:
        parts = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def called(call: ast.Call) -> str:
    """Return the bare name of what is called."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def rows(page: str, heading: str, column: int = 0) -> set[str]:
    """Return the words in code in a column of the tables below a heading."""
    part = page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = set()
    for line in part.splitlines():
        cells = re.split(r"(?<!\\)\|", line)
        if line.startswith("|") and len(cells) > column + 2:
            found |= set(re.findall(r"`([^`]+)`", cells[column + 1]))
    return found


def test_every_reason_of_the_gates_is_explained(reference: dict[str, str]) -> None:
    said = set(NUMBER_WORDS)
    for call in calls("gates", "engine"):
        if called(call) in ("Ruling", "Decision"):
            said |= set(words_of(call, "reason", -1))
        elif called(call) == "_stop":
            said |= set(words_of(call, "reason", 0))
    # Said by the names of constants.
    said |= {"no_recipient", "no_address", "not_an_address", "quiet_hours", "inhibited"}
    said |= {"no_recipient", "no_address", "not_an_address", "quiet_hours"}
    said |= {RECIPIENT_CAP, RUN_CAP, DAY_CAP, COUNTRY_CAP, MONEY_CAP}
    assert rows(reference["reasons.md"], "Why a text stops", column=1) == said - {""}


def test_every_gate_is_explained_in_its_order(reference: dict[str, str]) -> None:
    part = reference["reasons.md"].split("## Why a text stops", 1)[1].split("\n## ", 1)[0]
    told = list(dict.fromkeys(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)))
    holds_only = {"marketing_hours", "digest"}
    gates = [gate.__name__.removesuffix("_gate") for gate in ORDER]
    assert told == [*(gate for gate in gates if gate not in holds_only), "text"]
    assert holds_only <= rows(reference["reasons.md"], "Why a text waits")


def test_every_reason_of_a_release_is_explained(reference: dict[str, str]) -> None:
    said = {"by_hand", MERGED}
    for call in calls("engine"):
        if called(call) == "Again":
            said |= set(words_of(call, "reason", 2))
    assert rows(reference["reasons.md"], "Why a text was cancelled") == said


def test_every_error_word_is_explained(reference: dict[str, str]) -> None:
    assert rows(reference["reasons.md"], "Error words") == {word.value for word in ErrorWord}


def test_every_reason_of_a_rejected_line_is_explained(reference: dict[str, str]) -> None:
    said = {errors.EventError("").reason}
    for call in calls("events", "engine"):
        if called(call) == "EventError":
            said |= set(words_of(call, "reason", -1))
    assert rows(reference["reasons.md"], "Rejected lines") == said


def test_every_problem_of_a_rule_file_is_explained(reference: dict[str, str]) -> None:
    said = {"yaml", "bad_value"}  # what `YamlError` and `refuse` say by themselves
    places = {
        "error": 1,
        "warn": 1,
        "refuse": 2,
        "error_in_text": 3,
        "Problem": -1,
        "YamlError": -1,
    }
    for call in calls("rules"):
        if called(call) in places:
            said |= set(words_of(call, "code", places[called(call)]))
    said |= {"too_deep", "alias_bomb", "duplicate_key", "too_large", "not_utf8"} & _constants()
    said |= {"bad_pattern", "bad_condition", "unknown_key"} | (NUMBER_WORDS - {"not_a_number"})
    said |= {"not_a_number"}
    assert rows(reference["errors.md"], "Problems in rule files") == said - {""}


def test_every_problem_of_a_plan_is_explained(reference: dict[str, str]) -> None:
    said = {"unknown_route", "cannot_receive", "no_staff", "no_secret"}  # `plan_settings.py`
    said.add("no_mail_account")
    places = {"error": 1, "warn": 1, "refuse": 2, "say": 1}
    for call in calls("plans"):
        if called(call) in places:
            said |= set(words_of(call, "code", places[called(call)]))
    told = rows(reference["errors.md"], "Problems in plans")
    of_rules = rows(reference["errors.md"], "Problems in rule files")
    of_tests = rows(reference["errors.md"], "Problems in test files")
    assert of_tests == {"bad_step", "no_tests"}
    assert said - {""} <= told | of_rules | of_tests
    assert told <= said


def _constants() -> set[str]:
    tree = ast.parse((PACKAGE / "rules" / "yaml_positions.py").read_text(encoding="utf-8"))
    values = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in values if isinstance(value, str)}


def test_every_problem_of_the_settings_is_explained(reference: dict[str, str]) -> None:
    said = {"missing", "bad_value", "unknown_key"}
    for call in calls("wiring"):
        if called(call) in ("add", "warn"):
            said |= set(words_of(call, "code", 1))
        elif called(call) == "Problem":
            said |= set(words_of(call, "code", -1))
    assert rows(reference["errors.md"], "Problems in the settings") == said


def test_the_tree_of_errors_is_the_program_s_own() -> None:
    drawn = [line for line in (errors.__doc__ or "").splitlines() if line.endswith("Error")]
    depth = {re.sub(r"\W", "", line): len(line) - len(line.lstrip("│├└─ ")) for line in drawn}
    classes = list(error_classes())
    assert set(depth) == {one.__name__ for one in classes}
    for one in classes:
        parents = [base for base in one.__mro__[1:] if base in classes]
        assert depth[one.__name__] == 4 * len(parents)


def test_no_two_errors_share_a_code() -> None:
    codes = [one.code for one in error_classes()]
    assert len(codes) == len(set(codes))


def test_every_exit_code_is_explained(reference: dict[str, str]) -> None:
    part = reference["errors.md"].split("## Exit codes", 1)[1].split("\n## ", 1)[0]
    told = set(map(int, re.findall(r"^\| (\d+) \|", part, re.MULTILINE)))
    assert told == {0, 1, 2, 3, main.INTERRUPTED}
    assert {one.exit_code for one in error_classes()} <= told


def test_every_json_object_is_described(reference: dict[str, str]) -> None:
    said: set[str] = set()
    for module in sorted(PACKAGE.rglob("*.py")):
        if module.parent.name in ("cli", "engine", "model", "store") or module.stem == "explain":
            tree = ast.parse(module.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Dict):
                    said |= {
                        value.value
                        for key, value in zip(node.keys, node.values, strict=True)
                        if isinstance(key, ast.Constant)
                        and key.value == "type"
                        and isinstance(value, ast.Constant)
                    }
    cells = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", reference["json.md"], re.MULTILINE)
    told = set(cells) - {"`type`"}  # the heading
    described = {word for cell in told for word in re.findall(r"\w+", cell)}
    assert said - {"Delivery"} <= described
    assert described - said <= {"retry", "cancel"}  # said through a variable


@pytest.mark.parametrize(
    "model",
    [PlanKeys, EnterKeys, StepKeys, WaitKeys, OtherKeys, ListenKeys, DelayKeys, ChoiceKeys],
)
def test_every_key_of_a_plan_is_explained(model: type, reference: dict[str, str]) -> None:
    for name, field in model.model_fields.items():
        assert f"| `{field.alias or name}` |" in reference["plans.md"]


@pytest.mark.parametrize(
    "model", [CaseKeys, CaseStepKeys, ContactKeys, ExpectedKeys, SentKeys, SilenceKeys]
)
def test_every_key_of_a_test_is_explained(model: type, reference: dict[str, str]) -> None:
    for name, field in model.model_fields.items():
        assert f"| `{field.alias or name}` |" in reference["tests.md"]


@pytest.mark.parametrize(
    "model",
    [FileKeys, DefaultsKeys, RuleKeys, QuietHoursKeys, CapsKeys, DigestKeys, PreJobKeys, ToKeys],
)
def test_every_key_of_a_rule_file_is_explained(model: type, reference: dict[str, str]) -> None:
    for name, field in model.model_fields.items():
        assert f"| `{field.alias or name}` |" in reference["rules.md"]


def test_every_event_and_state_is_explained(reference: dict[str, str]) -> None:
    assert rows(reference["events.md"], "Events") >= set(EVENT_NAMES)
    derived = rows(reference["events.md"], "Events that nobody named")
    assert derived >= set(EVENT_NAMES) - {"pre_job", "reply"}
    assert all(f"| `{state.value}` |" in reference["states.md"] for state in MessageState)


def test_every_provider_has_a_page() -> None:
    folder = PACKAGE.parent / "docs" / "reference" / "providers"
    assert {page.stem for page in folder.glob("*.md")} == {*provider_names(), "index"}
