"""How Twilio's answers and webhook calls are read. The adapter itself is in `twilio.py`."""

from __future__ import annotations

import string
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec

from smsnotify.base.errors import WebhookError
from smsnotify.model.http import HttpResponse
from smsnotify.model.message import MessageState, OutboundMessage, Outcome, Receipt, Result
from smsnotify.providers.answers import (
    answer_text,
    by_status,
    count_of,
    read_http_date,
    retry_after_s,
    text_of,
)
from smsnotify.providers.base import WebhookCall
from smsnotify.providers.twilio_codes import WAIT_S, receipt_code, request_code
from smsnotify.providers.twilio_signature import is_form, read_form

STATES: Final[dict[str, MessageState]] = {
    "accepted": MessageState.ACCEPTED,
    "scheduled": MessageState.ACCEPTED,
    "queued": MessageState.ACCEPTED,
    "sending": MessageState.ACCEPTED,
    "sent": MessageState.SENT,
    "delivered": MessageState.DELIVERED,
    "undelivered": MessageState.UNDELIVERED,
    "failed": MessageState.FAILED,
    "canceled": MessageState.CANCELLED,
    "read": MessageState.READ,
    # Not expected for SMS: the network has it, and nobody says that the phone has all of it.
    "partially_delivered": MessageState.SENT,
}
INBOUND: Final = frozenset({"receiving", "received"})
FAILURES: Final = frozenset({MessageState.FAILED, MessageState.UNDELIVERED})
_TAKEN: Final = frozenset(word for word, state in STATES.items() if state is MessageState.ACCEPTED)


# Every byte as a form writes it. A look into a table is several times faster than urlencode,
# which is the dearest part of a send; a test holds the two equal.
_UNRESERVED: Final = frozenset(string.ascii_letters + string.digits + "_.-~")
_AS_WRITTEN: Final = tuple(
    chr(byte) if chr(byte) in _UNRESERVED else "+" if byte == 32 else f"%{byte:02X}"
    for byte in range(256)
)
_ASCII: Final = dict(enumerate(_AS_WRITTEN[:128]))


def form_value(value: str) -> str:
    """Write a value as `application/x-www-form-urlencoded` wants it."""
    if value.isascii():
        return value.translate(_ASCII)
    return "".join(map(_AS_WRITTEN.__getitem__, value.encode("utf-8", "replace")))


def with_our_id(callback_url: str, message_id: str) -> str:
    """Return the callback address with our id as `m` in its query, before a fragment."""
    address, hash_sign, fragment = callback_url.partition("#")
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}m={quote(message_id, safe='')}{hash_sign}{fragment}"


class _Taken(msgspec.Struct, gc=False):
    """What a text that was taken is answered with, as far as it matters."""

    sid: str
    status: str
    error_code: str | int | None = None


_decode_taken: Final = msgspec.json.Decoder(_Taken).decode


def read_taken(message: OutboundMessage, response: HttpResponse) -> Outcome | None:
    """Read the usual answer, and nothing of it that is not needed; None: read it as a whole."""
    if response.status != 201:
        return None
    try:
        taken = _decode_taken(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if taken.error_code is not None or taken.status not in _TAKEN:
        return None
    if not (taken.sid.isascii() and taken.sid.isalnum()):
        return None
    return Outcome(
        message_id=message.id,
        result=Result.ACCEPTED,
        provider_message_id=taken.sid,
        http_status=201,
    )


def read_refusal(message: OutboundMessage, response: HttpResponse, body: dict[str, Any]) -> Outcome:
    """Read an answer without a message in it: the status decides, the code refines."""
    result, error = by_status(response.status)
    code = text_of(body, "code")
    if result is Result.REJECTED and response.status not in (401, 403):
        result, error = request_code(code, (result, error))
    wait_s = None
    if result is Result.RETRY:
        wait_s = retry_after_s(response.headers)
        wait_s = WAIT_S.get(code) if wait_s is None else wait_s
    return Outcome(
        message_id=message.id,
        result=result,
        error=error,
        raw_code=code,
        raw_text=answer_text(body.get("message")),
        http_status=response.status,
        retry_after_s=wait_s,
    )


def created_at(row: dict[str, Any], otherwise: datetime) -> datetime:
    """Return when Twilio made a message; `otherwise` when that cannot be read."""
    return read_http_date(text_of(row, "date_created")) or otherwise


def read_row(row: dict[str, Any]) -> Receipt:
    """Read a message resource as a receipt; amounts and counts are texts there."""
    word, code = text_of(row, "status"), text_of(row, "error_code")
    state = STATES.get(word)
    return Receipt(
        provider_message_id=text_of(row, "sid"),
        state=state,
        error=receipt_code(code) if state in FAILURES else None,
        raw_word=word,
        raw_code=code,
        at=read_http_date(text_of(row, "date_updated")),
        price=text_of(row, "price").lstrip("-"),  # charges have been seen as negative amounts
        currency=text_of(row, "price_unit"),
        segments=count_of(row.get("num_segments")),
    )


def read_fields(call: WebhookCall) -> dict[str, str]:
    """Return the form's fields, the first of repeated ones.

    Raises:
        WebhookError: no form, or one without the id of a message.
    """
    if not is_form(call):
        raise WebhookError("the call is not a form: a layout that we do not know")
    fields: dict[str, str] = {}
    for name, value in read_form(call):
        fields.setdefault(name, value.replace("\x00", ""))
    sid = fields.get("MessageSid") or fields.get("SmsSid", "")
    if not sid:
        raise WebhookError("the call names no message: a layout that we do not know")
    return fields | {"MessageSid": sid}
