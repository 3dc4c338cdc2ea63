"""Reads what 8x8 is asked to send: one text, or a batch with its template."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from smsnotify.providers.answers import read_iso_instant
from smsnotify.sandbox.caller import is_web_address
from smsnotify.sandbox.eight_answers import BadEntryError, RefusedCall
from smsnotify.text.phone import read_number
from smsnotify.text.size import measure

_DESTINATION: Final = re.compile(r"\+?[1-9][0-9]{6,14}")
_MOST_IN_A_BATCH: Final = 10_000
_LONGEST_SOURCE: Final = 16
_LONGEST_CLIENT_ID: Final = 350
_LONGEST_BATCH_ID: Final = 20
_MOST_SEGMENTS: Final = 10
_LATEST: Final = timedelta(days=7)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One text as it was asked for; `phone` in E.164."""

    phone: str
    text: str
    source: str
    encoding: str
    client_id: str
    callback_url: str
    expiry: datetime | None
    scheduled: datetime | None


def read_entry(row: dict[str, Any], now: datetime) -> Entry:
    """Read one text.

    Raises:
        BadEntryError: 8x8 would refuse it.
    """
    text = _text_of(row)
    source, client_id = _string(row, "source"), _string(row, "clientMessageId")
    if len(source) > _LONGEST_SOURCE:
        raise BadEntryError(1005, "Source is over the limit")
    if len(client_id) > _LONGEST_CLIENT_ID:
        raise BadEntryError(3009, "Client message id is too long")
    encoding = _string(row, "encoding") or "AUTO"
    if encoding not in ("AUTO", "GSM7", "UCS2"):
        raise BadEntryError(1003, "Invalid encoding")
    callback = _string(row, "dlrCallbackUrl")
    if callback and not is_web_address(callback):
        raise BadEntryError(3020, "Invalid dlr callback url")
    expiry, scheduled = _instant(row, "expiry", 1006), _instant(row, "scheduled", 1011)
    if expiry is not None and expiry <= now:
        raise BadEntryError(1006, "SMS expiry is already passed")
    if scheduled is not None and scheduled - now > _LATEST:
        raise BadEntryError(1011, "Invalid schedule time")
    return Entry(
        phone=_phone(row),
        text=text,
        source=source,
        encoding=encoding,
        client_id=client_id,
        callback_url=callback,
        expiry=expiry,
        scheduled=scheduled,
    )


def read_batch(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a batch, each with what the template says for all.

    Raises:
        RefusedCall: the whole batch is refused.
    """
    template = body.get("template") or {}
    rows = body.get("messages")
    if not rows:
        destinations = body.get("destinations")
        listed = destinations if isinstance(destinations, list) else []
        rows = [{"destination": one} for one in listed]
    if not isinstance(rows, list) or not isinstance(template, dict) or not rows:
        raise RefusedCall(3012, "Messages are missing")
    if len(rows) > _MOST_IN_A_BATCH:
        raise RefusedCall(3013, "Too many messages in the batch")
    if len(str(body.get("clientBatchId") or "")) > _LONGEST_BATCH_ID:
        raise RefusedCall(3014, "Client batch id is too long")
    if not all(isinstance(row, dict) for row in rows):
        raise RefusedCall(1000, "A message is no JSON object")
    return [template | {key: value for key, value in row.items() if value} for row in rows]


def _text_of(row: dict[str, Any]) -> str:
    text = _string(row, "text")
    if not text:
        raise BadEntryError(1004, "SMS text is missing")
    if measure(text).segments > _MOST_SEGMENTS:
        raise BadEntryError(1004, "SMS text is over the limit")
    return text


def _phone(row: dict[str, Any]) -> str:
    written, country = _string(row, "destination"), _string(row, "country")
    if country and not written.startswith("+"):
        read = read_number(written, country.upper(), "")
        if read.e164:
            return read.e164
    if not _DESTINATION.fullmatch(written):
        raise BadEntryError(1002, "Phone number is not in the E.164 format")
    return f"+{written.lstrip('+')}"


def _string(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadEntryError(1000, f"{key} must be a string")
    return value


def _instant(row: dict[str, Any], key: str, code: int) -> datetime | None:
    if not row.get(key):
        return None
    read = read_iso_instant(row[key])
    if read is None:
        raise BadEntryError(code, f"Invalid {key}")
    return read
