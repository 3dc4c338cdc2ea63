"""Instants as whole microseconds since 1970 UTC: how the tables keep them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@overload
def to_micros(at: datetime) -> int: ...
@overload
def to_micros(at: None) -> None: ...
def to_micros(at: datetime | None) -> int | None:
    """Return the instant as the tables keep it, exactly; None stays None. `at` is aware."""
    if at is None:
        return None
    return (at - _EPOCH) // _MICROSECOND


@overload
def from_micros(micros: int) -> datetime: ...
@overload
def from_micros(micros: None) -> None: ...
def from_micros(micros: int | None) -> datetime | None:
    """Return the aware instant in UTC; None stays None."""
    if micros is None:
        return None
    return _EPOCH + timedelta(microseconds=micros)
