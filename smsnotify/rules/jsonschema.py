"""The JSON Schema of a rule file, for editors: completion, hover texts and a first check.

It takes what an editor's YAML 1.2 makes of the same text: `0123` and `+6591230000` are numbers
there, `true` is a boolean. What it cannot express (templates, numbers, rules of one id) is left to
`sms-notify rules validate`.
"""

from __future__ import annotations

from typing import Any, Final

from smsnotify.model.event import EVENT_NAMES
from smsnotify.model.job import JOB_FIELDS, PHONE_FIELDS
from smsnotify.rules.conditions import OPERATORS
from smsnotify.rules.patterns import MAX_PATTERN
from smsnotify.rules.scalars import WORD_SCHEMA
from smsnotify.rules.schema import FIELD_KINDS, REQUIRED, FileKeys

_OPERATOR_TEXTS: Final = {
    "eq": "The field is exactly this.",
    "ne": "The field is not this, or has no value.",
    "in": "The field is one of these.",
    "not_in": "The field is none of these, or has no value.",
    "gt": "The field is more, or later, than this.",
    "gte": "The field is this or more.",
    "lt": "The field is less, or earlier, than this.",
    "lte": "The field is this or less.",
    "contains": "The field's text has this in it; a list has this entry.",
    "starts_with": "The field's text begins with this.",
    "ends_with": "The field's text ends with this.",
    "matches": "This regular expression is found in the field's text.",
    "exists": "true: the field has a value; false: it has none.",
}

_WAITS: Final[list[dict[str, Any]]] = [{"required": ["after"]}, {"required": ["for"]}]
_NOTHING: Final[dict[str, Any]] = {"enum": [None, []]}


def rules_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema draft 7, which editors' YAML servers read).

    What a plan looks like inside is left open; `plans.jsonschema.book_schema` fills it in.
    """
    made: dict[str, Any] = FileKeys.model_json_schema(by_alias=True, mode="validation")
    definitions = made.pop("$defs")
    rule = definitions.pop("RuleKeys")
    definitions = {name.removesuffix("Keys"): clean(part) for name, part in definitions.items()}
    definitions["Rule"] = _rule(clean(rule))
    definitions["Condition"] = _condition()
    file = clean(made)
    fields = file["properties"]["custom_fields"]
    fields["propertyNames"] = {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"}
    fields["additionalProperties"] = {"enum": list(FIELD_KINDS)}
    file["properties"]["custom_events"]["items"] = dict(WORD_SCHEMA)
    file["required"] = [key for key in file["required"] if key != "rules"]
    file["anyOf"] = [{"required": ["rules"]}, {"required": ["plans"]}]
    file["properties"]["plans"] = {
        "description": "The automation plans.",
        "type": "array",
        "items": {"type": "object"},
        "minItems": 1,
    }
    allow_none(definitions["Defaults"]["properties"]["quiet_hours"])
    _lift_by_none(definitions["Defaults"]["properties"]["caps"])
    definitions["Caps"]["minProperties"] = 1
    forbid_null(definitions["Defaults"]["properties"]["marketing_hours"])
    _recipients(definitions["To"])
    for holder in (definitions["Defaults"], definitions["Rule"]):
        holder["properties"]["countries"]["propertyNames"] = {"pattern": "^[A-Z]{2}$"}
    definitions["Country"]["minProperties"] = 1
    muting = definitions["InhibitedBy"]["properties"]
    muting["events"] = one_or_many(muting["events"], EVENT_NAMES)
    definitions["Digest"]["properties"]["by"] |= {"minItems": 1, "uniqueItems": True}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "sms-notify rules",
        **file,
        "allOf": [
            _strict("custom_events", _strict_events()),
            _strict("custom_fields", _strict_fields()),
        ],
        "definitions": definitions,
    }


def clean(part: Any) -> Any:
    """Turn pydantic's schema into draft 7: other names, no titles, no keys beside `$ref`."""
    if isinstance(part, list):
        return [clean(each) for each in part]
    if not isinstance(part, dict):
        return part
    cleaned = {
        key: {name: clean(each) for name, each in value.items()}
        if key == "properties"
        else clean(value)
        for key, value in part.items()
        if key != "title" and not (key == "default" and value in (None, [], {}))
    }
    if "$ref" in cleaned:
        name = str(cleaned.pop("$ref")).rsplit("/", 1)[1].removesuffix("Keys")
        reference = {"$ref": f"#/definitions/{name}"}
        return {**cleaned, "allOf": [reference]} if cleaned else reference
    return cleaned


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Say in a rule what its models leave to later checks."""
    properties = rule["properties"]
    rule["required"] = [key for key in REQUIRED if key not in ("body", "to")]
    rule["oneOf"] = [{"required": ["body"]}, {"required": ["start_plan"]}]
    for key, known in (("events", EVENT_NAMES), ("groups", ()), ("reasons", ())):
        properties[key] = one_or_many(properties[key], known)
    properties["unless"] = one_or_many(properties["unless"], EVENT_NAMES)
    properties["where"] = {
        "description": properties["where"]["description"],
        "type": ["object", "null"],
        "properties": {
            name: {
                "description": f"A {kind} field.",
                "allOf": [{"$ref": "#/definitions/Condition"}],
            }
            for name, kind in JOB_FIELDS.items()
        },
        "patternProperties": {
            r"^contact\.": {
                "description": "What is known of the recipient.",
                "allOf": [{"$ref": "#/definitions/Condition"}],
            }
        },
        "additionalProperties": {"$ref": "#/definitions/Condition"},
    }
    for key in (
        *("pre_job", "to", "repeat", "priority", "marketing_hours", "fallback", "inhibited_by"),
        "digest",
    ):
        forbid_null(properties[key])
    allow_none(properties["quiet_hours"])
    _lift_by_none(properties["caps"])
    properties["body"]["pattern"] = r"\S"
    rule["allOf"] = [
        {
            "if": _channel_is("apprise"),
            "then": {"not": {"anyOf": [{"required": [key]} for key in ("to", "fallback")]}},
            "else": {"required": ["to"]},
        },
        {
            "if": {"anyOf": [_channel_is("email"), {"required": ["fallback"]}]},
            "then": {"required": ["subject"]},
        },
        {
            "if": {"required": ["digest"]},
            "then": {
                "not": {
                    "anyOf": [
                        *({"required": [key]} for key in ("start_plan", "after", "for")),
                        _listens_to("reply"),
                    ]
                },
                "properties": {"tracking_link": {"enum": ["inline", "none"]}},
            },
        },
        {"if": {"required": ["pre_job"]}, "then": _listens_to("pre_job")},
        {"if": _listens_to("pre_job"), "then": {"required": ["pre_job"]}},
        {
            "if": {"required": ["reasons"], "properties": {"reasons": {"not": _NOTHING}}},
            "then": _listens_to("failed"),
        },
        {"if": {"required": ["inhibited_by"]}, "then": {"not": _listens_to("reply")}},
        {"if": {"required": ["unless"]}, "then": {"anyOf": _WAITS}},
        {
            "if": {"anyOf": _WAITS},
            "then": {
                "not": {
                    "anyOf": [
                        {"required": ["after", "for"]},
                        {"required": ["start_plan"]},
                        _listens_to("pre_job"),
                        _listens_to("reply"),
                    ]
                }
            },
        },
    ]
    return rule


def _channel_is(channel: str) -> dict[str, Any]:
    among = [{"const": channel}, {"type": "array", "contains": {"const": channel}}]
    return {"required": ["channel"], "properties": {"channel": {"anyOf": among}}}


def _listens_to(event: str) -> dict[str, Any]:
    events = [{"const": event}, {"type": "array", "contains": {"const": event}}]
    return {"required": ["events"], "properties": {"events": {"anyOf": events}}}


def allow_none(key: dict[str, Any]) -> None:
    """Let `none` and nothing at all switch quiet hours off."""
    key["anyOf"] = [{"$ref": "#/definitions/QuietHours"}, {"enum": [None, "none"]}]


def _lift_by_none(key: dict[str, Any]) -> None:
    """Let `none` lift caps."""
    key["anyOf"] = [{"$ref": "#/definitions/Caps"}, {"const": "none"}]


def one_or_many(key: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """Let a list of words be one word, too; `known` are those that an editor offers."""
    item: dict[str, Any] = dict(WORD_SCHEMA)
    if known:
        item = {"anyOf": [{"enum": list(known)}, {"type": "string"}]}
    many: dict[str, Any] = {"type": "array", "items": item}
    if known:
        many["minItems"] = 1
    empty: list[dict[str, Any]] = [] if known else [{"type": "null"}]
    return {"description": key["description"], "anyOf": [many, item, *empty]}


def forbid_null(key: dict[str, Any]) -> None:
    """Take `null` out of what a key may be."""
    key["anyOf"] = [each for each in key["anyOf"] if each != {"type": "null"}]


def _condition() -> dict[str, Any]:
    word = WORD_SCHEMA | {"pattern": r"\S"}
    several = {"type": "array", "items": word, "minItems": 1}
    operators: dict[str, Any] = {
        name: {"description": _OPERATOR_TEXTS[name], **word} for name in OPERATORS
    }
    for name in ("in", "not_in"):
        operators[name] = {"description": _OPERATOR_TEXTS[name], **several}
    operators["matches"] |= {"type": "string", "maxLength": MAX_PATTERN}
    operators["exists"] |= {"type": "boolean"}
    return {
        "description": "A value (equals), a list (one of), or operators that must all hold.",
        "anyOf": [
            word,
            several,
            {
                "type": "object",
                "properties": operators,
                "additionalProperties": False,
                "minProperties": 1,
            },
        ],
    }


def _recipients(to: dict[str, Any]) -> None:
    to["anyOf"] = [
        {"required": [key], "properties": {key: {"minItems": 1}}} for key in ("fields", "fixed")
    ]
    to["properties"]["fields"]["items"] = {
        "anyOf": [{"enum": list(PHONE_FIELDS)}, {"type": "string"}]
    }


def _strict(unless: str, rule: dict[str, Any]) -> dict[str, Any]:
    """Ask more of every rule in files that declare no words of their own."""
    return {
        "if": {"not": {"required": [unless]}},
        "then": {"properties": {"rules": {"items": {"properties": rule}}}},
    }


def _strict_events() -> dict[str, Any]:
    name = {"enum": list(EVENT_NAMES)}
    names = {"anyOf": [name, {"type": "array", "items": name}]}
    muting = {"properties": {"events": names}}
    return {"events": names, "unless": names, "inhibited_by": muting}


def _strict_fields() -> dict[str, Any]:
    names = sorted(JOB_FIELDS)
    contact = {"pattern": r"^contact\.[a-z][a-z0-9_]*$"}
    single = sorted(name for name, kind in JOB_FIELDS.items() if kind != "list")
    return {
        "digest": {"properties": {"by": {"items": {"enum": single}}}},
        "where": {"propertyNames": {"anyOf": [{"enum": names}, contact]}},
        "to": {"properties": {"fields": {"items": {"enum": names}}}},
    }
