"""The JSON Schema of plans, fed with what an editor's YAML 1.2 makes of the files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from smsnotify.plans.jsonschema import book_schema

BROKEN = Path(__file__).parent / "broken"
SCHEMA: Any = book_schema()
VALIDATOR = Draft7Validator(SCHEMA)

BEYOND_A_SCHEMA = {
    "enter-event-twice",
    "enter-number",
    "enter-regex",
    "enter-unknown-event",
    "enter-where-replies",
    "loop-not-delivered",
    "loop-of-plans",
    "loop",
    "plan-marketing-hours",
    "plan-marketing-hours-all-quiet",
    "plan-name-twice",
    "plan-quiet-hours",
    "rule-starts-by-a-reply",
    "rule-starts-nothing",
    "rule-starts-without-plans",
    "step-emit",
    "step-route-for-nothing",
    "step-start-plan",
    "step-template",
    "step-then-unknown",
    "step-twice",
    "step-two-events",
    "step-webhook",
    "wait-number",
    "wait-regex",
    "wait-unknown-step",
    "words-claimed",
    "words-empty",
    "words-of-consent",
    "words-shadowed",
}
"""Mistakes that need more than shapes: names of steps and plans, templates, words that meet."""


class Yaml12(yaml.SafeLoader):
    """Resolves plain scalars as YAML 1.2's core schema does; keys are words."""


Yaml12.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+0123456789."),
):
    Yaml12.add_implicit_resolver(
        f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), list(first)
    )


def worded(value: Any) -> Any:
    """Make every key a text, as JSON has them."""
    if isinstance(value, dict):
        return {str(key): worded(each) for key, each in value.items()}
    return [worded(each) for each in value] if isinstance(value, list) else value


def errors(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(worded(yaml.load(text, Yaml12)))]


def test_the_schema_of_plans_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_broken_plan_does_not_validate_where_a_schema_can_tell(path: Path) -> None:
    found = errors(path.read_text(encoding="utf-8"))
    assert bool(found) is not (path.stem in BEYOND_A_SCHEMA)


def test_words_that_an_editor_takes_for_something_else_are_valid() -> None:
    text = """\
plans:
  - name: NO
    enter: {keywords: HELLO, events: completed, where: {contact.tier: 1, zone: {exists: true}}}
    quiet_hours: none
    steps:
      - a: {set: {points: 1, vip: true}, tag: x, value: 9.5, goal: 7, wait: {for: 1d, other: a}}
      - b: {wait: {for: 1d, match: number, replies: {1: a, 2: end, NO: end}, other: {send: Hm.}}}
      - c: {delay: {until: 09:00}, then: d}
      - d: {decide: [{if: {replies.b: [1, 2]}, then: a}, {else: end}]}
"""
    assert errors(text) == []
