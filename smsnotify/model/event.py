"""One thing that happened to a job."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from smsnotify.model.job import Job

EVENT_NAMES: Final = (
    "info_received",
    "in_transit",
    "scheduled",
    "out_for_delivery",
    "heading_to",
    "heading_to_cancelled",
    "arrived",
    "delayed",
    "completed",
    "completed_partial",
    "failed",
    "on_hold",
    "return",
    "deleted",
    "new_attempt",
    "pre_job",
    "feedback",
    "reply",
)
"""Every event that a rule may listen to, besides a rule file's own `custom_events`."""

STAMP_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "info_received": ("info_received_at",),
    "scheduled": ("scheduled_at",),
    "out_for_delivery": ("out_for_delivery_at",),
    "heading_to": ("head_to_delivery_at", "head_to_pick_up_at"),
    "arrived": ("arrived_at",),
    "completed": ("pod_at",),
    "completed_partial": ("pod_at",),
    "failed": ("pod_at",),
}
"""The job's own stamp for an event: what its age is counted from when it brings no `time`."""


STATUS_EVENTS: Final = frozenset(
    {
        *("info_received", "in_transit", "scheduled", "out_for_delivery", "completed"),
        *("completed_partial", "failed", "on_hold", "return", "deleted"),
    }
)
"""Events that say where a job is: each of them is a new status."""


class Happening(NamedTuple):
    """What happened to a job, and when: by the event's own `time`, else when it came to us."""

    name: str
    at: datetime


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event name and the job as it looked then.

    `subject` is the job's identity in our own books, `time` is aware or None, `stamp` is the
    stamp of the heading-to that an event belongs to (for a cancel: the one that was cleared).
    `came_at` is when it came to us, None for just now. `earlier` is what came about the same job
    before it and is not in the books yet, as far as some rule asks. `phase` is where a later
    snapshot says that the job is (`JobState.phase`), `''` without one.
    """

    name: str
    job: Job
    subject: str = ""
    id: str = ""
    time: datetime | None = None
    stamp: str = ""
    came_at: datetime | None = None
    earlier: tuple[Happening, ...] = ()
    phase: str = ""
