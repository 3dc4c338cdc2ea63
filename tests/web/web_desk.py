"""A desk behind the web door: settings, rules, requests and what was stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from sqlalchemy import text

from smsnotify.providers.twilio_signature import sign
from smsnotify.store.store import Store

PUBLIC = "https://notify.example.test"
TOKEN = "tok/én 123"
AUTH_TOKEN = "test_auth_token_0123456789"

SETTINGS = f"""
mode = "test"
country = "SG"
timezone = "Asia/Singapore"
allow = ["+6591230000"]
public_url = "{PUBLIC}"
database = "sqlite:///desk.db"

[accounts.main]
provider = "8x8"
api_key = "key-of-8x8"
subaccount_id = "acme"
sender = "ACME"
webhook_token = "{TOKEN}"
base_url = "http://127.0.0.1:9"

[accounts.twilio]
provider = "twilio"
account_sid = "AC{"0" * 32}"
auth_token = "{AUTH_TOKEN}"
sender = "+15005550006"
base_url = "http://127.0.0.1:9"

[accounts.open]
provider = "8x8"
api_key = "key-of-8x8"
subaccount_id = "acme"
sender = "ACME"
"""

RULES = """
version: 1
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    body: "Hi, order {{ do_number }} has arrived."
"""


def write_desk(folder: Path, settings: str = SETTINGS, rules: str = RULES) -> Path:
    """Write settings and rules; return the settings' path."""
    file = folder / "sms-notify.toml"
    file.write_text(settings, encoding="utf-8")
    file.chmod(0o600)
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    return file


def rows(store: Store, table: str) -> list[dict[str, Any]]:
    """Return every row of a table."""
    with store.read() as connection:
        found = connection.execute(text(f"SELECT * FROM {table} ORDER BY 1")).mappings()
        return [dict(row) for row in found]


def stored(store: Store) -> dict[str, int]:
    """Count what callers of hooks could have stored."""
    tables = ("receipts", "replies", "events", "jobs", "messages", "decisions")
    return {table: len(rows(store, table)) for table in tables}


def dlr(state: str = "delivered", umid: str = "umid-1", **payload: Any) -> bytes:
    """Return 8x8's receipt call."""
    told = {
        "umid": umid,
        "status": {"state": state, "timestamp": "2026-03-02T03:55:10.12Z"},
        **payload,
    }
    return json.dumps(
        {"namespace": "SMS", "eventType": "outbound_message_status_changed", "payload": told}
    ).encode()


def reply(body: str = "STOP", umid: str = "in-1") -> bytes:
    """Return 8x8's call about a text from a person."""
    return json.dumps(
        {
            "namespace": "SMS",
            "eventType": "inbound_message_received",
            "payload": {
                "umid": umid,
                "timestamp": "2026-03-02T03:01:22.017Z",
                "source": "+6591230000",
                "destination": "+6580000001",
                "body": body,
            },
        }
    ).encode()


def event(number: str = "DO-1", **rest: Any) -> dict[str, Any]:
    """Return a native event about a delivery."""
    job = {"do_number": number, "date": "2026-03-02", "phone_number": "+6591230000"}
    return {"event": "completed", "job": job, **rest}


STATUS = {
    "AccountSid": "AC" + "0" * 32,
    "ApiVersion": "2010-04-01",
    "MessageSid": "SM" + "1" * 32,
    "SmsSid": "SM" + "1" * 32,
    "MessageStatus": "delivered",
    "SmsStatus": "delivered",
    "To": "+14155550100",
    "From": "+15005550006",
}
INBOUND = {
    "Body": "  Quote é 😀 ",
    "From": "+14155550100",
    "To": "+15005550006",
    "MessageSid": "SM" + "2" * 32,
    "NumMedia": "0",
    "FromCity": "",
}


def signed(
    fields: Mapping[str, str], path: str = "/hooks/twilio", base: str = PUBLIC
) -> dict[str, Any]:
    """Return content and headers of a form as Twilio signs it for a public address."""
    return {
        "content": urlencode(fields).encode(),
        "headers": {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": sign(base + path, fields.items(), AUTH_TOKEN),
        },
    }


class Caller:
    """Calls an application without a socket between them."""

    def __init__(self, app: Any) -> None:
        """Every call runs in one event loop of the caller's own."""
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://desk.test"
        )

    def request(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """Make one request."""
        return self._runner.run(self._client.request(method, path, **parts))

    def get(self, path: str, **parts: Any) -> httpx.Response:
        """Get."""
        return self.request("GET", path, **parts)

    def post(self, path: str, **parts: Any) -> httpx.Response:
        """Post."""
        return self.request("POST", path, **parts)

    def together(self, *requests: tuple[str, dict[str, Any]]) -> list[httpx.Response]:
        """Make several posts at the same time."""

        async def all_of_them() -> list[httpx.Response]:
            posts = (self._client.post(path, **parts) for path, parts in requests)
            return list(await asyncio.gather(*posts))

        return self._runner.run(all_of_them())

    def close(self) -> None:
        """End the loop."""
        self._runner.run(self._client.aclose())
        self._runner.close()
