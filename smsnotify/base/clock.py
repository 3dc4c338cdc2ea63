"""The only place that asks the machine what time it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives an aware instant in UTC."""


def system_clock() -> datetime:
    """Return the machine's time, aware, in UTC."""
    return datetime.now(UTC)


def system_micros() -> int:
    """Return the machine's time in whole microseconds since 1970 UTC, for who asks often."""
    return time.time_ns() // 1000


def fixed_clock(at: datetime) -> Clock:
    """Return a clock that always says `at` (`--as-of`, tests). `at` must be aware."""
    if at.tzinfo is None:
        raise ValueError("a clock needs an aware instant")
    instant = at.astimezone(UTC)
    return lambda: instant
