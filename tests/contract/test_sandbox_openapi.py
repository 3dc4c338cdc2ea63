"""What the sandbox answers, against the providers' official OpenAPI files."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from openapi_spec import SPECS, known_keys

from smsnotify.model.fault import Fault
from smsnotify.model.http import HttpRequest
from smsnotify.sandbox.exchange import Exchange
from smsnotify.sandbox.provider import create_provider

SID = "AC" + "0" * 32
ACCOUNT = f"/2010-04-01/Accounts/{SID}"
SUBACCOUNT = "/api/v1/subaccounts/acme"
OWNER = "/api/v1/accounts/0a1b2c3d-0000-4000-8000-000000000001"
HOST = "http://127.0.0.1:8788"


class Caller:
    """Calls the sandbox and holds every answer against the file."""

    def __init__(self, provider: str) -> None:
        self.now = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
        self.exchange = Exchange(clock=lambda: self.now)
        self._spec = SPECS[provider]
        transport = httpx.ASGITransport(create_provider(self.exchange))
        self.client = httpx.AsyncClient(transport=transport, base_url=HOST)
        if provider == "twilio":
            self.client.auth = httpx.BasicAuth(SID, "token")
        else:
            self.client.headers["Authorization"] = "Bearer key"

    async def call(self, method: str, path: str, status: int, **options: Any) -> Any:
        answer = await self.client.request(method, path, **options)
        assert answer.status_code == status, answer.text
        operation = self._spec.operation(HttpRequest(method=method, url=str(answer.request.url)))
        assert status >= 400 or str(status) in operation["responses"]
        body = answer.json() if answer.content else None
        schema = self._spec.answer_schema(operation, status)
        if schema is not None:
            assert self._spec.errors(schema, body) == []
            known_keys(self._spec, schema, body)
        return body

    async def settle(self, seconds: float = 3.0) -> None:
        self.now += timedelta(seconds=seconds)
        await self.exchange.agenda.settle()


def send(**fields: str) -> dict[str, str]:
    return {"To": "+6591230001", "From": "+6531590000", "Body": "Hi"} | fields


def test_twilio_sends_fetches_lists_and_deletes() -> None:
    async def walk() -> None:
        caller = Caller("twilio")
        service = {"MessagingServiceSid": "MG" + "a" * 32}
        later = (caller.now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = f"{ACCOUNT}/Messages.json"
        first = await caller.call("POST", path, 201, data=send())
        fields = service | {"To": "+6591230002", "Body": "王 😀"}
        await caller.call("POST", path, 201, data=fields)
        scheduled = fields | {"ScheduleType": "fixed", "SendAt": later}
        waiting = await caller.call("POST", path, 201, data=scheduled)
        assert (first["status"], waiting["status"]) == ("queued", "scheduled")
        await caller.settle()
        one = f"{ACCOUNT}/Messages/{first['sid']}.json"
        assert (await caller.call("GET", one, 200))["status"] == "delivered"
        cancelled = await caller.call(
            "POST",
            f"{ACCOUNT}/Messages/{waiting['sid']}.json",
            200,
            data={"Status": "canceled"},
        )
        assert cancelled["status"] == "canceled"
        listed = await caller.call("GET", path, 200, params={"PageSize": 2})
        assert [row["to"] for row in listed["messages"]] == ["+6591230002"] * 2
        rest = await caller.client.get(listed["next_page_uri"])
        assert [row["sid"] for row in rest.json()["messages"]] == [first["sid"]]
        mine = await caller.call("GET", path, 200, params={"To": "+6591230001"})
        assert [row["sid"] for row in mine["messages"]] == [first["sid"]]
        await caller.call("DELETE", one, 204)
        await caller.call("GET", one, 404)
        balance = await caller.call("GET", f"{ACCOUNT}/Balance.json", 200)
        assert balance["currency"] == "USD"

    asyncio.run(walk())


def test_twilio_takes_feedback_and_a_redaction() -> None:
    async def walk() -> None:
        caller = Caller("twilio")
        sent = await caller.call("POST", f"{ACCOUNT}/Messages.json", 201, data=send())
        one = f"{ACCOUNT}/Messages/{sent['sid']}"
        await caller.call("POST", f"{one}/Feedback.json", 200, data={"Outcome": "confirmed"})
        redacted = await caller.call("POST", f"{one}.json", 200, data={"Body": ""})
        assert redacted["body"] == ""

    asyncio.run(walk())


def test_8x8_sends_batches_and_looks_up() -> None:
    async def walk() -> None:
        caller = Caller("8x8")
        text = {"destination": "+6591230001", "text": "Hi", "source": "ACME"}
        path = f"{SUBACCOUNT}/messages"
        sent = await caller.call("POST", path, 200, json=text | {"clientMessageId": "m1"})
        one = f"{path}/{sent['umid']}"
        assert (await caller.call("GET", one, 200))["status"]["state"] == "queued"
        await caller.settle()
        found = await caller.call("GET", one, 200)
        assert (found["status"]["state"], found["country"]) == ("delivered", "SG")
        rows = [text | {"clientMessageId": f"m{n}"} for n in range(250)]
        asked = {"messages": rows, "includeMessagesInResponse": True}
        batch = await caller.call("POST", f"{path}/batch", 200, json=asked)
        assert (batch["acceptedCount"], len(batch["messages"])) == (250, 250)
        template = {"template": {"text": "Hi", "source": "ACME"}, "clientBatchId": "evening"}
        several = template | {"destinations": ["+6591230001", "6591230002"]}
        short = await caller.call("POST", f"{path}/batch", 200, json=several)
        assert "messages" not in short
        assert short["acceptedCount"] == 2
        assert short["clientBatchId"] == "evening"

    asyncio.run(walk())


def test_8x8_tells_why_a_text_failed_and_cancels_what_waits() -> None:
    async def walk() -> None:
        caller = Caller("8x8")
        path = f"{SUBACCOUNT}/messages"
        caller.exchange.book.phone("+6591230001").is_gone = True
        text = {"destination": "+6591230001", "text": "Hi"}
        sent = await caller.call("POST", path, 200, json=text)
        await caller.settle()
        status = (await caller.call("GET", f"{path}/{sent['umid']}", 200))["status"]
        assert (status["state"], status["errorCode"]) == ("undelivered", 59)
        later = (caller.now + timedelta(days=1)).isoformat()
        one = await caller.call("POST", path, 200, json=text | {"scheduled": later})
        cancelled = await caller.call("DELETE", f"{path}/{one['umid']}", 200)
        assert cancelled == {"cancelledCount": 1}
        rows = {"messages": [text | {"scheduled": later}] * 3}
        batch = await caller.call("POST", f"{path}/batch", 200, json=rows)
        cancelled = await caller.call("DELETE", f"{path}/batch/{batch['batchId']}", 200)
        assert cancelled == {"cancelledCount": 3}
        done = {"outcome": "success"}
        await caller.call("POST", f"{path}/{sent['umid']}/feedback", 200, json=done)

    asyncio.run(walk())


def test_8x8_tells_balance_prices_and_webhooks() -> None:
    async def walk() -> None:
        caller = Caller("8x8")
        await caller.call("GET", f"{OWNER}/balance", 200)
        priced = await caller.call("GET", f"{OWNER}/prices", 200, params={"country": "SG"})
        (country,) = priced["subAccounts"][0]["outbound"][0]["countries"]
        assert country["alpha2Code"] == "SG"
        hook = {"subAccountId": "*", "url": f"{HOST}/x", "httpAuthorization": "Bearer abc"}
        await caller.call("POST", f"{OWNER}/webhooks", 200, json=[hook])
        (listed,) = await caller.call("GET", f"{OWNER}/webhooks", 200)
        assert listed["httpAuthorization"] == "***"
        await caller.call("DELETE", f"{OWNER}/webhooks", 200, json=[{"subAccountId": "*"}])
        assert await caller.call("GET", f"{OWNER}/webhooks", 200) == []

    asyncio.run(walk())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"destination": "12"}, 1002),
        ({"text": ""}, 1004),
        ({"text": "x" * 1531}, 1004),
        ({"source": "x" * 17}, 1005),
        ({"expiry": "2026-03-02T03:59:59Z"}, 1006),
        ({"encoding": "UNICODE"}, 1003),
        ({"scheduled": "2026-03-12T04:00:00Z"}, 1011),
        ({"dlrCallbackUrl": "ftp://x"}, 3020),
        ({"clientMessageId": "x" * 351}, 3009),
    ],
)
def test_8x8_refuses_with_the_documented_code(change: dict[str, str], code: int) -> None:
    async def walk() -> None:
        caller = Caller("8x8")
        text = {"destination": "+6591230001", "text": "Hi", "source": "ACME"} | change
        refused = await caller.call("POST", f"{SUBACCOUNT}/messages", 400, json=text)
        assert refused["code"] == code
        asked = {"messages": [text], "includeMessagesInResponse": True}
        answer = await caller.client.post(f"{SUBACCOUNT}/messages/batch", json=asked)
        (row,) = answer.json()["messages"]
        assert row["status"]["code"] == "REJECTED"

    asyncio.run(walk())


def test_8x8_errors_are_as_the_file_shows_them() -> None:
    async def walk() -> None:
        caller = Caller("8x8")
        path = f"{SUBACCOUNT}/messages"
        nobody = "00000000-0000-0000-0000-000000000000"
        assert (await caller.call("GET", f"{path}/{nobody}", 404))["code"] == 1300
        assert (await caller.call("GET", f"{path}/no-guid", 400))["code"] == 1000
        caller.exchange.faults.once(Fault.TOO_MANY)
        refused = await caller.client.post(path, json={})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        del caller.client.headers["Authorization"]
        assert (await caller.call("GET", f"{path}/{nobody}", 401))["code"] == 1200

    asyncio.run(walk())


def test_a_batch_says_which_of_its_texts_was_refused() -> None:
    async def walk() -> None:
        caller = Caller("8x8")
        rows = [{"destination": "+6591230001", "text": "Hi", "clientMessageId": "good"}]
        rows.append({"destination": "12345", "text": "Hi", "clientMessageId": "bad"})
        asked = {"messages": rows, "includeMessagesInResponse": True}
        answer = await caller.client.post(f"{SUBACCOUNT}/messages/batch", json=asked)
        told = json.loads(answer.content)
        assert (told["acceptedCount"], told["rejectedCount"]) == (1, 1)
        words = {row["clientMessageId"]: row["status"] for row in told["messages"]}
        assert words["good"]["code"] == "QUEUED"
        assert words["bad"]["description"] == "Phone number is not in the E.164 format"

    asyncio.run(walk())
