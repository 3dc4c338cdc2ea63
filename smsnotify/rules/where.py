"""Reads conditions: `where` of a rule or a plan, `if` of a decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from smsnotify.base.errors import RuleError, TemplateError
from smsnotify.model.job import Kind
from smsnotify.rules.conditions import OPERATORS, Condition
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.scalars import did_you_mean
from smsnotify.rules.vocabulary import Vocabulary
from smsnotify.text.template_namespaces import (
    NO_NAMESPACES,
    Namespaces,
    attribute,
    is_inside,
    unknown_name,
)


def read_conditions(
    where: Mapping[str, Any],
    words: Vocabulary,
    report: Reporter,
    path: Path,
    namespaces: Namespaces = NO_NAMESPACES,
) -> list[Condition]:
    """Compile conditions by field; what is wrong with them goes to the report.

    `path` is where the mapping stands. With namespaces, a field may be `contact.NAME`, which is
    read from the attribute `contact__NAME`.
    """
    made: list[Condition] = []
    for field, asked in where.items():
        place: Path = (*path, field)
        found = _find(field, words, report, place, namespaces)
        if found is None:
            continue
        read_from, kind = found
        for operator, value, at in _spelled_out(asked, place, report):
            try:
                made.append(Condition(read_from, operator, value, kind))
            except RuleError as error:
                code = "bad_pattern" if operator == "matches" else "bad_condition"
                unknown = operator not in OPERATORS
                report.error(
                    at,
                    "unknown_key" if unknown else code,
                    f"{path[-1]}.{field}: {error.message}",
                    error.hint,
                    key=unknown,
                )
    return made


def _find(
    field: str, words: Vocabulary, report: Reporter, place: Path, namespaces: Namespaces
) -> tuple[str, Kind] | None:
    """Return the attribute that a field is read from, and its kind; None when there is none."""
    space, dot, name = field.partition(".")
    if dot and space in namespaces:
        if is_inside(space, name, namespaces):
            return attribute(space, name), _kind(space, name, words)
        refusal: TemplateError = unknown_name(space, name, namespaces, 1)
        report.error(place, "unknown_field", refusal.message, refusal.hint, key=True)
        return None
    kind = words.fields.get(field)
    if kind is None:
        unknown_field(field, words, report, place, key=True)
        return None
    return field, kind


def _kind(space: str, name: str, words: Vocabulary) -> Kind:
    """Return how a value of a namespace compares: as `custom_fields` say, else as text."""
    if space == "contact":
        return "list" if name == "tags" else words.custom.get(name, "text")
    return "text"


def unknown_field(
    field: str, words: Vocabulary, report: Reporter, path: Path, *, key: bool = False
) -> None:
    """Report a name that is no field of a job."""
    report.error(
        path,
        "unknown_field",
        f"unknown field {field!r}",
        did_you_mean(field, list(words.fields))
        or "a field of your own goes under custom_fields at the top of the file",
        key=key,
    )


def _spelled_out(asked: object, place: Path, report: Reporter) -> list[tuple[str, object, Path]]:
    """Return the operators of a condition: a bare value is `eq`, a list is `in`."""
    if isinstance(asked, dict):
        if not asked:
            report.error(place, "bad_condition", f"{place[-2]}.{place[-1]}: there is no operator")
        return [(operator, value, (*place, operator)) for operator, value in asked.items()]
    kind: Literal["in", "eq"] = "in" if isinstance(asked, list) else "eq"
    if asked is None or asked == []:
        report.error(
            place,
            "bad_condition",
            f"{place[-2]}.{place[-1]}: there is nothing to compare with",
            "for a field without a value: {exists: false}",
        )
        return []
    return [(kind, asked, place)]
