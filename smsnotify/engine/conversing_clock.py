"""What conversations owe to the clock: waits that are over, texts that did not arrive.

Replies come first: a wait whose person has written is not over before that reply is worked.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from smsnotify.base.errors import OvertakenError, StoreUnavailableError
from smsnotify.engine.conversing import Conversed, GoOn, keep
from smsnotify.engine.conversing_portion import Desk, Portion
from smsnotify.engine.conversing_texts import BY_THE_CLOCK
from smsnotify.model.enrolment import Enrolment, Happened, Input, NotDelivered, TimeUp
from smsnotify.model.plan import RECEIPT_EVENTS, TEXT_DELIVERED, TEXT_FAILED
from smsnotify.plans.book import heard_by

log = logging.getLogger(__name__)

AT_ONCE: Final = 500

UNDELIVERED: Final = "plan_undelivered"
"""The watermark of the last look at texts of plans that did not arrive."""

_OVERLAP: Final = timedelta(minutes=10)
_FIRST_LOOK: Final = timedelta(days=3)
_TRIES: Final = 5


def time_outs(desk: Desk, now: datetime, *, go_on: GoOn = lambda: True) -> Conversed:
    """Move everybody whose wait is over; `go_on` is asked between portions.

    Raises:
        StoreError: the database failed; the next look does what is left.
    """
    total = Conversed()
    while go_on():
        due = desk.store.due_enrolments(desk.policy.mode.value, now, AT_ONCE)
        writing = desk.store.unworked_senders({one.number for one in due})
        moving: list[tuple[Enrolment, Input]] = [
            (one, TimeUp()) for one in due if one.number not in writing
        ]
        if not moving or not _move(desk, moving, now, total) or len(due) < AT_ONCE:
            break
    return total


def not_delivered(desk: Desk, now: datetime, *, go_on: GoOn = lambda: True) -> Conversed:
    """Move everybody whose last question did not arrive, or was cancelled.

    Raises:
        StoreError: the database failed; the next look does what is left.
    """
    total, mode = Conversed(), desk.policy.mode.value
    mark = f"{UNDELIVERED}:{mode}"
    last = desk.store.get_watermark(mark)
    since = now - _FIRST_LOOK if last is None else min(last, now) - _OVERLAP
    while go_on():
        found = desk.store.undelivered_plan_texts(mode, since, AT_ONCE)
        moving: list[tuple[Enrolment, Input]] = [
            (one.enrolment, NotDelivered(message_id=one.message_id, reason=one.reason))
            for one in found
        ]
        if not moving or not _move(desk, moving, now, total):
            break
        if len(found) < AT_ONCE:
            break
    else:
        return total
    desk.store.set_watermark(mark, now)
    return total


def receipts_heard(desk: Desk, now: datetime, *, go_on: GoOn = lambda: True) -> Conversed:
    """Tell those who `listen` to it what became of a text that their plan sent them.

    Raises:
        StoreError: the database failed; the next look does what is left.
    """
    total, after = Conversed(), ""
    plans = desk.book.plans
    listening = {plan.name for plan in plans.all if not RECEIPT_EVENTS.isdisjoint(heard_by(plan))}
    if not listening:
        return total
    while go_on():
        told = desk.store.told_plan_texts(desk.policy.mode.value, listening, after, AT_ONCE)
        waiting = desk.store.enrolments_by_id({one.enrolment_id for one in told})
        moving: list[tuple[Enrolment, Input]] = [
            (waiting[one.enrolment_id], Happened(_word_on(one.state), one.message_id, one.at))
            for one in told
            if one.enrolment_id in waiting
        ]
        if moving:
            _move(desk, moving, now, total)
        if len(told) < AT_ONCE:
            break
        after = told[-1].enrolment_id
    return total


def _word_on(state: str) -> str:
    return TEXT_DELIVERED if state in ("delivered", "read") else TEXT_FAILED


def _move(
    desk: Desk, moving: Sequence[tuple[Enrolment, Input]], now: datetime, total: Conversed
) -> bool:
    """Give each its input in one transaction; False when nothing moved.

    Whoever somebody else moved meanwhile is left out, and looked at again next time.
    """
    try:
        return _move_together(desk, moving, now, total)
    except StoreUnavailableError:
        raise
    except Exception:
        if len(moving) == 1:
            log.exception("somebody in a plan cannot be moved", extra={"id": moving[0][0].id})
            return False
    # One of them cannot be moved: that shall not hold up the others.
    return sum(_move(desk, [one], now, total) for one in moving) > 0


def _move_together(
    desk: Desk, moving: Sequence[tuple[Enrolment, Input]], now: datetime, total: Conversed
) -> bool:
    for _ in range(_TRIES):
        portion = Portion(desk, now)
        portion.know({one.number for one, _ in moving})
        known = {one.id: one for some in portion.waiting.values() for one in some}
        consumed = 0
        for one, what in moving:
            current = known.get(one.id)
            if current is not None and current.turn == one.turn:
                consumed += portion.move(current, what, BY_THE_CLOCK).consumed
        if not consumed:
            return False
        try:
            total.add(keep(portion, Conversed()))
        except OvertakenError:
            total.overtaken += 1
            continue
        return True
    return False
