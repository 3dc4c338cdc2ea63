"""Every key of a rule file: from the schema, with examples from `rules.example.yaml`."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel

from generators.tables import code, table
from smsnotify.plans.schema import BookKeys
from smsnotify.rules.ages import DAY
from smsnotify.rules.conditions import OPERATORS
from smsnotify.rules.jsonschema import rules_schema
from smsnotify.rules.schema import REQUIRED, DefaultsKeys, RuleKeys
from smsnotify.rules.schema_parts import (
    CapsKeys,
    CountryKeys,
    DigestKeys,
    InhibitedByKeys,
    PreJobKeys,
    QuietHoursKeys,
    ToKeys,
)

EXAMPLE: Final = Path(__file__).parent.parent.parent / "rules.example.yaml"

_PLAIN: Final = re.compile(r"[A-Za-z][\w ]*|\d+[smhdw]")

_TYPES: Final = {
    "events": "an event, or a list of them",
    "groups": "a text, or a list",
    "reasons": "a text, or a list",
    "fields": "list of job fields",
    "by": "list of job fields",
    "wait": "duration",
    "fixed": "list of numbers",
    "where": "conditions by field",
    "rules": "list of rules",
    "plans": "list of [plans](plans.md)",
    "custom_events": "list of names",
    "custom_fields": "kinds by field name",
    "version": "`1`",
    "body": "text, or texts by language",
    "subject": "text, or texts by language",
    "days_before": "0 to 5",
    "max_segments": "1 to 10",
    "then": "`hold`, `drop`, or these by event",
    "from": "`HH:MM`",
    "at": "`HH:MM`",
    "enabled": "`true` or `false`",
    "max_age": "duration, or `none`, or these by event",
    "expires": "duration",
    "active_from": "date, or instant",
    "active_until": "date, or instant",
    "unless": "an event, or a list of them",
    "after": "duration",
    "for": "duration",
    "within": "duration",
    "per_hour": "a number, or `{soft, hard}`",
    "per_day": "a number, or `{soft, hard}`",
}
_BELOW: Final = {
    "defaults": "[defaults](#defaults)",
    "quiet_hours": "[quiet hours](#quiet_hours), or `none`",
    "pre_job": "[reminder](#pre_job)",
    "inhibited_by": "[events](#inhibited_by)",
    "digest": "[digest](#digest)",
    "countries": "[countries](#countries)",
    "registered_text": "text, or texts by language",
    "caps": "[caps](#caps), or `none`",
}
_FROM_DEFAULTS: Final = (
    "language",
    "language_field",
    "route",
    "tracking_link",
    "quiet_hours",
    "max_segments",
    "encoding",
    "max_age",
    "expires",
    "caps",
)


def file_keys() -> str:
    """Return the keys at the top of a rule file."""
    return _keys(BookKeys, example_file())


def defaults() -> str:
    """Return the keys of `defaults`."""
    return _keys(DefaultsKeys, example_file()["defaults"])


def rule_keys() -> str:
    """Return the keys of one rule."""
    return _keys(RuleKeys, _first_uses(), needed=tuple(key for key in REQUIRED if key != "body"))


def quiet_hours() -> str:
    """Return the keys of `quiet_hours`."""
    return _keys(QuietHoursKeys, example_file()["defaults"]["quiet_hours"], needed=("from", "to"))


def caps() -> str:
    """Return the keys of `caps`."""
    return _keys(CapsKeys, example_file()["defaults"]["caps"])


def pre_job() -> str:
    """Return the keys of `pre_job`."""
    return _keys(PreJobKeys, _first_uses()["pre_job"], needed=("days_before", "at"))


def inhibited_by() -> str:
    """Return the keys of `inhibited_by`."""
    example = _first_uses()["inhibited_by"]
    return _keys(InhibitedByKeys, example, needed=("events", "within"))


def countries() -> str:
    """Return the keys of a country."""
    return _keys(CountryKeys, example_file()["defaults"]["countries"]["US"])


def digest() -> str:
    """Return the keys of `digest`."""
    return _keys(DigestKeys, _first_uses()["digest"], needed=("by", "wait"))


def recipients() -> str:
    """Return the keys of `to`."""
    found: dict[str, Any] = {}
    for rule in example_file()["rules"]:
        found = {**rule["to"], **found}
    return _keys(ToKeys, found)


def operators() -> str:
    """Return the operators of a condition."""
    schema: Any = rules_schema()
    described = schema["definitions"]["Condition"]["anyOf"][2]["properties"]
    used: dict[str, str] = {}
    for rule in example_file()["rules"]:
        for field, asked in rule.get("where", {}).items():
            for name, value in asked.items() if isinstance(asked, dict) else ():
                used.setdefault(name, f"{field}: {{{name}: {flow(value)}}}")
    rows = [(code(name), described[name]["description"], code(used[name])) for name in OPERATORS]
    return table(("operator", "holds when", "example"), rows)


def _keys(model: type[BaseModel], example: dict[str, Any], needed: tuple[str, ...] = ()) -> str:
    rows = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        rows.append(
            (
                code(key),
                _BELOW.get(key) or _type(model, key),
                braces_shown(field.description or ""),
                "needed" if key in needed else _default(model, key, field.default),
                code(f"{key}: {flow(example[key])}") if key in example else "",
            )
        )
    return table(("key", "takes", "meaning", "without it", "example"), rows)


def braces_shown(text: str) -> str:
    """Show merge tags as code."""
    return re.sub(r"\{\{.*?\}\}", lambda tag: code(tag.group()), text)


def _type(model: type[BaseModel], key: str) -> str:
    if model is RuleKeys and key == "to":
        return "[recipients](#to)"
    if model is QuietHoursKeys and key == "to":
        return "`HH:MM`"
    if key in _TYPES:
        return _TYPES[key]
    schema: dict[str, Any] = model.model_json_schema(by_alias=True)["properties"][key]
    words = [schema, *schema.get("anyOf", ())]
    choices = [choice for each in words for choice in each.get("enum", ())]
    choices += [each["const"] for each in words if "const" in each]
    return ", ".join(map(code, choices)) or "text"


def _default(model: type[BaseModel], key: str, default: Any) -> str:
    if model is RuleKeys and key in _FROM_DEFAULTS:
        return "as in `defaults`"
    if key == "id":
        return "the name"
    if key in ("max_age", "expires"):
        return code(f"{DAY // timedelta(hours=1)}h")
    if isinstance(default, bool):
        return code(str(default).lower())
    if isinstance(default, str | int):
        return code(default)
    return {
        "rules": "needed, unless the file has plans",
        "plans": "no plans",
        "body": "needed, unless `start_plan`",
        "start_plan": "the rule texts its body",
        "active_from": "at any time",
        "active_until": "at any time",
        "after": "at once",
        "for": "at once",
        "groups": "every group",
        "reasons": "every reason",
        "where": "no condition",
        "quiet_hours": "none",
        "caps": "none",
        "per_hour": "no cap",
        "per_day": "no cap",
        "then": "by the event",
        "repeat": "once per attempt",
        "digest": "a text for each job",
        "countries": "all are alike",
        "registered_text": "any text",
        "first_text_suffix": "nothing",
        "priority": "by the event",
        "language": "English, or the body's first",
    }.get(key, "")


def example_file() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    return read


def _first_uses() -> dict[str, Any]:
    """Return for every key of a rule the first value that the example gives it."""
    found: dict[str, Any] = {}
    for rule in example_file()["rules"]:
        found = {**rule, **found}
    found["where"] = {"goods_service_rating": {"lte": 2}}
    return found


def flow(value: Any) -> str:
    """Write a value on one line, the way a person would; long ones are cut."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else f'"{value}"'
    if isinstance(value, list):
        inner = "…" if isinstance(value[0], dict) else ", ".join(map(flow, value))
        return f"[{inner}]"
    if isinstance(value, dict):
        pairs = (f"{key}: {flow(each)}" for key, each in value.items())
        return "{" + ("…" if len(value) > 4 else ", ".join(pairs)) + "}"
    return str(value)
