"""Twilio's answers: a message as a resource, and errors."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Any

import msgspec
from starlette.responses import Response

from smsnotify.model.message import MessageState
from smsnotify.sandbox.texts import Text
from smsnotify.sandbox.webhooks import CURRENCY, PRICE, TWILIO_TROUBLES, TWILIO_WORDS


class RefusedSend(Exception):  # noqa: N818 - a refusal is the answer that was asked for
    """A request that Twilio would refuse, with its code."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        """Keep the three."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def answer(body: object, status: int = 200) -> Response:
    """Return JSON."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def error(status: int, code: int, message: str) -> Response:
    """Return an error as Twilio writes it."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return answer({"code": code, "message": message, "more_info": more, "status": status}, status)


def is_refused(status: int, retry_after_s: int) -> Response:
    """Return the refusal of a bad day."""
    told = {429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}
    refusal = error(status, 20000 + status, told[status])
    if status == 429:
        refusal.headers["Retry-After"] = str(retry_after_s)
    return refusal


def resource(text: Text) -> dict[str, Any]:
    """Return a message as Twilio shows it: counts and prices are texts, times are RFC 2822."""
    uri = f"/2010-04-01/Accounts/{text.account}/Messages/{text.id}"
    code, told = TWILIO_TROUBLES[text.trouble] if text.trouble else (None, None)
    person, ours = text.phone, text.ours or None
    waits_for_sender = bool(text.service) and text.state is MessageState.ACCEPTED
    charged = not text.inbound and text.sent_at is not None
    return {
        "sid": text.id,
        "account_sid": text.account,
        "api_version": "2010-04-01",
        "to": ours if text.inbound else person,
        "from": person if text.inbound else (None if waits_for_sender else ours),
        "messaging_service_sid": text.service or None,
        "body": text.body,
        "status": _word(text),
        "direction": "inbound" if text.inbound else "outbound-api",
        "num_segments": "0" if waits_for_sender else str(text.size.segments),
        "num_media": "0",
        "price": f"-{PRICE * text.size.segments:.5f}" if charged else None,
        "price_unit": CURRENCY,
        "error_code": code,
        "error_message": told,
        "date_created": _date(text.created_at),
        "date_updated": _date(text.updated_at),
        "date_sent": _date(text.sent_at) if text.sent_at else None,
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }


def _word(text: Text) -> str:
    if text.inbound:
        return "received"
    if text.state is MessageState.ACCEPTED and text.starts_at is not None:
        return "scheduled"
    if text.state is MessageState.ACCEPTED and text.service:
        return "accepted"
    return TWILIO_WORDS[text.state]


def _date(at: datetime) -> str:
    return format_datetime(at.replace(microsecond=0))
