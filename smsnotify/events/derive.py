"""What happened between two snapshots of a job, and how a job is called in the books.

Detrack's webhook and API carry no event name: a snapshot is compared with what is remembered of
the one before.
"""

from __future__ import annotations

import hashlib
from datetime import date, tzinfo
from typing import Final

from smsnotify.events.delay import is_delayed
from smsnotify.events.heading import NOT_HEADING, heading_of
from smsnotify.events.stamps import same_notation
from smsnotify.events.words import BLANKS, status_key
from smsnotify.model.job import MOST_ATTEMPTS, Job, Scalar
from smsnotify.model.jobstate import JobState

FINISHED: Final = frozenset({"completed", "completed_partial", "failed", "return", "deleted"})
"""Phases in which nobody comes any more in this attempt."""

_KINDS: Final[dict[Scalar, str]] = {"Delivery": "delivery", "Collection": "collection"}
_PHASES: Final = {"info_recv": "info_received"}
_REMEMBERED: Final = 4096  # states: what strangers write must not pile up
_OUTCOMES: Final = ("completed", "completed_partial", "failed", "on_hold", "return", "deleted")


def is_begun(state: JobState) -> bool:
    """Say whether the driver is on the way to the job, is there, or the attempt is over."""
    return bool(state.heading or state.arrived) or state.phase in FINISHED


def job_names(job: Job) -> tuple[str, ...]:
    """Return the names a job is known by: `id:…` first, then `do:type|number|date`.

    Type in lower case (`delivery` when not given), `''` for a missing date. Empty when nothing
    identifies the job.
    """
    own, number, day = job.id, job.do_number, job.date
    if type(own) is str:
        own = own.strip(BLANKS)
    elif own is not None:
        own = str(own).strip(BLANKS)
    if type(number) is str:
        number = number.strip(BLANKS)
    elif number is not None:
        number = str(number).strip(BLANKS)
    if not number:
        return (f"id:{own}",) if own else ()
    if type(day) is not str or len(day) != 10:
        day = _day_text(day)
    name = f"do:{_KINDS.get(job.type) or job.kind}|{number}|{day}"
    return (f"id:{own}", name) if own else (name,)


def state_of(
    job: Job, today: date, before: JobState | None = None, *, zone: tzinfo | None = None
) -> JobState:
    """Reduce a snapshot to what must be remembered of it.

    `today` is the job's local day. With `before`, what holds for a whole attempt is carried on
    within it; a snapshot that does not say its attempt is of the attempt that is known, and one
    of an older attempt changes nothing. `zone` is the firm's, for a `live_eta` of a job that
    names no zone.
    """
    attempt = job.attempt
    plain: JobState | None = None
    # Nearly every snapshot says where its job is in the same words as many others, and then one
    # state serves them all: to work it out for each takes three times as long. It is the state of
    # a job that tells its status, attempt, date and driver, all of them plainly, and no more.
    if type(attempt) is int and 0 < attempt <= MOST_ATTEMPTS:
        status, written, driver = job.status, job.date, job.assign_to
        if (
            type(status) is str
            and type(written) is str
            and (driver is None or (type(driver) is str and driver[:1] > " "))
        ):
            plain = _plain_states.get((status, written, attempt, driver is None, today))
            plain = plain or _make_plain_state(job, status, written, attempt, today)
        if plain is not None and (
            job.head_to_delivery_at is None
            and job.arrived_at is None
            and job.live_eta is None
            and job.head_to_pick_up_at is None
            and job.milestones is None
            and job.goods_service_rating is None
            and job.driver_rating is None
            and job.customer_feedback is None
            and (before is None or before is plain or _carries_nothing(before, attempt))
        ):
            return plain
    else:
        attempt = job.attempt_number
    if before is not None:
        if job.attempt is None:
            attempt = before.attempt
        if attempt < before.attempt:
            return before
        if attempt > before.attempt:
            before = None
    if plain is not None:
        phase, day = plain.phase, plain.date
    else:
        day = _day_text(job.date)
        phase = _phase(job, day, today)
    arrived = same_notation(job.arrived_at) if job.arrived_at else ""
    heading, logged, cleared = NOT_HEADING
    if (
        before is not None
        or job.head_to_delivery_at
        or job.head_to_pick_up_at
        or job.milestones is not None
    ):
        over = bool(arrived) or phase in FINISHED
        heading, logged, cleared = heading_of(job, before, over)
    rating = ""
    if job.goods_service_rating or job.driver_rating or job.customer_feedback:
        rating = _rating(job)
    delayed = bool(job.live_eta and job.eta_time) and is_delayed(job, zone)
    if before is not None:
        delayed = delayed or before.delayed
        rating = rating or before.rating
    return JobState(phase, attempt, day, heading, arrived, delayed, rating, logged, cleared)


def _carries_nothing(before: JobState, attempt: int) -> bool:
    """Say whether nothing of an earlier snapshot of the same attempt is carried on."""
    return attempt == before.attempt and not (
        before.heading
        or before.arrived
        or before.delayed
        or before.rating
        or before.heading_logged
        or before.heading_cleared
    )


_plain_states: dict[tuple[object, ...], JobState] = {}


def _make_plain_state(job: Job, status: str, written: str, attempt: int, today: date) -> JobState:
    day = _day_text(written)
    state = JobState(_phase(job, day, today), attempt, day)
    if len(_plain_states) >= _REMEMBERED:
        _plain_states.clear()
    _plain_states[status, written, attempt, job.assign_to is None, today] = state
    return state


def derive(
    before: JobState | None, job: Job, today: date, *, zone: tzinfo | None = None
) -> list[tuple[str, str]]:
    """Return what happened since `before` as (event, stamp), in the order it happens in life.

    `zone` is as for `state_of`.
    """
    return news(before, state_of(job, today, before, zone=zone))


def news(before: JobState | None, now: JobState) -> list[tuple[str, str]]:
    """Return what happened between two states of a job as (event, stamp), in life's order.

    `now` is `state_of` a snapshot with the same `before`. With `before` None, everything that
    the snapshot alone shows has happened. The stamp is that of the heading-to for `heading_to`
    and `arrived`, of the cleared one for `heading_to_cancelled`, and `''` for the rest. A new
    attempt starts from nothing, and then a snapshot of an older one is no news. Neither is the
    old `live_eta` of a finished job.
    """
    again = before is not None and now.attempt == before.attempt
    was = before if before is not None and again else JobState(attempt=now.attempt)
    events: list[tuple[str, str]] = []
    if now.attempt > (1 if before is None else before.attempt):
        events.append(("new_attempt", ""))
    if now.phase == "info_received" and not was.phase:
        events.append(("info_received", ""))
    events += _progress(was, now)
    events += _visit(was, now)
    if now.phase in _OUTCOMES and now.phase != was.phase:
        events.append((now.phase, ""))
    if now.rating and now.rating != (before.rating if before is not None else ""):
        events.append(("feedback", ""))
    return events


def _progress(was: JobState, now: JobState) -> list[tuple[str, str]]:
    moved = now.phase == "scheduled" and now.date != was.date
    if now.phase in ("in_transit", "scheduled", "out_for_delivery") and (
        now.phase != was.phase or moved
    ):
        return [(now.phase, "")]
    return []


def _visit(was: JobState, now: JobState) -> list[tuple[str, str]]:
    events = []
    if now.heading and now.heading != was.heading:
        events.append(("heading_to", now.heading))
    elif was.heading and not now.heading:
        events.append(("heading_to_cancelled", was.heading))
    if now.arrived and now.arrived != was.arrived:
        events.append(("arrived", now.heading))
    if now.delayed and not was.delayed and now.phase not in FINISHED:
        events.append(("delayed", ""))
    return events


def _phase(job: Job, day: str, today: date) -> str:
    key = status_key(job.status)
    if key != "dispatched":
        return _PHASES.get(key, key)
    driver = job.assign_to
    if not driver or not day or not str(driver).strip():
        return "dispatched"
    try:
        return "scheduled" if date.fromisoformat(day) > today else "out_for_delivery"
    except ValueError:
        return "dispatched"


def _day_text(written: Scalar) -> str:
    if written is None:
        return ""
    text = str(written).strip()
    return text[:10] if text[10:11] in ("T", " ") else text


def _rating(job: Job) -> str:
    """Return a short version of the three answers: the same answers, the same version."""
    answers = (job.goods_service_rating, job.driver_rating, job.customer_feedback)
    text = "\x1f".join("" if not answer else str(answer).strip() for answer in answers)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
