"""When a wait ends: never later than the enrolment does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from smsnotify.gates.zones import known_zone, local_instant
from smsnotify.text.phone import country_of
from smsnotify.text.zones import zone_of_country

_LATEST: Final = datetime.max.replace(tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_SHORTEST: Final = timedelta(microseconds=1)


def bounded(now: datetime, lasting: timedelta, latest: datetime) -> datetime:
    """Return `now` and `lasting`, or `latest` when that comes first; always after `now`."""
    lasting = max(lasting, _SHORTEST)
    return latest if lasting >= latest - now else now + lasting


def life_end(now: datetime, lasting: timedelta) -> datetime:
    """Return when a life that begins now is over."""
    return bounded(now, lasting, _LATEST)


def until_local(
    at: time,
    now: datetime,
    latest: datetime,
    *,
    zones: Iterable[object],
    number: str,
    timezone: str,
) -> datetime:
    """Return the next time that clocks show `at` where the person is, `latest` at the most.

    The first of `zones` that is one counts, then the zone of the number's country where it has
    one only, then `timezone`, then UTC. Exactly now means tomorrow.
    """
    zone = next((found for name in zones if (found := known_zone(name))), None)
    if zone is None:
        zone = known_zone(_zone_of_number(number, now)) or known_zone(timezone) or ZoneInfo("UTC")
    try:
        today = now.astimezone(zone)
        due_at = local_instant(today, at, zone)
        if due_at <= now:
            due_at = local_instant(today + _DAY, at, zone)
        return min(due_at.astimezone(UTC), latest)
    except OverflowError:  # behind the last of all days
        return latest


@lru_cache(maxsize=1024)
def _country_zone(country: str, day: int) -> str:
    return zone_of_country(country, datetime.fromordinal(day).replace(tzinfo=UTC))


def _zone_of_number(number: str, now: datetime) -> str:
    country = country_of(number) if number else ""
    return _country_zone(country, now.toordinal()) if country else ""
