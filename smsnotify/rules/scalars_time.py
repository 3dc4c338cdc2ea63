"""The types of a rule file's times: durations, ages, times of day, dates, and what they do."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, WithJsonSchema

from smsnotify.base.durations import parse_duration
from smsnotify.rules.scalars import did_you_mean, refuse, scalar

CLOCK_PATTERN: Final = r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$"
DURATION_PATTERN: Final = r"^(?=.*[1-9])\s*([0-9]+(\.[0-9]+)?\s*[smhdwSMHDW]\s*)+$"
_SHORTEST_WAIT: Final = timedelta(seconds=1)
_LONGEST_WAIT: Final = timedelta(days=1)
MOMENT_PATTERN: Final = (
    r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:?\d{2})?)?$"
)
MOMENT: Final = re.compile(MOMENT_PATTERN, re.ASCII)
_CLOCK: Final = re.compile(CLOCK_PATTERN)


def _duration(value: object) -> timedelta:
    text = scalar(value, "a duration such as 24h")
    try:
        span = parse_duration(text)
    except ValueError:
        raise refuse(f"{text!r} is no duration", "write 30m, 24h, 2d or 1d12h") from None
    if span <= timedelta(0):
        raise refuse("the duration is zero", "write 30m, 24h, 2d or 1d12h")
    return span


def _wait(value: object) -> timedelta:
    span = _duration(value)
    if not _SHORTEST_WAIT <= span <= _LONGEST_WAIT:
        longer = span > _LONGEST_WAIT
        raise refuse(
            f"{value!r} is {'longer than a day' if longer else 'less than a second'}",
            "write 10m, or anything from 1s to 24h",
        )
    return span


def read_age(value: object) -> timedelta | Literal["none"]:
    if isinstance(value, str) and value.strip().lower() == "none":
        return "none"
    return _duration(value)


def _ages(value: object) -> object:
    """Read one age; ages by event are read where the events are known."""
    if not isinstance(value, dict):
        return read_age(value)
    if not value:
        raise refuse("no event stands here", "write 24h, or {heading_to: 30m, default: 24h}")
    return value


def _clock(value: object) -> time:
    text = scalar(value, 'a time such as "18:30"').strip()
    if not _CLOCK.match(text):
        raise refuse(f"{text!r} is no time of day", 'write "08:00" or "18:30"')
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def _moment(*, end: bool) -> BeforeValidator:
    """Make the validator of a date or an instant; a date that ends something is over with it."""

    def read(value: object) -> datetime:
        text = scalar(value, "a date or an instant").strip()
        try:
            if not MOMENT.match(text):
                raise ValueError
            at = datetime.fromisoformat(text)
        except ValueError:
            raise refuse(
                f"{text!r} is no date and no instant",
                "write 2026-12-01, 2026-12-01T08:00 or 2026-12-01T08:00:00+08:00",
            ) from None
        if not 1971 <= at.year < 2900:
            raise refuse(f"the year {at.year} is out of reach", "write it as 2026-12-01")
        return at + timedelta(days=1) if end and len(text) == len("2026-12-01") else at

    return BeforeValidator(read)


def read_then(value: object) -> str:
    """Read what becomes of a text in quiet hours: hold or drop."""
    text = scalar(value, "hold or drop")
    if text in ("hold", "drop"):
        return text
    raise refuse(
        f"{text!r} is none of hold, drop", did_you_mean(text, ("hold", "drop")), "unknown_word"
    )


def _thens(value: object) -> object:
    """Read one word; words by event are read where the events are known."""
    if not isinstance(value, dict):
        return read_then(value)
    if not value:
        raise refuse("no event stands here", "write hold, or {default: hold, heading_to: drop}")
    return value


Duration = Annotated[
    timedelta | None,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
Span = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
Wait = Annotated[
    timedelta,
    BeforeValidator(_wait),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
_AGE_SCHEMA: Final[list[dict[str, Any]]] = [
    {"const": "none"},
    {"type": "string", "pattern": DURATION_PATTERN},
]
Ages = Annotated[
    Any,  # a timedelta, "none", None, or a mapping of what was written by event
    BeforeValidator(_ages),
    WithJsonSchema(
        {
            "anyOf": [
                *_AGE_SCHEMA,
                {
                    "type": "object",
                    "additionalProperties": {"anyOf": _AGE_SCHEMA},
                    "minProperties": 1,
                },
            ]
        }
    ),
]
Thens = Annotated[
    Any,  # hold, drop, None, or a mapping of what was written by event
    BeforeValidator(_thens),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["hold", "drop"]},
                {
                    "type": "object",
                    "additionalProperties": {"enum": ["hold", "drop"]},
                    "minProperties": 1,
                },
            ]
        }
    ),
]
Clock = Annotated[
    time,
    BeforeValidator(_clock),
    WithJsonSchema({"type": "string", "pattern": CLOCK_PATTERN}),
]
_MOMENT_SCHEMA = WithJsonSchema({"type": "string", "pattern": MOMENT_PATTERN})
Begin = Annotated[datetime | None, _moment(end=False), _MOMENT_SCHEMA]
End = Annotated[datetime | None, _moment(end=True), _MOMENT_SCHEMA]
