"""Durations as people write them: `30m`, `24h`, `2d`, `1d12h`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?\s*(?:ms|[smhdw])\s*)+")


def parse_duration(text: str) -> timedelta:
    """Read `200ms`, `90s`, `30m`, `24h`, `2d`, `1w` or a sum such as `1d12h`.

    Raises:
        ValueError: the text is no duration, or a longer one than a calendar holds.
    """
    cleaned = text.strip().lower()
    if not _WHOLE.fullmatch(cleaned):
        raise ValueError(f"{text!r} is no duration; write 30m, 24h, 2d or 1d12h")
    try:
        return timedelta(seconds=sum(float(n) * _UNITS[u] for n, u in _PART.findall(cleaned)))
    except OverflowError:
        raise ValueError(f"{text!r} is too long a duration") from None


def format_duration(span: timedelta) -> str:
    """Write a duration the way `parse_duration` reads it: `1d12h`, `30m`, `0s`."""
    left = int(span.total_seconds())
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, int(_UNITS[unit]))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
