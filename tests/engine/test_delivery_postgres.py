"""Several workers on one PostgreSQL: every message once, and what a dead one left is taken over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from desk_for_delivery import (
    MICROS,
    Turned,
    Wire,
    accepted,
    account,
    accounts,
    answer,
    numbered,
    queue,
    states,
    tries,
)

from smsnotify.base.errors import OutcomeUnknownError
from smsnotify.engine.delivery import drain, settle
from smsnotify.engine.report import DeliveryReport
from smsnotify.model.decision import Mode
from smsnotify.store.open import open_store, upgrade_store
from smsnotify.store.store import Store
from smsnotify.store.tables import attempts, messages

ROUTES = {"default": [["main"]]}


@pytest.fixture(scope="module")
def url(make_postgres: Callable[[], str]) -> str:
    made = make_postgres()
    upgrade_store(made)
    return made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        with opened.begin() as connection:
            connection.execute(messages.delete())
            connection.execute(attempts.delete())
        yield opened


def work(store: Store, wire: Wire, turned: Turned) -> DeliveryReport:
    return asyncio.run(_work(store, wire, turned))


async def _work(store: Store, wire: Wire, turned: Turned) -> DeliveryReport:
    return await drain(
        store,
        accounts(account()),
        ROUTES,
        mode=Mode.LIVE,
        transport=wire,
        times=turned.times(),
        sleep=turned.sleep,
    )


def test_four_workers_send_every_message_once(store: Store, url: str) -> None:
    ids = numbered(600)
    queue(store, *ids)
    wire = Wire(main=accepted)

    async def together() -> list[DeliveryReport]:
        with ExitStack() as stack:
            stores = [stack.enter_context(open_store(url)) for _ in range(4)]
            return await asyncio.gather(*(_work(one, wire, Turned()) for one in stores))

    reports = asyncio.run(together())
    assert Counter(wire.sent_through("main")) == Counter(ids)
    assert sum(report.sent for report in reports) == 600
    assert states(store) == {"accepted": 600}
    assert len(tries(store, ids[7])) == 1


def test_what_a_dead_worker_had_in_flight_is_looked_up_and_sent_once(store: Store) -> None:
    lease = MICROS + 30_000_000
    queue(store, *numbered(5), state="sending", account="main", attempts=1, lease_until=lease)
    turned = Turned()
    nothing_there = Wire(main=lambda request: answer({"found": []}))
    while states(store).get("queued", 0) < 5:
        asyncio.run(
            settle(
                store,
                accounts(account()),
                mode=Mode.LIVE,
                transport=nothing_there,
                times=turned.times(),
                sleep=turned.sleep,
            )
        )
        turned.passed += 15
        assert turned.passed <= 180
    wire = Wire(main=accepted)
    assert work(store, wire, turned).sent == 5
    assert Counter(wire.sent_through("main")) == Counter(numbered(5))


def test_an_unknown_outcome_is_kept_with_its_try(store: Store) -> None:
    queue(store, "one")
    report = work(store, Wire(main=OutcomeUnknownError("no answer")), Turned())
    assert report.unknown == 1
    assert [one["result"] for one in tries(store, "one")] == ["unknown"]
