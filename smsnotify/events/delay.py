"""Will the driver come later than planned?

Source: help.detrack.com, article 6553355 (checked August 2026): `live_eta` past `eta_time`.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from smsnotify.model.job import Job, Scalar

_CLOCK = re.compile(r"(\d{1,2})[:.]?(\d{2})(?::\d{2}(?:\.\d+)?)?\s*(?:([ap])\.?m\.?|hrs?|h)?", re.I)
_HALF_DAY: Final = timedelta(hours=12)


def is_delayed(job: Job, zone: tzinfo | None = None) -> bool:
    """Say whether `live_eta` is past `eta_time`.

    Each may be `14:30`, `02:30 PM` or ISO 8601. An instant is moved to the job's `time_zone`,
    else to `zone`, else its own offset is taken for local; one in plain UTC then tells no local
    time. Two clock times are of one day, unless the live one is over 12 hours earlier: then it is
    past midnight. What cannot be compared is no delay.
    """
    planned, live = _read(job.eta_time), _read(job.live_eta)
    if planned is None or live is None:
        return False
    if isinstance(planned, time) and isinstance(live, time):
        late = datetime.combine(date.min, live) - datetime.combine(date.min, planned)
        return late > timedelta() or late < -_HALF_DAY
    local = _zone(job.time_zone) or zone
    planned, live = _here(planned, local), _here(live, local)
    if planned is None or live is None:
        return False
    day = _day(job.date)
    for moment in (planned, live):
        if day is None and isinstance(moment, datetime):
            day = moment.date()
    return _at(day or date.min, live) > _at(day or date.min, planned)


def _at(day: date, moment: time | datetime) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(day, moment)


@lru_cache(maxsize=4096)
def _read(written: Scalar) -> time | datetime | None:
    text = str(written).strip()
    clock = _CLOCK.fullmatch(text)
    try:
        if clock:
            return _clock(int(clock[1]), int(clock[2]), (clock[3] or "").lower())
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _here(moment: time | datetime, zone: tzinfo | None) -> time | datetime | None:
    """Return a date and time as a clock on the wall shows it; None when nobody knows that."""
    if isinstance(moment, time) or moment.tzinfo is None:
        return moment
    try:
        if zone is not None:
            return moment.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return None
    return moment.replace(tzinfo=None) if moment.utcoffset() else None


def _clock(hour: int, minute: int, half: str) -> time:
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("no hour of a half day")
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, minute)


def _day(written: Scalar) -> date | None:
    try:
        return date.fromisoformat(str(written)[:10])
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _zone(name: Scalar) -> tzinfo | None:
    if not isinstance(name, str) or not name.strip():
        return None
    try:
        return ZoneInfo(name.strip())
    except (ValueError, OSError, KeyError):
        return None
