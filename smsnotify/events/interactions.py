"""Interactions that somebody tells us of: one JSON object each, whatever the channel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any, Final

import msgspec

from smsnotify.base.errors import EventError
from smsnotify.events.instants import read_instant
from smsnotify.text.address import read_address

MAX_LINE: Final = 1 << 16
"""The longest interaction, in bytes: 64 KiB."""

CHANNEL: Final = "web"
"""The channel of an interaction that names none."""

_LONGEST: Final = 100
_KEYS: Final = frozenset({"channel", "event", "contact", "value", "data", "time", "id"})
_EXAMPLE: Final = '{"event": "page_view", "contact": "+6591230000", "channel": "web"}'


class Told(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One interaction as it was told. `id` is the teller's own, `''` for none."""

    event: str
    address: str
    channel: str = CHANNEL
    value: float | None = None
    data: Mapping[str, Any] = {}
    time: datetime | None = None
    id: str = ""


def read_interaction(line: bytes, country: str) -> Told:
    """Read one; `country` reads national numbers.

    Raises:
        EventError: `too_long`, `not_json`, `not_an_object`, `unknown_key`, `no_event`,
            `no_contact`, `wrong_type`, `unreadable_time`, or the reason that a number has.
    """
    if len(line) > MAX_LINE:
        raise EventError(f"the interaction is longer than {MAX_LINE >> 10} KiB", reason="too_long")
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise EventError("this is no JSON", reason="not_json", hint=_EXAMPLE) from None
    if not isinstance(value, dict):
        raise EventError("an interaction is a JSON object", reason="not_an_object", hint=_EXAMPLE)
    unknown = sorted(value.keys() - _KEYS)
    if unknown:
        raise EventError(
            f"unknown key {unknown[0][:40]!r}",
            reason="unknown_key",
            hint="what else is known goes into data",
        )
    return Told(
        event=_event(value),
        address=_address(value.get("contact"), country),
        channel=_word(value, "channel") or CHANNEL,
        value=_number(value.get("value")),
        data=_data(value.get("data")),
        time=_time(value.get("time")),
        id=_id(value.get("id")),
    )


def _event(value: Mapping[str, Any]) -> str:
    if not (word := _word(value, "event")):
        raise EventError("event says what happened", reason="no_event", hint=_EXAMPLE)
    return word


def _word(value: Mapping[str, Any], name: str) -> str:
    written = value.get(name)
    if written is None:
        return ""
    word = written.strip() if isinstance(written, str) else ""
    if not word or len(word) > _LONGEST or not word.isprintable():
        raise EventError(
            f"{name} is a word of at most {_LONGEST} characters",
            reason="wrong_type",
            hint=_EXAMPLE,
        )
    return word


def _address(written: object, country: str) -> str:
    if not isinstance(written, str) or not written.strip():
        raise EventError(
            "contact says who: a number or an email address", reason="no_contact", hint=_EXAMPLE
        )
    try:
        return read_address(written, country)
    except ValueError as error:
        raise EventError(
            "contact is neither a mobile number nor an email address", reason=str(error)
        ) from None


def _number(written: object) -> float | None:
    if written is None:
        return None
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise EventError("value is no number", reason="wrong_type")
    try:
        number = float(written)
    except OverflowError:  # a whole number of more than 308 digits
        raise EventError("value is too large", reason="wrong_type") from None
    if not isfinite(number):
        raise EventError("value is no number", reason="wrong_type")
    return number


def _data(written: object) -> dict[str, Any]:
    if written is None:
        return {}
    if not isinstance(written, dict):
        raise EventError("data is no object", reason="wrong_type")
    return written


def _time(written: object) -> datetime | None:
    if written is None:
        return None
    read = read_instant(written)
    if read is None:
        raise EventError(
            "time is no instant", reason="unreadable_time", hint="2026-03-02T14:44:10+08:00"
        )
    return read


def _id(written: object) -> str:
    if written is None:
        return ""
    if isinstance(written, bool) or not isinstance(written, str | int):
        raise EventError("id is no text", reason="wrong_type")
    text = str(written).strip()
    if not text or len(text) > _LONGEST or not text.isprintable():
        raise EventError(f"id has 1 to {_LONGEST} characters", reason="wrong_type")
    return text
