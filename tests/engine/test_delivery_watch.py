"""Watching the outbox: new messages, pauses, leases, and a clean stop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from desk_for_delivery import (
    MICROS,
    START,
    Turned,
    Wire,
    accepted,
    account,
    accounts,
    answer,
    message,
    numbered,
    open_books,
    queue,
    states,
    tries,
)

from smsnotify.base.errors import OutcomeUnknownError
from smsnotify.engine.accounts import Account
from smsnotify.engine.delivery import drain, watch
from smsnotify.engine.loop import run as run_loop
from smsnotify.engine.report import DeliveryReport
from smsnotify.engine.times import Times
from smsnotify.model.decision import Mode
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.providers.sandbox import Sandbox, SandboxSettings
from smsnotify.store.store import Store

ROUTES = {"default": [["main"]]}
SECOND = 1_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_books(tmp_path) as opened:
        yield opened


@pytest.fixture
def turned() -> Turned:
    return Turned()


class Watched:
    """Runs `watch`; each time it sleeps, the next step of a story happens; then it is stopped."""

    def __init__(self, store: Store, turned: Turned, *story: Callable[[], None]) -> None:
        self.store, self.turned, self.story = store, turned, list(story)
        self.stop = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.turned.sleep(seconds)
        if self.story:
            self.story.pop(0)()
        else:
            self.stop.set()

    async def _run(self, wire: Wire, **options: Any) -> DeliveryReport:
        return await watch(
            self.store,
            accounts(account()),
            ROUTES,
            mode=Mode.LIVE,
            stop=self.stop,
            transport=wire,
            times=self.turned.times(),
            sleep=self.sleep,
            **options,
        )

    def run(self, wire: Wire, **options: Any) -> DeliveryReport:
        return asyncio.run(self._run(wire, **options))


def nothing() -> None:
    """A moment in which nothing happens."""


def test_what_is_queued_while_we_watch_is_sent(store: Store, turned: Turned) -> None:
    wire = Wire(main=accepted)
    story = [lambda: queue(store, "one"), *[nothing] * 6, lambda: queue(store, "two")]
    report = Watched(store, turned, *story, *[nothing] * 6).run(wire)
    assert report.sent == 2
    assert wire.sent_through("main") == ["one", "two"]


def test_it_looks_at_least_once_a_second(store: Store, turned: Turned) -> None:
    Watched(store, turned, *[nothing] * 8).run(Wire(main=accepted), idle_s=30)
    assert all(nap <= 2 for nap in turned.slept)


def test_a_pause_and_its_end_are_obeyed_while_we_watch(store: Store, turned: Turned) -> None:
    wire = Wire(main=accepted)
    sent_while_paused: list[int] = []

    def look() -> None:
        sent_while_paused.append(len(wire.requests))

    def go_on() -> None:
        look()
        store.resume()

    store.pause()
    queue(store, *numbered(5))
    story = [*[nothing] * 8, go_on, *[nothing] * 10]
    report = Watched(store, turned, *story).run(wire)
    assert sent_while_paused == [0]
    assert (report.sent, report.paused) == (5, ())


def test_unknown_messages_are_settled_while_we_watch(store: Store, turned: Turned) -> None:
    queue(store, "one")

    def shop(request: HttpRequest) -> HttpResponse:
        if request.method == "GET":
            at = (START + timedelta(seconds=1)).isoformat()
            return answer({"found": [{"pid": "p1", "text": "Hi", "at": at}]})
        raise OutcomeUnknownError("no answer in time")

    Watched(store, turned, *[nothing] * 20).run(Wire(main=shop))
    after = message(store, "one")
    assert (after["state"], after["provider_message_id"]) == ("accepted", "p1")


def test_a_look_that_fails_does_not_end_the_watch(store: Store, turned: Turned) -> None:
    queue(store, "doubt", state="unknown", account="main")

    def shop(request: HttpRequest) -> HttpResponse:
        return accepted(request) if request.method == "POST" else HttpResponse(status=200)

    story = [*[nothing] * 6, lambda: queue(store, "one"), *[nothing] * 6]
    assert Watched(store, turned, *story).run(Wire(main=shop)).sent == 1


class Slow:
    """A transport whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.asked: list[HttpRequest] = []
        self.go = asyncio.Event()
        self.enough = asyncio.Event()

    async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
        self.asked.append(request)
        if len(self.asked) >= 3:
            self.enough.set()
        await self.go.wait()
        return accepted(request)


async def _stopped(
    store: Store, turned: Turned, slow: Slow, *, lets_go: bool, grace_s: float
) -> DeliveryReport:
    stop = asyncio.Event()
    running = asyncio.create_task(
        drain(
            store,
            accounts(account(concurrency=3)),
            ROUTES,
            mode=Mode.LIVE,
            transport=slow,
            times=turned.times(),
            sleep=turned.sleep,
            stop=stop,
            grace_s=grace_s,
        )
    )
    await slow.enough.wait()
    stop.set()
    await asyncio.sleep(0)
    if lets_go:
        slow.go.set()
    return await running


def stopped(store: Store, turned: Turned, *, lets_go: bool, grace_s: float) -> DeliveryReport:
    async def work() -> DeliveryReport:
        return await _stopped(store, turned, Slow(), lets_go=lets_go, grace_s=grace_s)

    return asyncio.run(work())


def test_a_stop_lets_what_is_in_flight_come_back_and_tells_what_is_left(
    store: Store, turned: Turned
) -> None:
    queue(store, *numbered(10))
    report = stopped(store, turned, lets_go=True, grace_s=5)
    assert (report.sent, report.unknown, report.left) == (3, 0, 7)
    assert states(store) == {"accepted": 3, "queued": 7}
    assert {message(store, one)["lease_owner"] for one in numbered(10)} == {""}


def test_a_stop_cuts_off_what_does_not_come_back_and_says_maybe(
    store: Store, turned: Turned
) -> None:
    queue(store, *numbered(10))
    report = stopped(store, turned, lets_go=False, grace_s=0.05)
    assert (report.sent, report.unknown, report.left) == (0, 3, 7)
    assert states(store) == {"unknown": 3, "queued": 7}
    assert tries(store, "m00000")[0]["raw_text"] == "stopped meanwhile"


def test_a_cancelled_run_writes_down_what_it_knows(store: Store, turned: Turned) -> None:
    queue(store, *numbered(10))

    async def work() -> None:
        slow = Slow()
        running = asyncio.create_task(
            drain(
                store,
                accounts(account(concurrency=3)),
                ROUTES,
                mode=Mode.LIVE,
                transport=slow,
                times=turned.times(),
                sleep=turned.sleep,
                grace_s=0.05,
            )
        )
        await slow.enough.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(work())
    assert states(store) == {"unknown": 3, "queued": 7}


def test_leases_are_renewed_while_a_request_takes_long(store: Store) -> None:
    queue(store, "one")
    passed = [0.0]
    leases: list[int] = []

    class Stuck:
        async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
            for _ in range(3):
                passed[0] += 11
                before = message(store, "one")["lease_until"]
                # The loop wakes up by itself four times a second.
                while message(store, "one")["lease_until"] == before:
                    await asyncio.sleep(0.02)
                leases.append(message(store, "one")["lease_until"])
            return accepted(request)

    times = Times(
        lambda: START + timedelta(seconds=passed[0]),
        wall=lambda: START + timedelta(seconds=passed[0]),
        monotonic=lambda: passed[0],
    )
    run = drain(store, accounts(account()), ROUTES, mode=Mode.LIVE, transport=Stuck(), times=times)
    assert asyncio.run(run).sent == 1
    assert leases == [MICROS + (passed_s + 30) * SECOND for passed_s in (11, 22, 33)]


def test_the_runs_moment_never_goes_back_when_the_clock_is_set_back() -> None:
    hand = [0.0, 0.0]
    times = Times(
        lambda: START + timedelta(seconds=hand[0]),
        wall=lambda: START + timedelta(seconds=hand[0]),
        monotonic=lambda: hand[1],
    )
    hand[:] = [10.0, 10.0]
    assert times.now() == MICROS + 10 * SECOND
    hand[:] = [10.0 - 3600, 11.0]
    assert times.now() == MICROS + 11 * SECOND
    assert times.wall_at() == START - timedelta(seconds=3590)


def test_a_run_with_a_told_moment_goes_on_from_there(store: Store) -> None:
    queue(store, "one", due_at=MICROS)
    times = Times(lambda: START, wall=lambda: START + timedelta(days=400))
    assert times.now() >= MICROS
    wire = Wire(main=accepted)
    run = drain(store, accounts(account()), ROUTES, mode=Mode.LIVE, transport=wire, times=times)
    assert asyncio.run(run).sent == 1
    assert tries(store, "one")[0]["at"] == MICROS + 400 * 86400 * SECOND
    after = message(store, "one")
    assert MICROS <= after["updated_at"] < MICROS + 60 * SECOND


def test_a_doubt_is_dated_by_the_clock_that_the_provider_has(store: Store) -> None:
    queue(store, "one", due_at=MICROS)
    times = Times(lambda: START, wall=lambda: START + timedelta(days=400))
    wire = Wire(main=OutcomeUnknownError("the answer was lost"))
    run = drain(store, accounts(account()), ROUTES, mode=Mode.LIVE, transport=wire, times=times)
    assert asyncio.run(run).unknown == 1
    assert message(store, "one")["updated_at"] == MICROS + 400 * 86400 * SECOND


def test_without_a_provider_tries_are_dated_by_the_told_moment(store: Store) -> None:
    queue(store, "one", due_at=MICROS)
    times = Times(lambda: START, wall=lambda: START + timedelta(days=400))
    sandbox = {"main": Account.of("main", Sandbox(SandboxSettings()))}
    run = drain(store, sandbox, ROUTES, mode=Mode.LIVE, transport=Wire(), times=times)
    assert asyncio.run(run).sent == 1
    moments = tries(store, "one")[0]["at"], message(store, "one")["updated_at"]
    assert all(MICROS <= moment < MICROS + 60 * SECOND for moment in moments)


@pytest.mark.parametrize("installed", [True, False])
def test_a_coroutine_runs_to_its_end_with_and_without_uvloop(
    installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    if not installed:
        monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run_loop(work()) == "done"
