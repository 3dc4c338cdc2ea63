"""How 8x8's answers and webhook calls are read. The adapter itself is in `eight_x_eight.py`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from smsnotify.base.errors import WebhookError
from smsnotify.model.http import HttpResponse
from smsnotify.model.message import (
    ErrorWord,
    MessageState,
    OutboundMessage,
    Outcome,
    Receipt,
    Result,
)
from smsnotify.providers.answers import (
    answer_text,
    by_status,
    count_of,
    read_iso_instant,
    table_of,
    text_of,
)
from smsnotify.providers.base import WebhookCall
from smsnotify.providers.eight_x_eight_codes import (
    RECEIPT_CODES,
    REQUEST_CODES,
    rejected_description,
)

RECEIPT_EVENT: Final = "outbound_message_status_changed"
INBOUND_EVENT: Final = "inbound_message_received"

_STATES: Final[dict[str, MessageState]] = {
    "queued": MessageState.ACCEPTED,
    "sent": MessageState.SENT,
    "delivered": MessageState.DELIVERED,
    "undelivered": MessageState.UNDELIVERED,
    "rejected": MessageState.FAILED,
    "read": MessageState.READ,
    # Named only in the look-up's page; `unknown` and `ok` say nothing and stay open.
    "failed": MessageState.FAILED,
    "error": MessageState.FAILED,
}
_FAILURES: Final = frozenset({MessageState.UNDELIVERED, MessageState.FAILED})


def read_refusal(response: HttpResponse, body: dict[str, Any]) -> tuple[Result, ErrorWord]:
    """Read an answer without messages in it: the status decides, the code refines."""
    result, error = by_status(response.status)
    if result is Result.REJECTED and response.status not in (401, 403, 426):
        return REQUEST_CODES.get(text_of(body, "code"), (result, error))
    return result, error


def read_entry(message: OutboundMessage, entry: dict[str, Any], response: HttpResponse) -> Outcome:
    """Read one message's answer, alone or in a batch: `status.code` and `status.description`."""
    status = table_of(entry, "status")
    code, sentence = text_of(status, "code"), text_of(status, "description")
    error: ErrorWord | None = None
    if code == "QUEUED":
        result = Result.ACCEPTED
    elif code == "REJECTED":
        result, error = rejected_description(sentence)
    else:
        result, error = Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR
    return Outcome(
        message_id=message.id,
        result=result,
        provider_message_id=text_of(entry, "umid"),
        error=error,
        raw_code=code,
        raw_text="" if result is Result.ACCEPTED else answer_text(sentence),
        http_status=response.status,
    )


def read_batch(
    messages: Sequence[OutboundMessage], body: dict[str, Any], response: HttpResponse
) -> list[Outcome]:
    """Match a batch's answers by `clientMessageId`, else by order; a missing one is unknown."""
    entries = tables(body.get("messages"))
    if body.get("messages") is None and body.get("acceptedCount") == len(messages):
        # The list may be null; a count that covers every message is as good, without the ids.
        return [
            Outcome(message_id=message.id, result=Result.ACCEPTED, http_status=response.status)
            for message in messages
        ]
    by_id: dict[str, dict[str, Any]] = {}
    for entry in entries:
        by_id.setdefault(text_of(entry, "clientMessageId"), entry)
    outcomes = []
    for place, message in enumerate(messages):
        entry = by_id.get(message.id) or _by_order(messages, entries, place)
        outcomes.append(read_entry(message, entry, response))
    return outcomes


def _by_order(
    messages: Sequence[OutboundMessage], entries: list[dict[str, Any]], place: int
) -> dict[str, Any]:
    """Return the entry at the same place, if it has no id and is about the same number."""
    if len(entries) != len(messages) or text_of(entries[place], "clientMessageId"):
        return {}
    there = text_of(entries[place], "destination").lstrip("+")
    return entries[place] if there in ("", messages[place].recipient.lstrip("+")) else {}


def read_receipt(payload: dict[str, Any]) -> Receipt:
    """Read a receipt's payload, or the details of one message: they share their fields."""
    status, price = table_of(payload, "status"), table_of(payload, "price")
    word, detail, code = (text_of(status, key) for key in ("state", "detail", "errorCode"))
    state = _STATES.get(word.lower())
    if state is MessageState.DELIVERED and detail == "delivered_to_operator":
        state = MessageState.SENT  # the network has it; nobody says that the phone has
    error = RECEIPT_CODES.get(code, ErrorWord.UNKNOWN_ERROR) if state in _FAILURES else None
    return Receipt(
        provider_message_id=text_of(payload, "umid"),
        message_id=text_of(payload, "clientMessageId"),
        state=state,
        error=error,
        raw_word=f"{word}/{detail}" if detail else word,
        raw_code=code,
        at=read_iso_instant(status.get("timestamp")),
        price=decimal(price["total"]) if text_of(price, "total") else "",
        currency=text_of(price, "currency"),
        segments=count_of(payload.get("smsCount")),
    )


def payloads(call: WebhookCall, event_type: str) -> list[dict[str, Any]]:
    """Return the payloads of one kind of event.

    Raises:
        WebhookError: no JSON (accounts may be on an older layout, in XML), or no envelope.
    """
    if call.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise WebhookError(
            "the call is XML, an older layout that we do not read",
            hint="set the webhook anew in the Connect portal, with JSON",
        )
    read = _read_json(call.body.removeprefix(b"\xef\xbb\xbf"))
    found = []
    for envelope in read if isinstance(read, list) else [read]:
        if not isinstance(envelope, dict) or not isinstance(envelope.get("payload"), dict):
            raise WebhookError("the call has no payload: a layout that we do not know")
        if text_of(envelope, "namespace") in ("", "SMS") and (
            text_of(envelope, "eventType") == event_type
        ):
            found.append(envelope["payload"])
    return found


def _read_json(body: bytes) -> Any:
    """Read JSON; a text with half an emoji in it (cut between two segments) too."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        raise WebhookError("the call is not JSON") from None


def tables(value: object) -> list[dict[str, Any]]:
    """Return the objects in a list, or the one object that stands in a list's place."""
    if isinstance(value, dict):
        return [value]
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def with_plus(number: str) -> str:
    """Write a long number as E.164; short codes stay as they are."""
    return f"+{number}" if number.isascii() and number.isdigit() and len(number) >= 8 else number


def decimal(amount: object) -> str:
    """Write money as a plain decimal: 0.00001, never 1e-05."""
    try:
        read = Decimal(str(amount))
    except ArithmeticError:
        return ""
    return format(read, "f") if read.is_finite() and abs(read.adjusted()) < 20 else ""
