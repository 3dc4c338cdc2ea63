"""The rule files that we hand out: the usual set and the commented example."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from smsnotify.plans.jsonschema import book_schema
from smsnotify.plans.load import check_book
from smsnotify.rules.load import check_rules
from smsnotify.rules.usual import usual_rules

EXAMPLE = Path(__file__).parents[2] / "rules.example.yaml"


def schema_keys() -> set[str]:
    schema: Any = book_schema()
    keys = set(schema["properties"])
    for name, part in schema["definitions"].items():
        if name == "Condition":
            continue
        keys |= set(part["properties"])
    operators = schema["definitions"]["Condition"]["anyOf"][2]["properties"]
    return keys | set(operators)


def test_the_usual_rules_are_free_of_problems_and_all_off(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(usual_rules(), encoding="utf-8")
    rules, problems = check_rules([path])
    assert problems == []
    assert rules is not None
    assert rules.rules == ()
    assert all(rule.terms.quiet_hours for rule in rules.all)
    heard = {event for rule in rules.all for event in rule.events}
    assert heard >= {"completed", "failed", "pre_job", "heading_to", "delayed", "scheduled"}


def test_the_usual_rules_stay_free_of_problems_when_all_are_on(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(usual_rules().replace("enabled: false", "enabled: true"), encoding="utf-8")
    rules, problems = check_rules([path])
    assert problems == []
    assert rules is not None
    assert rules.rules == rules.all


def test_the_example_is_free_of_problems() -> None:
    book, problems = check_book([EXAMPLE])
    assert problems == []
    assert book is not None
    rules = book.rules
    assert {plan.name for plan in book.plans.enabled} == {"quote", "redelivery"}
    assert {rule.id for rule in rules.rules} >= {
        "delivered",
        "failed-nobody-home",
        "heading-to",
        "tomorrow",
        "delayed",
        "low-rating",
    }


def test_every_key_stands_in_the_example_with_a_comment() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    explained: set[str] = set()
    for above, line in zip(["", *lines], lines, strict=False):
        if line.lstrip().startswith("#") or not above.lstrip().startswith("#"):
            continue
        explained |= set(re.findall(r"([a-z_]+):(?= |$)", line))
    assert schema_keys() - explained == set()


def test_the_example_turns_the_editor_on() -> None:
    first = EXAMPLE.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=docs/reference/rules.schema.json"
