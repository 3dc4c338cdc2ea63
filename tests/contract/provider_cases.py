"""Fixtures of the contract tests: one folder a provider, one record a case."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from smsnotify.base.clock import fixed_clock
from smsnotify.model.http import HttpResponse
from smsnotify.model.message import OutboundMessage
from smsnotify.providers.base import WebhookCall
from smsnotify.providers.registry import load_provider, provider_names

FIXTURES = Path(__file__).parent / "fixtures"


def http_providers() -> list[str]:
    return [name for name in provider_names() if _carried_by(name) == "http"]


def mail_providers() -> list[str]:
    return [name for name in provider_names() if _carried_by(name) == "mail"]


def alarm_providers() -> list[str]:
    return [name for name in provider_names() if _carried_by(name) == "alarm"]


def _carried_by(name: str) -> str:
    provider = load_provider(name)
    return "" if provider.local else provider.capabilities.transport


def load(provider: str, table: str) -> Any:
    return json.loads((FIXTURES / provider / f"{table}.json").read_text(encoding="utf-8"))


def cases(table: str) -> list[Any]:
    """Return (provider, case) pairs over the whole registry, with readable ids."""
    return [(name, case) for name in http_providers() for case in load(name, table)]


def case_id(value: Any) -> str:
    return value if isinstance(value, str) else value["label"]


def adapter(provider: str, **changes: Any) -> Any:
    account = load(provider, "account")
    cls: Any = load_provider(provider)
    settings = cls.settings_type.model_validate(account["settings"] | changes)
    clock = fixed_clock(datetime.fromisoformat(account.get("now", "2026-03-02T12:00:00+00:00")))
    return cls(settings, clock=clock)


def messages(case: Any) -> list[OutboundMessage]:
    return [one(table) for table in case["messages"]]


def one(table: Any) -> OutboundMessage:
    written = dict(table)
    if "expires_at" in written:
        written["expires_at"] = datetime.fromisoformat(written["expires_at"])
    return OutboundMessage(**written)


def response(case: Any) -> HttpResponse:
    body = json.dumps(case["json"]) if "json" in case else case["text"]
    return HttpResponse(status=case["status"], headers=case.get("headers", {}), body=body.encode())


def call(case: Any) -> WebhookCall:
    if "form" in case:
        body = urlencode(case["form"])
    else:
        body = json.dumps(case["json"]) if "json" in case else case.get("text", "")
    return WebhookCall(
        url=case.get("url", "https://notify.example.test/hooks/main"),
        headers=case.get("headers", {}),
        body=body.encode(),
        path_token=case.get("path_token", ""),
    )
