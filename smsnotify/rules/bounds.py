"""What bounds a rule beyond the usual: when it is active."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from smsnotify.model.rule import Bounds
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import RuleKeys

_NONE: Final = Bounds()
_ZONES_APART: Final = timedelta(days=1)  # more than any two zones differ


def read_bounds(keys: RuleKeys, report: Reporter, path: Path) -> Bounds | None:
    """Return the bounds of a rule, None for the many that have none."""
    start, end = keys.active_from, keys.active_until
    if start is not None and end is not None and _is_over(start, end):
        report.error(
            (*path, "active_until"),
            "bad_value",
            "the rule ends before it begins: it would never be active",
            "active_until is later than active_from; a date is the last day",
        )
    bounds = Bounds(active_from=start, active_until=end)
    return None if bounds == _NONE else bounds


def _is_over(start: datetime, end: datetime) -> bool:
    """Say whether `end` cannot come after `start`, whatever the settings' zone is."""
    if (start.tzinfo is None) == (end.tzinfo is None):
        return end <= start
    plain = [at if at.tzinfo is not None else at.replace(tzinfo=UTC) for at in (start, end)]
    return plain[1] + _ZONES_APART <= plain[0]
