"""What is due by the clock: reminders, held texts, forgetting. The work of `tick` and `serve`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec

from smsnotify.engine.conversing import Conversed, converse
from smsnotify.engine.conversing_clock import not_delivered, receipts_heard, time_outs
from smsnotify.engine.conversing_portion import Desk
from smsnotify.engine.keep import Memory, Ticket
from smsnotify.engine.receipts import apply_early
from smsnotify.engine.release import NO_PLANS, Again, release_due
from smsnotify.engine.reminders import PlannedJob, planned_jobs, search_days, work_reminders
from smsnotify.model.decision import Decision
from smsnotify.model.facts import Policy
from smsnotify.rules.compile import RuleSet
from smsnotify.store.store import Store

REMINDED: Final = "prejob"
"""The watermark of the last look at reminders."""

TICKED: Final = "tick"
"""The watermark of the last whole tick."""

TICK_OVERDUE: Final = timedelta(hours=1)
"""After so long without a whole tick what waits has surely been late."""

TURN: Final = "tick"
TURN_LASTS: Final = timedelta(seconds=60)
"""So long a tick keeps others away, should it die on the way; two at once would only work twice."""

PRUNED: Final = "prune"
PRUNE_EVERY: Final = timedelta(days=1)

GoOn = Callable[[], bool]
T = TypeVar("T")


class Ticked(msgspec.Struct, frozen=True):
    """What one tick came to. `is_whole` is False when it was told to stop before its end."""

    reminders: list[Decision]
    released: list[Again]
    conversed: Conversed = msgspec.field(default_factory=Conversed)
    is_whole: bool = True


def stored_jobs(memory: Memory, rules: RuleSet, now: datetime) -> Iterator[PlannedJob]:
    """Yield the jobs that reminders look at."""
    return planned_jobs(memory.jobs_between(*search_days(now)), rules.job_type)


def remind(
    jobs: Iterable[PlannedJob],
    store: Store | None,
    memory: Memory,
    rules: RuleSet,
    policy: Policy,
    ticket: Ticket,
    now: datetime,
) -> list[Decision]:
    """Decide and keep the reminders that are due; `store` has the mark of the run before."""
    since = None if store is None else store.get_watermark(REMINDED)
    return work_reminders(jobs, rules, policy, memory, ticket, now, since=since)


def overdue_since(store: Store, now: datetime) -> datetime | None:
    """Return when the last whole tick was, if what waited since then leaves late; else None."""
    last = store.get_watermark(TICKED)
    return last if last is not None and now - last > TICK_OVERDUE else None


@contextmanager
def turn(store: Store, now: datetime) -> Iterator[bool]:
    """Take the turn to do what is due by the clock; False while another process has it.

    `now` is the machine's clock, whatever the run's.
    """
    owner = f"{os.getpid()}:{os.urandom(6).hex()}"
    is_ours = store.take_turn(TURN, owner, now, TURN_LASTS)
    try:
        yield is_ours
    finally:
        if is_ours:
            store.end_turn(TURN, owner)


def close_tick(store: Store, now: datetime) -> None:
    """Note that a tick came to its end, and forget once a day what is old enough.

    Receipts that came in the same instant as the answer which makes them known count now, and
    messages are entered in the index by number.
    """
    apply_early(store, now)
    store.index_numbers(now)
    store.set_watermark(TICKED, now)
    pruned_at = store.get_watermark(PRUNED)
    if pruned_at is None or now - pruned_at >= PRUNE_EVERY:
        prune_now(store, now)


def prune_now(store: Store, now: datetime) -> dict[str, int]:
    """Forget what is old enough, whatever was forgotten before; return how many rows of what."""
    forgotten = store.prune(now)
    store.set_watermark(PRUNED, now)
    return msgspec.structs.asdict(forgotten)


def tick(
    store: Store,
    rules: RuleSet,
    policy: Policy,
    now: datetime,
    *,
    desk: Desk | None = None,
    reads: bool = True,
    go_on: GoOn = lambda: True,
) -> Ticked:
    """Do everything that is due but sending; `go_on` is asked between portions of the work.

    `desk` works conversations; None leaves them alone. `reads` False: replies are worked by
    somebody else in this very process.

    No volume guard: whoever ticks by itself has nobody to ask.

    Raises:
        StoreError: the database failed; the next tick does what is left.
    """
    jobs = _while(go_on, stored_jobs(store, rules, now))
    reminders = remind(jobs, store, store, rules, policy, Ticket(), now)
    if not go_on():
        return Ticked(reminders, [], is_whole=False)
    store.set_watermark(REMINDED, now)
    plans = NO_PLANS if desk is None else desk.book.plans
    released = release_due(store, rules, policy, now, plans=plans, go_on=go_on)
    conversed = Conversed() if desk is None else talk(desk, now, reads=reads, go_on=go_on)
    if not go_on():
        return Ticked(reminders, released, conversed, is_whole=False)
    close_tick(store, now)
    return Ticked(reminders, released, conversed)


def talk(desk: Desk, now: datetime, *, reads: bool = True, go_on: GoOn = lambda: True) -> Conversed:
    """Work replies (if `reads`), then texts that did not arrive, then waits that are over.

    In this order: whoever wrote in time, or was never asked, has not been silent.
    """
    done = converse(desk, now, go_on=go_on) if reads else Conversed()
    done.add(not_delivered(desk, now, go_on=go_on))
    done.add(receipts_heard(desk, now, go_on=go_on))
    done.add(time_outs(desk, now, go_on=go_on))
    return done


def _while(go_on: GoOn, items: Iterable[T]) -> Iterator[T]:
    for item in items:
        if not go_on():
            return
        yield item
