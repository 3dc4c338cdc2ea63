"""The JSON Schema, fed with what an editor's YAML 1.2 makes of the files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from smsnotify.plans.jsonschema import book_schema
from smsnotify.rules.usual import usual_rules

ROOT = Path(__file__).parents[2]
BROKEN = Path(__file__).parent / "broken"
SCHEMA: Any = book_schema()
VALIDATOR = Draft7Validator(SCHEMA)

BEYOND_A_SCHEMA = {
    "active-ends-first",
    "active-from-no-day",
    "after-too-long",
    "append-with-tag",
    "body-is-only-a-comment",
    "caps-soft-above-hard",
    "custom-event-known",
    "custom-field-known",
    "custom-field-reserved",
    "digest-one-link",
    "digest-unknown-entry-field",
    "digest-wait-long",
    "digest-wait-stale",
    "doubled-key",
    "event-twice",
    "fixed-landline",
    "fixed-national-without-country",
    "fixed-no-number",
    "fixed-twice",
    "id-taken-by-a-name",
    "inline-default-without-tag",
    "inline-without-tag",
    "jobs-counted-without-digest",
    "jobs-without-digest",
    "language-no-fallback",
    "language-subject",
    "language-unknown",
    "marketing-hours-all-quiet",
    "none-with-tag",
    "pre-job-in-quiet-hours",
    "quiet-hours-equal",
    "registered",
    "recipient-is-a-date",
    "recipient-twice",
    "two-rules-one-id",
    "where-bad-regex",
    "where-date",
    "where-flag-order",
    "where-instant-without-zone",
    "where-items",
    "where-no-number",
    "where-slow-regex",
    "where-many-ways",
}
"""Mistakes that need more than shapes; templates (`template-…`) are of the kind too."""


class Yaml12(yaml.SafeLoader):
    """Resolves plain scalars as YAML 1.2's core schema does."""


Yaml12.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+0123456789."),
    ("merge", r"<<", "<"),
):
    Yaml12.add_implicit_resolver(
        f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), list(first)
    )


def errors(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(yaml.load(text, Yaml12))]


def test_the_schema_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_the_example_and_the_usual_rules_are_valid() -> None:
    assert errors((ROOT / "rules.example.yaml").read_text(encoding="utf-8")) == []
    assert errors(usual_rules()) == []


def test_words_that_an_editor_takes_for_numbers_and_booleans_are_valid() -> None:
    text = """\
rules:
  - name: NO
    enabled: true
    events: failed
    reasons: [404, true]
    groups:
    where: {customer: 0123, items_count: {gte: 2}, on_demand: true, eta_time: 18:30, zone: [1, a]}
    to: {fixed: [+6591230000]}
    max_segments: 3
    quiet_hours: none
    body: it is here
"""
    assert errors(text) == []


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_broken_file_does_not_validate_where_a_schema_can_tell(path: Path) -> None:
    try:
        found = errors(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, TypeError):
        return  # an editor's parser stumbles as well
    told_by_eye = path.stem in BEYOND_A_SCHEMA or path.stem.startswith("template-")
    assert bool(found) is not told_by_eye


def test_own_words_are_taken_once_they_are_declared() -> None:
    rule = (
        "rules:\n  - name: a\n    events: [weighed]\n    where: {tier: x}\n"
        "    to: {fields: [night_phone]}\n    body: x\n"
    )
    assert errors(rule)
    head = "custom_events: [weighed]\ncustom_fields: {tier: string, night_phone: string}\n"
    assert errors(head + rule) == []


def test_every_key_is_explained() -> None:
    for name, part in {"file": SCHEMA, **SCHEMA["definitions"]}.items():
        for key, value in part.get("properties", {}).items():
            described = "description" in value or "$ref" in value
            assert described, f"{name}.{key}"
