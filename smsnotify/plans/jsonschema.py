"""The JSON Schema of a whole rule file, rules and plans, for editors."""

from __future__ import annotations

from typing import Any, Final

from smsnotify.model.event import EVENT_NAMES
from smsnotify.model.job import JOB_FIELDS
from smsnotify.model.plan import ENDS
from smsnotify.plans.schema import REQUIRED, PlanKeys
from smsnotify.plans.steps import WAYS_ON
from smsnotify.rules.jsonschema import allow_none, clean, forbid_null, one_or_many, rules_schema
from smsnotify.rules.scalars import WORD_SCHEMA

_CONDITION: Final = {"$ref": "#/definitions/Condition"}
_LISTED: Final = (("Enter", "keywords"), ("Step", "tag"))
_WHOLE: Final = (
    *(("Step", key) for key in ("wait", "listen", "delay", "decide", "end")),
    ("Delay", "until"),
    ("Choice", "if"),
    ("Plan", "enter"),
    ("Wait", "other"),
)
"""Keys that may be absent, but not empty."""


def book_schema() -> dict[str, Any]:
    """Return the schema of rules and plans (JSON Schema draft 7)."""
    schema = rules_schema()
    made: dict[str, Any] = PlanKeys.model_json_schema(by_alias=True, mode="validation")
    parts = {"Plan": made, **made.pop("$defs")}
    parts = {name.removesuffix("Keys"): clean(part) for name, part in parts.items()}
    parts.pop("QuietHours")  # as in a rule
    schema["definitions"] |= parts
    schema["properties"]["plans"]["items"] = {"$ref": "#/definitions/Plan"}
    plan, step = parts["Plan"], parts["Step"]
    plan["required"] = list(REQUIRED)
    for name, key in _WHOLE:
        forbid_null(parts[name]["properties"][key])
    for name, key in _LISTED:
        parts[name]["properties"][key] = one_or_many(parts[name]["properties"][key], ())
    for name in ("Enter", "Listen"):
        events = parts[name]["properties"]["events"]
        parts[name]["properties"]["events"] = one_or_many(events, EVENT_NAMES)
    parts["Enter"]["properties"]["where"] |= _conditions()
    parts["Choice"]["properties"]["if"] = {
        "description": parts["Choice"]["properties"]["if"]["description"],
        **_conditions(),
    }
    parts["Enter"]["anyOf"] = [{"required": [key]} for key in ("keywords", "any_text", "events")]
    parts["Delay"]["oneOf"] = [{"required": ["for"]}, {"required": ["until"]}]
    parts["Choice"]["oneOf"] = [{"required": ["if", "then"]}, {"required": ["else"]}]
    parts["Wait"]["anyOf"] = [{"required": ["replies"]}, {"required": ["other"]}]
    other = parts["Wait"]["properties"]["other"]
    other["anyOf"] = [{"type": "string"}, *other["anyOf"]]
    allow_none(plan["properties"]["quiet_hours"])
    _steps(plan, step)
    return schema


def _conditions() -> dict[str, Any]:
    names = ("contact.first_name", "contact.language", "contact.tags", *JOB_FIELDS)
    return {
        "type": "object",
        "properties": dict.fromkeys(names, _CONDITION),
        "additionalProperties": _CONDITION,
    }


def _steps(plan: dict[str, Any], step: dict[str, Any]) -> None:
    """Say that a step is one name with its keys, and goes on in one way."""
    plan["properties"]["steps"]["items"] = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$", "not": {"enum": sorted(ENDS)}},
        "additionalProperties": {"$ref": "#/definitions/Step"},
    }
    step["minProperties"] = 1
    step["dependencies"] = {
        "value": ["goal"],
        **{key: {"not": {"anyOf": _others(key)}} for key in WAYS_ON},
    }
    mails = {"required": ["channel"], "properties": {"channel": {"const": "email"}}}
    step["if"], step["then"] = mails, {"required": ["subject", "send"]}
    step["else"] = {"not": {"required": ["subject"]}}
    for key in ("set", "action"):
        step["properties"][key]["additionalProperties"] = dict(WORD_SCHEMA)


def _others(key: str) -> list[dict[str, Any]]:
    """Return the keys that may not stand beside one way to go on."""
    beside = [other for other in WAYS_ON if other != key]
    return [{"required": [other]} for other in (*beside, *(["then"] if key != "delay" else []))]
