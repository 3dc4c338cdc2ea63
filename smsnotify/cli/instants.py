"""Points in time as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from smsnotify.base.clock import Clock, fixed_clock
from smsnotify.base.durations import format_duration, parse_duration
from smsnotify.base.errors import UsageError

_YEARS: Final = range(1971, 2900)


def read_as_of(written: str, clock: Clock, timezone: str, *, option: str = "--as-of") -> Clock:
    """Return the clock of a run: `--as-of` if it was given, else the machine's.

    Raises:
        UsageError: not an instant.
    """
    if not written:
        return clock
    from smsnotify.gates.zones import known_zone

    try:
        at = datetime.fromisoformat(written)
        if at.tzinfo is None:
            at = at.replace(tzinfo=known_zone(timezone))
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        at = datetime.min.replace(tzinfo=UTC)
    if at.year not in _YEARS:
        raise UsageError(f"{option} {written!r} is no time", hint="write 2026-03-02T18:00:00+08:00")
    return fixed_clock(at)


def read_since(written: str, now: datetime) -> datetime:
    """Read `2h`, `3d` (before now), a date or an ISO instant; without an offset it is UTC.

    Raises:
        UsageError: none of these.
    """
    try:
        return now - parse_duration(written)
    except (ValueError, OverflowError):
        pass
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise UsageError(
            f"{written!r} is no point in time", hint="write 2h, 3d, 2026-03-02 or an ISO instant"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def local_time(at: datetime, timezone: str) -> str:
    """Return an instant on the clock of the settings' zone, which is named."""
    from smsnotify.gates.zones import known_zone

    return f"{at.astimezone(known_zone(timezone)):%Y-%m-%d %H:%M} ({timezone})"


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago something was, in its largest unit: `5m ago`, `3d ago`."""
    span = now - at
    if span.total_seconds() < 1:
        return "now"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if span.total_seconds() >= size:
            return f"{int(span.total_seconds() // size)}{unit} ago"
    return f"{format_duration(span)} ago"
