"""When something happened to a job, by what stands in the job itself."""

from __future__ import annotations

from datetime import UTC, datetime

from smsnotify.gates.zones import known_zone
from smsnotify.model.event import STAMP_FIELDS, Event


def job_stamp(event: Event, timezone: str) -> datetime | None:
    """Return the job's own stamp for an event; a local one is read in the job's zone."""
    for field in STAMP_FIELDS.get(event.name, ()):
        written = getattr(event.job, field)
        if not isinstance(written, str) or not written:
            continue
        try:
            stamp = datetime.fromisoformat(written)
        except ValueError:
            continue
        if stamp.tzinfo is None:
            zone = known_zone(event.job.time_zone) or known_zone(timezone) or UTC
            stamp = stamp.replace(tzinfo=zone)
        return stamp
    return None
