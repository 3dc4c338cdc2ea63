"""Whose clock decides: the contact's zone, the job's, the country's, or the settings'."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from smsnotify.model.decision import Draft
from smsnotify.model.facts import Facts, Policy
from smsnotify.text.zones import zone_of_country


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; or no name at all; or a folder's
        return None


def known_zone(name: object) -> ZoneInfo | None:
    """Return the zone of an IANA name, None for anything else."""
    return _zone(name.strip()) if isinstance(name, str) and name.strip() else None


def recipient_zone(
    draft: Draft, facts: Facts, policy: Policy, now: datetime
) -> tuple[ZoneInfo, str]:
    """Return the zone to judge a recipient's hours by, and in words which one won."""
    person = facts.people.get(draft.recipient)
    if person is not None and (zone := known_zone(person.time_zone)):
        return zone, f"the contact's zone {zone.key}"
    if zone := known_zone(draft.event.job.time_zone):
        return zone, f"the job's zone {zone.key}"
    if zone := known_zone(zone_of_country(draft.country, now)):
        return zone, f"{draft.country}'s zone {zone.key}"
    zone = known_zone(policy.timezone) or ZoneInfo("UTC")
    return zone, f"the settings' zone {zone.key}"


def local_instant(day: datetime, at: time, zone: ZoneInfo) -> datetime:
    """Return the instant of a local wall-clock time on the local day of `day`.

    A time that the clocks skip moves to the next valid one; of a doubled one the first counts.
    """
    wall = datetime.combine(day.date(), at)
    instant = wall.replace(tzinfo=zone, fold=0)
    gap = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    skipped = (instant.utcoffset() or timedelta()) < gap
    return _after_gap(wall, zone) if skipped else instant


def next_opening(day: datetime, at: time, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the instant in UTC at which local hours begin on the local day of `day`.

    Where the clocks show that hour twice, and the first of them is over at `now`, the second.
    """
    opens = local_instant(day, at, zone)
    if opens.astimezone(UTC) <= now:
        opens = opens.replace(fold=1)
    return opens.astimezone(UTC)


def _after_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """Find the first wall-clock minute after a gap; gaps are at most a few hours."""
    probe = wall
    for _ in range(24 * 60):
        probe += timedelta(minutes=1)
        before = probe.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
        after = probe.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
        if before >= after:
            return probe.replace(tzinfo=zone)
    return wall.replace(tzinfo=zone)
