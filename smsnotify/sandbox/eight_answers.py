"""8x8's answers: sends, details of one text, prices, and errors."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from smsnotify.sandbox.texts import Text
from smsnotify.sandbox.webhooks import CURRENCY, PRICE, eight_price, eight_status, eight_time
from smsnotify.text.phone import country_of


class RefusedCall(Exception):  # noqa: N818 - a refusal is the answer that was asked for
    """A whole request that 8x8 would refuse, with its code."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        """Keep the three."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class BadEntryError(Exception):
    """One text that 8x8 would refuse: alone with a code, in a batch with a sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        """Keep both."""
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def answer(body: object, status: int = 200) -> Response:
    """Return JSON."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def error(status: int, code: int, message: str, at: datetime) -> Response:
    """Return an error as 8x8 writes it."""
    told = {
        "code": code,
        "message": message,
        "errorId": str(uuid.uuid4()),
        "timestamp": eight_time(at),
    }
    return answer(told, status)


def is_refused(status: int, retry_after_s: int, at: datetime) -> Response:
    """Return the refusal of a bad day."""
    told = {
        429: (429, f"Quota exceeded. Please try again in {retry_after_s} second(s)."),
        500: (2000, "Internal server error"),
        503: (2000, "Service unavailable"),
    }
    refusal = error(status, *told[status], at)
    if status == 429:
        refusal.headers["Retry-After"] = str(retry_after_s)
    return refusal


def entry(text: Text) -> dict[str, Any]:
    """Return an accepted text as the send's answer has it."""
    told: dict[str, Any] = {"umid": text.id}
    if text.client_id:
        told["clientMessageId"] = text.client_id
    return told | {
        "destination": text.phone.lstrip("+"),
        "encoding": text.size.encoding.value,
        "status": {"code": "QUEUED", "description": "SMS is accepted and queued for processing"},
    }


def rejected(row: dict[str, Any], bad: BadEntryError) -> dict[str, Any]:
    """Return a text of a batch that was not taken."""
    told: dict[str, Any] = {"umid": str(uuid.uuid4())}
    if isinstance(row.get("clientMessageId"), str):
        told["clientMessageId"] = row["clientMessageId"]
    return told | {
        "destination": str(row.get("destination", "")).lstrip("+"),
        "encoding": row.get("encoding", "AUTO"),
        "status": {"code": "REJECTED", "description": bad.sentence},
    }


def resource(text: Text) -> dict[str, Any]:
    """Return the details of one text: number and body are masked, as 8x8 does."""
    told: dict[str, Any] = {
        "umid": text.id,
        "subAccountId": text.account,
        "direction": "inbound" if text.inbound else "outbound",
        "country": country_of(text.phone),
        "status": eight_status(text),
        "msisdn": f"{text.phone[:-4]}xxxx",
        "source": text.ours,
        "body": "**MASKED**",
        "encoding": text.size.encoding.value,
        "createdAt": eight_time(text.created_at),
        "smsCount": text.size.segments,
        "price": eight_price(text),
    }
    optional = {
        "clientMessageId": text.client_id,
        "clientBatchId": text.client_batch_id,
        "batchId": text.batch_id,
    }
    return told | {name: value for name, value in optional.items() if value}


def prices(subaccount: str, country: str) -> dict[str, Any]:
    """Return a price list: the same everywhere."""
    countries = [
        {
            "alpha2Code": code,
            "countryName": name,
            "dialingPrefix": prefix,
            "operators": [
                {
                    "operatorName": "Sandbox",
                    "operatorId": 1,
                    "price": {"amount": PRICE, "currency": CURRENCY},
                }
            ],
        }
        for code, name, prefix in (("SG", "Singapore", "+65"), ("MY", "Malaysia", "+60"))
        if country in ("", code)
    ]
    outbound = [{"countries": countries}]
    return {"subAccounts": [{"subAccountId": subaccount, "outbound": outbound}]}
