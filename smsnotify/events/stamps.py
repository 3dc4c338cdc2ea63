"""A job's own stamps in one notation, so that two notations of one moment are one stamp."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from smsnotify.model.job import Scalar

_AFTER_SECONDS = (".", "Z")
_LONGEST = 64  # of what is no stamp: it becomes a part of keys, and an index has its limits


def same_notation(written: Scalar) -> str:
    """Return a stamp as `2026-03-02T06:41:00Z`, `''` when it is not set.

    Whole seconds, because sources differ in the fraction that they write. A stamp without an
    offset, or one that cannot be read, stays as it was written.
    """
    if not written:
        return ""
    text = written if type(written) is str else str(written)
    if text[-1] == "Z" and text[10:11] == "T" and text[19:20] in _AFTER_SECONDS:
        return f"{text[:19]}Z"
    return _in_utc(text)


@lru_cache(maxsize=4096)
def _in_utc(text: str) -> str:
    try:
        instant = datetime.fromisoformat(text.strip())
        if instant.tzinfo is None:
            return text.strip()
        return f"{instant.astimezone(UTC).isoformat()[:19]}Z"
    except (ValueError, OverflowError):
        return text.strip()[:_LONGEST]


def gap(first: str, second: str) -> timedelta | None:
    """Return how much later `second` is than `first`, None when either has no readable time."""
    try:
        start, end = datetime.fromisoformat(first), datetime.fromisoformat(second)
        return end - start
    except (ValueError, TypeError):
        return None
