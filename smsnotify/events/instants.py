"""Instants as events and jobs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLIS_FROM: Final = 1e11  # in seconds that is the year 5138
_NUMBER = re.compile(r"[0-9]{9,13}(?:\.[0-9]+)?")
# From the first space alone: from each of many, it would take their number squared.
_OFFSET_GAP = re.compile(r"(?<!\s)\s+(?=[+\-][0-9]{2}:?[0-9]{2}$|[Zz]$)")
LAST_YEAR: Final = 9000
"""From here on an instant cannot be moved between zones without care."""


def read_instant(written: object) -> datetime | None:
    """Read an instant leniently; the result is aware and in UTC.

    ISO 8601 in the forms that `datetime.fromisoformat` knows, also with a space before the
    offset; without an offset it is read as UTC. Numbers, or text of 9 digits or more, are
    seconds since 1970, from 1e11 on milliseconds. None for anything else: a date alone is no
    instant.
    """
    try:
        instant = _read(written)
    except (ValueError, OverflowError, OSError):
        return None
    if instant is None or not 1970 <= instant.year < LAST_YEAR:
        return None
    return instant


def _read(written: object) -> datetime | None:
    if isinstance(written, bool):
        return None
    if isinstance(written, int | float):
        return _from_epoch(float(written))
    if not isinstance(written, str):
        return None
    text = _OFFSET_GAP.sub("", written.strip())
    if _NUMBER.fullmatch(text):
        return _from_epoch(float(text))
    if ":" not in text and "T" not in text.upper():
        return None
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    return instant.astimezone(UTC)


def _from_epoch(number: float) -> datetime:
    seconds = number / 1000 if abs(number) >= _MILLIS_FROM else number
    return _EPOCH + timedelta(seconds=seconds)
