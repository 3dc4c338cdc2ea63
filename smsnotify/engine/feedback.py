"""A rating that somebody gives on a tracking page: the event `feedback`, for the same rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from smsnotify.base.ids import new_id
from smsnotify.store.feedback import Rating

STARS: Final = range(1, 6)

MOST_COMMENT: Final = 1000
"""Characters of a comment."""


def feedback_line(snapshot: bytes, phase: str, rating: Rating, now: datetime) -> bytes:
    """Return the event as a line for intake: the job as it is known, with what was rated.

    `phase` is how it ended: a job that was closed by an event's name may have no status.

    Raises:
        msgspec.DecodeError: the stored snapshot is no JSON object.
    """
    job: dict[str, Any] = msgspec.json.decode(snapshot, type=dict[str, Any])
    if not job.get("status"):
        job["status"] = phase
    job |= {
        "goods_service_rating": rating.goods,
        "driver_rating": rating.driver,
        "customer_feedback": rating.comment or None,
    }
    return msgspec.json.encode(
        {"event": "feedback", "id": f"rating-{new_id(now)}", "time": now.isoformat(), "job": job}
    )
