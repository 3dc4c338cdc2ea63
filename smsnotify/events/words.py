"""The words for events and statuses, however they are written."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from smsnotify.model.event import EVENT_NAMES

BLANKS: Final = " \t\r\n\x0b\x0c"
"""What is cut off around a name or a number."""

_GAPS = re.compile(r"[\s\-_]+")

_EVENT_ALIASES: Final = {
    "cancel_heading_to": "heading_to_cancelled",
    "cancelled_heading_to": "heading_to_cancelled",
    "heading_to_canceled": "heading_to_cancelled",
    "in_progress": "out_for_delivery",
    "info_recv": "info_received",
    "job_delayed": "delayed",
    "out_for_collection": "out_for_delivery",
    "partially_completed": "completed_partial",
    "prejob": "pre_job",
}
"""Detrack's own labels for its notification events, beside the names that rules use.

Source: help.detrack.com, articles 6553300 and 6553353 (checked August 2026).
"""

_STATUSES: Final = {
    "info_recv": ("info_received",),
    "in_transit": (),
    "dispatched": ("in_progress",),
    "completed": ("complete", "delivered", "collected"),
    "completed_partial": (
        "partially_completed",
        "partial_completed",
        "partially_delivered",
        "partial_delivery",
        "partially_collected",
        "partial_collection",
    ),
    "failed": ("not_delivered", "undelivered", "not_collected"),
    "on_hold": (),
    "return": ("returned",),
    "scheduled": (),
    "out_for_delivery": ("out_for_collection",),
    "deleted": ("cancelled", "canceled"),
}
"""Status key, and the labels that stand for it in version 1, on the dashboard, and in tracking.

The keys up to `return` are Detrack's `status`; `scheduled` and `out_for_delivery` are words of
its `tracking_status`. No document says how a deletion looks: `deleted` and a cancelled job count.
Source: help.detrack.com, article 6126932 (checked August 2026); the version 1 words beside
`Delivered` and `In Progress` are the obvious ones, not documented.
"""

STATUS_KEYS: Final[dict[str, str]] = {
    word: key for key, labels in _STATUSES.items() for word in (key, *labels)
}
"""Folded status word to status key."""


def fold(word: str) -> str:
    """Return a word in lower case with `_` for every run of spaces, dashes and underscores."""
    return _GAPS.sub("_", word.strip().lower())


def status_key(status: object) -> str:
    """Return the status key that a status word or label stands for, `''` for any other."""
    if not isinstance(status, str):
        return ""
    key = STATUS_KEYS.get(status)  # nearly always Detrack's own word, which is folded already
    return STATUS_KEYS.get(fold(status), "") if key is None else key


def event_table(custom_events: Collection[str] = ()) -> dict[str, str]:
    """Return folded event word to event name: the known ones, Detrack's labels, and custom ones."""
    own = {fold(name): name for name in custom_events}
    return {**_EVENT_ALIASES, **own, **{name: name for name in EVENT_NAMES}}
