"""Is the driver heading to the job, and since when?

Detrack shows it in two places: a stamp, which is cleared again when the driver cancels, and a
log of milestones, which only grows. The stamp is believed before the log. What is remembered
keeps the log from reviving a heading-to that was cancelled, and the two from counting twice.
"""

from __future__ import annotations

from datetime import timedelta
from operator import itemgetter
from typing import Final

from smsnotify.events.stamps import gap, same_notation
from smsnotify.events.words import fold
from smsnotify.model.job import Job, Milestone
from smsnotify.model.jobstate import JobState

_STARTED: Final = frozenset({"head_to_delivery", "head_to_pick_up"})
_TAKEN_BACK: Final = frozenset(
    {"dispatched", "scheduled", "out_for_delivery", "out_for_collection"}
)
_SAME: Final = timedelta(minutes=2)  # stamp and milestone of one tap differ by moments


Heading = tuple[str, bool, str]
"""Stamp (`''`: nobody is heading there), `heading_logged` and `heading_cleared` of JobState."""

NOT_HEADING: Final[Heading] = ("", False, "")


def heading_of(job: Job, before: JobState | None, over: bool) -> Heading:
    """Read the heading-to of a snapshot.

    `before` is the state of the same attempt, or None. When the visit is `over` (arrived, or an
    outcome), a stamp that went missing is not a cancel: the known one stays.
    """
    stamp = _stamp_of(job)
    if before is None:
        return (stamp, False, "") if stamp else _from_log(job, "")
    known, cleared = before.heading, before.heading_cleared
    if stamp:
        if before.heading_logged and _is_same(known, stamp):
            stamp = known
        return stamp, False, cleared
    logged = _from_log(job, cleared)
    if not known:
        return logged
    if before.heading_logged:
        if over or logged[0] == known:
            return known, True, cleared
        return logged if logged[0] else ("", False, known)
    if logged[0] and _is_later(known, logged[0]):
        return logged
    return (known, False, cleared) if over else ("", False, known)


def _stamp_of(job: Job) -> str:
    delivery, pick_up = job.head_to_delivery_at, job.head_to_pick_up_at
    if not delivery and not pick_up:
        return ""
    if job.type != "Delivery" and job.kind == "collection":
        delivery, pick_up = pick_up, delivery
    return same_notation(delivery or pick_up)


def _from_log(job: Job, cleared: str) -> Heading:
    if not job.milestones:
        return "", False, cleared
    stamp = ""
    for at, word in sorted(  # nothing says in which order the log comes
        ((same_notation(entry.created_at), _word(entry)) for entry in job.milestones),
        key=itemgetter(0),
    ):
        if word in _STARTED:
            stamp = at
        elif word in _TAKEN_BACK:
            stamp = ""
    if not stamp or (cleared and not _is_later(cleared, stamp)):
        return "", False, cleared
    return stamp, True, cleared


def _word(entry: Milestone) -> str:
    return fold(entry.status) if isinstance(entry.status, str) else ""


def _is_same(known: str, stamp: str) -> bool:
    between = gap(known, stamp)
    return known == stamp if between is None else abs(between) <= _SAME


def _is_later(known: str, stamp: str) -> bool:
    between = gap(known, stamp)
    return known != stamp if between is None else between > _SAME
