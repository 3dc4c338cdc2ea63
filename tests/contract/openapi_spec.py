"""The providers' official OpenAPI files, made readable for a JSON Schema validator.

The files are not ours to ship: `$SMS_NOTIFY_SPECS` names the folder that holds them. Without it
whoever imports this is skipped.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from smsnotify.model.http import HttpRequest

_FOLDER = os.environ.get("SMS_NOTIFY_SPECS", "")
if not _FOLDER:
    pytest.skip(
        "SMS_NOTIFY_SPECS is not set: requests and answers are not compared with the OpenAPI files",
        allow_module_level=True,
    )

FILES = {"8x8": "8x8_sms_api.json", "twilio": "twilio_messages_v2010.json"}


class Spec:
    """An OpenAPI 3.0 file, with its schemas made readable for a JSON Schema validator."""

    def __init__(self, path: Path) -> None:
        self.document = _nullable(json.loads(path.read_text(encoding="utf-8")))
        resource = DRAFT202012.create_resource(self.document)
        self.registry = Registry().with_resource("urn:spec", resource)

    def resolve(self, node: Any) -> Any:
        while "$ref" in node:
            found = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                key = unquote(part).replace("~1", "/").replace("~0", "~")
                found = found[int(key)] if isinstance(found, list) else found[key]
            node = found
        return node

    def errors(self, schema: Any, value: Any) -> list[str]:
        absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:spec#/'))
        validator = Draft202012Validator(absolute, registry=self.registry)
        return [error.message for error in validator.iter_errors(value)]

    def operation(self, request: HttpRequest) -> Any:
        """Return the operation of a request, with its path and query parameters checked."""
        parts = urlsplit(request.url)
        for template, item in self.document["paths"].items():
            names = re.findall(r"{(\w+)}", template)
            found = re.fullmatch(re.sub(r"{\w+}", "([^/]+)", template), parts.path)
            # `messages/batch` also looks like `messages/{umid}`; only one of them knows the verb.
            if found and request.method.lower() in item:
                operation = item[request.method.lower()]
                given = dict(zip(names, map(unquote, found.groups()), strict=True))
                parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
                self._check_parameters(parameters, given, dict(parse_qsl(parts.query)))
                return operation
        raise AssertionError(f"no such operation: {request.method} {parts.path}")

    def _check_parameters(
        self, parameters: list[Any], path: dict[str, str], query: dict[str, str]
    ) -> None:
        known = {}
        for parameter in map(self.resolve, parameters):
            known[parameter["in"], parameter["name"]] = parameter.get("schema", {})
        for place, values in (("path", path), ("query", query)):
            for name, value in values.items():
                schema = self.resolve(known[place, name])
                typed = int(value) if schema.get("type") == "integer" else value
                assert self.errors(schema, typed) == []

    def body_schema(self, operation: Any) -> Any:
        (media,) = operation["requestBody"]["content"].values()
        return media["schema"]

    def answer_schema(self, operation: Any, status: int) -> Any:
        answer = operation["responses"].get(str(status))
        if answer is None:
            return None
        for media in self.resolve(answer).get("content", {}).values():
            return media.get("schema")
        return None

    def examples(self, operation: Any, status: int) -> list[Any]:
        found = []
        for media in self.resolve(operation["responses"][str(status)])["content"].values():
            if "example" in media:
                found.append(media["example"])
            found += [example["value"] for example in media.get("examples", {}).values()]
        return [json.loads(one) if isinstance(one, str) else one for one in found]


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0 writes `nullable: true` where JSON Schema lists the type null."""
    if isinstance(node, list):
        return [_nullable(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    read = {key: _nullable(value) for key, value in node.items()}
    if read.get("nullable") is True and isinstance(read.get("type"), str):
        read["type"] = [read["type"], "null"]
    return read


SPECS = {name: Spec(Path(_FOLDER) / file) for name, file in FILES.items()}


def known_keys(spec: Spec, schema: Any, value: Any) -> None:
    """Schemas of OpenAPI files allow any further key; ours must be known."""
    resolved = spec.resolve(schema)
    if isinstance(value, list):
        for entry in value:
            known_keys(spec, resolved["items"], entry)
    elif isinstance(value, dict) and "properties" in resolved:
        assert set(value) <= set(resolved["properties"])
        for key, entry in value.items():
            known_keys(spec, resolved["properties"][key], entry)
