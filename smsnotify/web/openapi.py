"""`/openapi.json`: what the web door takes and answers, as OpenAPI 3.1."""

from __future__ import annotations

from typing import Any, Final

from smsnotify import __version__
from smsnotify.engine.posted import MOST_TOLD
from smsnotify.web.exposition import CONTENT_TYPE
from smsnotify.web.openapi_pages import pages

Schema = dict[str, Any]

_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}

_SCHEMAS: Final[dict[str, Schema]] = {
    "Problem": {
        "type": "object",
        "required": ["error", "message"],
        "properties": {
            "error": {"type": "string", "description": "a word that does not change"},
            "message": {"type": "string"},
            "hint": {"type": "string"},
        },
    },
    "Posted": {
        "type": "object",
        "required": ["accepted", "events", "rejected", "rejected_count", "decisions"],
        "properties": {
            "accepted": _COUNT | {"description": "entries that are stored"},
            "events": _COUNT | {"description": "events in them, derived ones too"},
            "rejected": {
                "type": "array",
                "maxItems": MOST_TOLD,
                "items": {
                    "type": "object",
                    "required": ["line", "reason", "message"],
                    "properties": {
                        "line": {"type": "integer", "minimum": 1},
                        "reason": {"type": "string"},
                        "message": {"type": "string"},
                        "hint": {"type": "string"},
                    },
                },
            },
            "rejected_count": _COUNT,
            "decisions": {
                "type": "object",
                "required": ["matched", "queued", "held", "duplicates", "stopped", "stops"],
                "properties": {
                    "matched": _COUNT,
                    "queued": _COUNT,
                    "held": _COUNT,
                    "duplicates": _COUNT,
                    "stopped": _COUNT,
                    "stops": {"type": "object", "additionalProperties": _COUNT},
                },
            },
        },
    },
    "Event": {
        "type": "object",
        "required": ["event", "job"],
        "properties": {
            "event": {"type": "string", "examples": ["completed"]},
            "id": {"type": ["string", "integer", "null"]},
            "time": {"type": ["string", "null"], "examples": ["2026-03-02T14:44:10+08:00"]},
            "job": {"$ref": "#/components/schemas/Job"},
        },
    },
    "Job": {
        "type": "object",
        "description": "a job with Detrack's field names; without an event, a snapshot",
        "properties": {
            "do_number": {"type": "string"},
            "date": {"type": ["string", "null"], "examples": ["2026-03-02"]},
            "phone_number": {"type": ["string", "null"]},
        },
    },
    "Interaction": {
        "type": "object",
        "required": ["event", "contact"],
        "additionalProperties": False,
        "properties": {
            "event": {"type": "string", "maxLength": 100, "examples": ["page_view"]},
            "contact": {"type": "string", "description": "a number or an email address"},
            "channel": {"type": ["string", "null"], "maxLength": 100, "examples": ["web"]},
            "value": {"type": ["number", "null"]},
            "data": {"type": ["object", "null"]},
            "time": {"type": ["string", "number", "null"]},
            "id": {"type": ["string", "integer", "null"], "description": "told twice, kept once"},
        },
    },
    "TrackedReport": {
        "type": "object",
        "required": ["accepted", "repeated", "events", "rejected", "rejected_count", "decisions"],
        "properties": {
            "accepted": _COUNT | {"description": "interactions that are stored"},
            "repeated": _COUNT | {"description": "interactions whose id was stored before"},
            "events": _COUNT | {"description": "those that rules heard of"},
            "rejected": {"$ref": "#/components/schemas/Posted/properties/rejected"},
            "rejected_count": _COUNT,
            "decisions": {"$ref": "#/components/schemas/Posted/properties/decisions"},
        },
    },
    "CloudEvent": {
        "type": "object",
        "required": ["specversion", "type", "source", "id"],
        "properties": {
            "specversion": {"const": "1.0"},
            "type": {"type": "string", "examples": ["com.acme.job.completed"]},
            "source": {"type": "string"},
            "id": {"type": "string"},
            "time": {"type": "string"},
            "data": {"$ref": "#/components/schemas/Job"},
        },
    },
}


def document() -> Schema:
    """Return the whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sms-notify serve",
            "version": __version__,
            "summary": "Job events in, receipts and replies in, health and figures out.",
        },
        "paths": {
            "/v1/events": {"post": _post_events()},
            "/v1/interactions": {"post": _post_interactions()},
            **pages(),
            "/hooks/detrack": {"post": _post_detrack()},
            "/hooks/{account}": {"post": _take_call("takeCall", "account")},
            "/hooks/{account}/{token}": {"post": _take_call("takeCallByToken", "account", "token")},
            "/healthz": {"get": _look("healthz", "The process is alive.", {"200": _HEALTH})},
            "/readyz": {
                "get": _look(
                    "readyz",
                    "The database answers, has the right version, and rules are loaded.",
                    {"200": _HEALTH, "503": _HEALTH},
                )
            },
            "/metrics": {
                "get": _look("metrics", "Figures for Prometheus.", {"200": _answer(_METRICS)})
            },
            "/openapi.json": {
                "get": _look(
                    "openapi", "This document.", {"200": _answer({"application/json": {}})}
                )
            },
        },
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
                "signature": {"type": "apiKey", "in": "header", "name": "X-Twilio-Signature"},
                "token": {"type": "apiKey", "in": "header", "name": "Authorization"},
            },
        },
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _answer(content: Schema, description: str = "done") -> Schema:
    return {"description": description, "content": content}


_METRICS: Final[Schema] = {CONTENT_TYPE: {"schema": {"type": "string"}}}
_HEALTH: Final[Schema] = _answer(
    _json(
        {
            "type": "object",
            "required": ["status"],
            "properties": {
                "status": {"enum": ["ok", "unavailable"]},
                "checks": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        }
    )
)

_WHY_NOT: Final = {
    "400": "nothing in the body can be read",
    "401": "no proof, or a wrong one",
    "403": "the signature is missing or wrong",
    "404": "there is no such account",
    "405": "another method",
    "408": "the body took too long to arrive",
    "413": "the body is too long, or holds too many events",
    "415": "a Content-Type that is not read here, or a packed body",
    "503": "it could not be stored; send it again",
}


def _refusals(*statuses: str) -> Schema:
    return {status: _answer(_json(_ref("Problem")), _WHY_NOT[status]) for status in statuses}


def _posted() -> Schema:
    told = _answer(_json(_ref("Posted")), "what was accepted is stored; the rest says why not")
    nothing = _answer(
        _json({"anyOf": [_ref("Posted"), _ref("Problem")]}), "nothing of it was accepted"
    )
    return {"200": told, "400": nothing, **_refusals("401", "408", "413", "415", "503")}


def _post_events() -> Schema:
    entry = {"anyOf": [_ref("Event"), _ref("Job"), _ref("CloudEvent")]}
    many = {"anyOf": [entry, {"type": "array", "items": entry}]}
    batch = {"type": "array", "items": _ref("CloudEvent")}
    lines = {"schema": {"type": "string", "description": "one entry a line"}}
    return {
        "operationId": "postEvents",
        "summary": "Take job events in; at most 10 MiB.",
        "security": [{"header": []}, {"bearer": []}],
        "requestBody": {
            "required": True,
            "content": {
                **_json(many),
                "application/x-ndjson": lines,
                "application/cloudevents+json": {"schema": _ref("CloudEvent")},
                "application/cloudevents-batch+json": {"schema": batch},
            },
        },
        "responses": _posted(),
    }


def _post_interactions() -> Schema:
    one = _ref("Interaction")
    told = _answer(_json(_ref("TrackedReport")), "what was accepted is stored")
    nothing = _answer(
        _json({"anyOf": [_ref("TrackedReport"), _ref("Problem")]}), "nothing of it was accepted"
    )
    lines = {"schema": {"type": "string", "description": "one interaction a line"}}
    return {
        "operationId": "postInteractions",
        "summary": "Take in what people do on any channel; at most 10 MiB.",
        "security": [{"header": []}, {"bearer": []}],
        "requestBody": {
            "required": True,
            "content": {
                **_json({"anyOf": [one, {"type": "array", "items": one}]}),
                "application/x-ndjson": lines,
            },
        },
        "responses": {
            "200": told,
            "400": nothing,
            **_refusals("401", "408", "413", "415", "503"),
        },
    }


def _post_detrack() -> Schema:
    form = {"type": "object", "required": ["json"], "properties": {"json": {"type": "string"}}}
    return {
        "operationId": "postDetrack",
        "summary": "Take Detrack's push in; at most 1 MiB.",
        "security": [{"header": []}, {"bearer": []}, {"basic": []}],
        "requestBody": {
            "required": True,
            "content": {
                **_json(_ref("Job")),
                "application/x-www-form-urlencoded": {"schema": form},
            },
        },
        "responses": _posted(),
    }


def _take_call(operation: str, *names: str) -> Schema:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in names
    ]
    fields = {"type": "object", "additionalProperties": {"type": "string"}}
    kept = {"description": "stored; Twilio's texts are answered with an empty <Response/>"}
    return {
        "operationId": operation,
        "summary": "Take receipts and texts from people in, from the account's provider.",
        "security": [{"signature": []}, {"token": []}, {}],
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {}},
                "application/x-www-form-urlencoded": {"schema": fields},
            },
        },
        "responses": {
            "200": kept,
            **_refusals("400", "401", "403", "404", "405", "408", "413", "415", "503"),
        },
    }


def _look(operation: str, summary: str, responses: Schema) -> Schema:
    return {"operationId": operation, "summary": summary, "responses": responses}
