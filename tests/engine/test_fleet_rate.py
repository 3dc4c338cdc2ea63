"""One rate for the whole fleet, as one worker keeps to it; and two workers on PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
from desk_for_delivery import Wire, accepted, account, accounts, numbered, queue
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.engine.delivery import drain, watch
from smsnotify.engine.fleet_rate import FleetBucket
from smsnotify.model.decision import Mode
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.store.open import open_store, upgrade_store
from smsnotify.store.rates import Turns
from smsnotify.store.store import Store

ROUTES = {"default": [["main"]]}


class Moment:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def moment() -> Moment:
    return Moment()


def test_nothing_leaves_before_a_turn_is_booked(moment: Moment) -> None:
    bucket = FleetBucket(10, moment)
    assert bucket.ready() == 0
    assert bucket.wait_s() > 0
    assert bucket.wanted(5) == 3


def test_nobody_waiting_books_nothing(moment: Moment) -> None:
    assert FleetBucket(10, moment).wanted(0) == 0


def test_turns_come_one_after_the_other(moment: Moment) -> None:
    bucket = FleetBucket(10, moment)
    bucket.grant(Turns(3, 0.0))
    assert bucket.ready() == 1
    moment.at += 0.1
    assert bucket.ready() == 2
    bucket.take(2)
    assert bucket.ready() == 0
    assert bucket.wait_s() == pytest.approx(0.1)


def test_turns_that_others_have_first_are_waited_for(moment: Moment) -> None:
    bucket = FleetBucket(10, moment)
    bucket.grant(Turns(2, 0.5))
    assert bucket.ready() == 0
    assert bucket.wait_s() == pytest.approx(0.5)


def test_a_slow_rate_books_one_turn_at_a_time(moment: Moment) -> None:
    bucket = FleetBucket(0.2, moment)
    assert bucket.wanted(100) == 1
    bucket.grant(Turns(1, 4.0))
    assert bucket.wanted(100) == 0
    assert bucket.wait_s() == pytest.approx(4.0)


def test_turns_are_booked_again_when_half_of_them_are_used(moment: Moment) -> None:
    bucket = FleetBucket(100, moment)
    bucket.grant(Turns(bucket.wanted(1000), 0.0))
    assert bucket.wanted(1000) == 0
    moment.at += 0.2
    bucket.take(16)
    assert bucket.wanted(1000) == 16


def test_a_batch_takes_turns_that_are_still_to_come(moment: Moment) -> None:
    bucket = FleetBucket(10, moment)
    bucket.grant(Turns(3, 0.0))
    bucket.take(10)
    assert bucket.ready() == 0
    # The seven that are missing are booked even when nobody waits here: others must wait for them.
    assert bucket.wanted(0) == 7
    bucket.grant(Turns(7, 0.3))
    assert bucket.wanted(0) == 0
    assert bucket.ready() == 0


def test_turns_that_were_not_used_are_gone(moment: Moment) -> None:
    bucket = FleetBucket(10, moment)
    bucket.grant(Turns(3, 0.0))
    moment.at += 60
    assert bucket.ready() == 0
    assert bucket.wanted(3) == 3


@given(
    rate=st.sampled_from([0.5, 3.0, 50.0]),
    naps=st.lists(st.floats(0.001, 0.7), min_size=1, max_size=60),
    waiting=st.integers(1, 200),
)
@settings(max_examples=50, deadline=None)
def test_no_worker_sends_more_than_it_has_booked(
    rate: float, naps: list[float], waiting: int
) -> None:
    moment = Moment()
    bucket = FleetBucket(rate, moment)
    booked = sent = 0
    until = moment.at
    for nap in naps:
        count = bucket.wanted(waiting)
        if count:
            start = max(until, moment.at)
            until = start + count / rate
            booked += count
            bucket.grant(Turns(count, start - moment.at))
        ready = bucket.ready() or 0
        bucket.take(ready)
        sent += ready
        assert sent <= booked
        assert sent <= (moment.at - 100.0) * rate + 1 + 1e-6
        moment.at += nap


# Two workers on one PostgreSQL.


@pytest.fixture
def stores(make_postgres: Callable[[], str]) -> Iterator[list[Store]]:
    url = make_postgres()
    upgrade_store(url)
    opened = [open_store(url) for _ in range(2)]
    yield opened
    for store in opened:
        store.close()


class Timed:
    """A transport that notes when it was asked."""

    def __init__(self) -> None:
        self.at: list[float] = []

    async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
        self.at.append(time.monotonic())
        return accepted(request)


def test_two_workers_together_keep_to_the_rate_of_one_account(stores: list[Store]) -> None:
    rate, count = 40.0, 60
    queue(stores[0], *numbered(count))
    wires = [Timed(), Timed()]

    async def work() -> None:
        await asyncio.gather(
            *(
                drain(
                    store,
                    accounts(account(messages_per_second=rate)),
                    ROUTES,
                    mode=Mode.LIVE,
                    transport=wire,
                )
                for store, wire in zip(stores, wires, strict=True)
            )
        )

    asyncio.run(work())
    sent_at = sorted(wires[0].at + wires[1].at)
    assert len(sent_at) == count
    # 60 turns at 40 a second, of which the first twentieth of a second is free.
    assert sent_at[-1] - sent_at[0] >= (count - 1) / rate - 0.06
    window = max(sum(at <= one < at + 0.5 for one in sent_at) for at in sent_at)
    assert window <= rate * 0.5 * 1.05 + 4


def test_an_account_without_a_rate_books_nothing(stores: list[Store]) -> None:
    queue(stores[0], *numbered(5))
    wire = Wire(main=accepted)
    asyncio.run(drain(stores[0], accounts(account()), ROUTES, mode=Mode.LIVE, transport=wire))
    assert len(wire.requests) == 5
    with stores[0].read() as connection:
        assert not connection.exec_driver_sql("SELECT count(*) FROM rates").scalar()


def test_a_worker_that_waits_hears_of_new_messages_at_once(stores: list[Store]) -> None:
    """It would look by itself after half an hour only."""
    wire = Timed()
    asleep = asyncio.Event

    async def work() -> None:
        stop, is_asleep = asyncio.Event(), asleep()

        async def sleep(seconds: float) -> None:
            is_asleep.set()
            await asyncio.sleep(1800)

        watching = asyncio.create_task(
            watch(
                stores[0],
                accounts(account()),
                ROUTES,
                mode=Mode.LIVE,
                stop=stop,
                transport=wire,
                sleep=sleep,
            )
        )
        await is_asleep.wait()
        await asyncio.to_thread(_queue_and_say_so, stores[1])
        async with asyncio.timeout(20):
            while not wire.at:
                await asyncio.sleep(0.01)
        stop.set()
        await watching

    asyncio.run(work())
    assert len(wire.at) == 1


def _queue_and_say_so(store: Store) -> None:
    from smsnotify.store.wakeups import announce

    queue(store, "one")
    with store.begin() as connection:
        announce(connection)
