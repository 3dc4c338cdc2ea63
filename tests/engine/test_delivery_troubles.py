"""Trouble with the database and with clocks: nothing is lost, nothing is sent twice."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
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
    rows_of,
    states,
    tries,
)
from sqlalchemy import text

from smsnotify.base.errors import OutcomeUnknownError, StoreUnavailableError
from smsnotify.engine import books
from smsnotify.engine.delivery import drain, settle, watch
from smsnotify.engine.report import DeliveryReport
from smsnotify.engine.settle import SettleReport
from smsnotify.engine.times import Times
from smsnotify.model.decision import Mode
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.store import connect, outcomes, unknowns
from smsnotify.store.open import open_store, upgrade_store
from smsnotify.store.outcomes import Settled
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


class Honest:
    """A provider that takes every text and lists what it has, by a clock of its own."""

    def __init__(self, clock: Callable[[], datetime], *, dated: bool = True) -> None:
        self.clock = clock
        self.dated = dated
        self.had: list[tuple[str, str, datetime]] = []
        self.lost_answers = 0

    async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
        now = self.clock()
        if request.method == "POST":
            self.had += [(row["id"], row["text"], now) for row in rows_of(request)]
            if self.lost_answers:
                self.lost_answers -= 1
                raise OutcomeUnknownError("the line broke")
            return accepted(request)
        found = [
            {"pid": f"p-{one}", "text": body, "at": at.isoformat()} for one, body, at in self.had
        ]
        said = answer({"found": found})
        headers = {"date": format_datetime(now, usegmt=True)} if self.dated else {}
        return msgspec.structs.replace(said, headers=headers)

    def counts(self) -> Counter[str]:
        return Counter(one for one, _, _ in self.had)


def queue_own(store: Store, *ids: str) -> None:
    """Queue texts that differ."""
    for one in ids:
        queue(store, one, body=f"Hi {one}")


def deliver(store: Store, wire: Any, turned: Turned, **options: Any) -> DeliveryReport:
    common = {"times": turned.times(), "sleep": turned.sleep}
    made = accounts(account(concurrency=options.pop("concurrency", 4)))
    return asyncio.run(
        drain(store, made, ROUTES, mode=Mode.LIVE, transport=wire, **(common | options))
    )


def look(store: Store, wire: Any, times: Times, turned: Turned) -> SettleReport:
    return asyncio.run(
        settle(
            store,
            accounts(account()),
            mode=Mode.LIVE,
            transport=wire,
            times=times,
            sleep=turned.sleep,
        )
    )


# SQLite: locked, full.


def test_a_file_that_another_program_locks_for_a_while_stops_nothing(
    store: Store, turned: Turned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "BUSY_TIMEOUT_S", 0.05)
    queue_own(store, *numbered(20))
    honest = Honest(turned.clock)
    assert store.path is not None
    holder = sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        await turned.sleep(seconds)
        waits.append(seconds)
        if len(waits) == 3:
            holder.execute("COMMIT")

    with open_store(f"sqlite:///{store.path}") as opened:
        holder.execute("BEGIN IMMEDIATE")
        # Its turn comes when a run has begun: taking over what is cut off writes as well.
        monkeypatch.setattr(unknowns, "find_cut_off", lambda *args, **rest: [])
        holder.execute("COMMIT")

        async def run() -> DeliveryReport:
            began = asyncio.Event()

            async def send(request: HttpRequest, timeout_s: float) -> HttpResponse:
                if not began.is_set():
                    began.set()
                    holder.execute("BEGIN IMMEDIATE")
                return await honest.send(request, timeout_s)

            class Line:
                send: Any

            line = Line()
            line.send = send
            return await drain(
                opened,
                accounts(account(concurrency=4)),
                ROUTES,
                mode=Mode.LIVE,
                transport=line,
                times=turned.times(),
                sleep=sleep,
            )

        report = asyncio.run(run())
    holder.close()
    assert len(waits) >= 3
    assert report.sent == 20
    assert honest.counts() == Counter(numbered(20))


def test_a_disk_that_is_full_ends_the_run_and_doubles_nothing(
    store: Store, turned: Turned, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_own(store, *numbered(300))
    honest = Honest(turned.clock)
    with store.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    full = (*connect.PRAGMAS, f"PRAGMA max_page_count = {pages + 6}")
    with monkeypatch.context() as patched:
        patched.setattr(connect, "PRAGMAS", full)
        with (
            open_store(f"sqlite:///{store.path}") as opened,
            pytest.raises(StoreUnavailableError, match="the disk is full"),
        ):
            deliver(opened, honest, turned)
    left = states(store)
    assert left["queued"]
    assert 0 < left["sending"] <= 4
    # Somebody frees some space; an hour later cron starts the next runs.
    for _ in range(4):
        turned.passed += 3600
        look(store, honest, turned.times(), turned)
        deliver(store, honest, turned)
    assert states(store) == {"accepted": 300}
    assert honest.counts() == Counter(numbered(300))


# PostgreSQL: gone in the middle.


class Fast:
    """A clock that runs a hundred times faster, so that nobody waits for a lease."""

    factor = 100.0

    def __init__(self) -> None:
        self.began = time.monotonic()

    def monotonic(self) -> float:
        return (time.monotonic() - self.began) * self.factor

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.factor)


def _end_all_connections(url: str) -> None:
    import psycopg

    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as one:
        one.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_server_that_ends_all_connections_again_and_again_stops_nothing(
    make_postgres: Callable[[], str],
) -> None:
    url = make_postgres()
    upgrade_store(url)
    fast, ids = Fast(), numbered(400)
    honest = Honest(fast.clock, dated=False)

    class Line:
        """Ends all connections after every fiftieth text."""

        async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
            await asyncio.sleep(0.002)
            said = await honest.send(request, timeout_s)
            if request.method == "POST" and len(honest.had) % 50 == 0:
                await asyncio.to_thread(_end_all_connections, url)
            return said

    async def work(store: Store) -> None:
        stop = asyncio.Event()
        watching = asyncio.create_task(
            watch(
                store,
                accounts(account(concurrency=8)),
                ROUTES,
                mode=Mode.LIVE,
                stop=stop,
                transport=Line(),
                times=Times(fast.clock, wall=fast.clock, monotonic=fast.monotonic),
                sleep=fast.sleep,
                timeout_s=30.0,
            )
        )
        async with asyncio.timeout(40):
            while len(honest.had) < len(ids) and not watching.done():
                await asyncio.sleep(0.02)
            while not watching.done() and await asyncio.to_thread(_open_ones, url):
                await asyncio.sleep(0.05)
        stop.set()
        await watching

    with open_store(url) as store:
        queue_own(store, *ids)
        asyncio.run(work(store))
    with open_store(url) as store:
        assert states(store) == {"accepted": 400}
    assert honest.counts() == Counter(ids)


def _open_ones(url: str) -> int:
    try:
        with open_store(url) as store, store.read() as connection:
            counted = connection.execute(
                text("SELECT count(*) FROM messages WHERE state <> 'accepted'")
            )
            return int(counted.scalar_one())
    except StoreUnavailableError:
        return 1  # the last end of all connections was the end of ours too


# Clocks.


class Set:
    """Our clock, which somebody sets; the provider's goes on."""

    def __init__(self, turned: Turned) -> None:
        self.turned = turned
        self.off = timedelta(0)

    def clock(self) -> datetime:
        return self.turned.clock() + self.off

    def times(self) -> Times:
        return Times(self.clock, wall=self.clock, monotonic=self.turned.monotonic)


def lose(store: Store, honest: Honest, ours: Set) -> None:
    """Send one text that the provider takes, and lose the answer."""
    queue(store, "one", body="Hi one", due_at=MICROS - 7200 * SECOND)
    honest.lost_answers = 1
    report = deliver(store, honest, ours.turned, times=ours.times())
    assert report.unknown == 1


def look_until_settled(store: Store, honest: Honest, ours: Set) -> None:
    """As a new process would: `now` is what the clock says."""
    for _ in range(90):
        ours.turned.passed += 60
        look(store, honest, ours.times(), ours.turned)
        deliver(store, honest, ours.turned, times=ours.times())
        if states(store) == {"accepted": 1}:
            return
    raise AssertionError("it is still in doubt")


@pytest.mark.parametrize("off_s", [-3600, -40, 0, 40, 3600])
def test_a_text_in_doubt_is_found_though_our_clock_is_wrong(
    store: Store, turned: Turned, off_s: int
) -> None:
    ours, honest = Set(turned), Honest(turned.clock)
    ours.off = timedelta(seconds=off_s)
    lose(store, honest, ours)
    look_until_settled(store, honest, ours)
    assert honest.counts() == {"one": 1}


@pytest.mark.parametrize("back_s", [20, 60, 3600])
def test_a_text_in_doubt_is_found_though_our_clock_was_set_back_since(
    store: Store, turned: Turned, back_s: int
) -> None:
    ours, honest = Set(turned), Honest(turned.clock)
    lose(store, honest, ours)
    ours.off = timedelta(seconds=-back_s)
    look_until_settled(store, honest, ours)
    assert honest.counts() == {"one": 1}


def test_a_run_goes_on_though_the_clock_jumps_back_an_hour(store: Store, turned: Turned) -> None:
    ours, ids = Set(turned), numbered(40)
    honest = Honest(turned.clock)
    queue_own(store, *ids)

    class Line:
        async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
            if len(honest.had) == 10:
                ours.off = timedelta(hours=-1)
            return await honest.send(request, timeout_s)

    report = deliver(store, Line(), turned, times=ours.times())
    assert report.sent == 40
    assert honest.counts() == Counter(ids)


def test_two_workers_keep_apart_though_the_clock_jumps_back_an_hour(
    store: Store, turned: Turned
) -> None:
    """All leases look as if they had been given long ago; those in flight become unknown."""
    ours, ids = Set(turned), numbered(40)
    honest = Honest(turned.clock)
    queue_own(store, *ids)
    other = Honest(turned.clock)
    other.had = honest.had  # one provider, two lines

    class Line:
        async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
            if len(honest.had) == 10:
                ours.off = timedelta(hours=-1)
                await asyncio.to_thread(deliver, store, other, turned, times=ours.times())
            return await honest.send(request, timeout_s)

    deliver(store, Line(), turned, times=ours.times())
    for _ in range(4):
        turned.passed += 4000
        look(store, honest, ours.times(), turned)
        deliver(store, honest, turned, times=ours.times())
    assert states(store) == {"accepted": 40}
    assert honest.counts() == Counter(ids)


def test_a_worker_that_slept_between_marking_and_sending_does_not_send(
    store: Store, turned: Turned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one may have taken the message for maybe sent, and sent it, in the meantime."""
    queue(store, "one")
    wire, honest = Wire(main=accepted), Honest(turned.clock)
    write = books.Books.write

    def another_worker() -> None:
        for _ in range(2):
            turned.passed += 600
            look(store, honest, turned.times(), turned)
        deliver(store, honest, turned)

    async def slow_write(self: books.Books, wave: books.Wave, **rest: int) -> books.Answer:
        said = await write(self, wave, **rest)
        if wave.starts and not turned.passed:
            await asyncio.to_thread(another_worker)
        return said

    monkeypatch.setattr(books.Books, "write", slow_write)
    deliver(store, wire, turned)
    assert honest.counts() == {"one": 1}
    assert wire.requests == []
    assert states(store) == {"accepted": 1}


def test_a_worker_that_slept_after_marking_gives_back_what_is_still_its_own(
    store: Store, turned: Turned, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(store, *numbered(3))
    wire = Wire(main=accepted)
    write = books.Books.write

    async def sleepy_write(self: books.Books, wave: books.Wave, **rest: int) -> books.Answer:
        said = await write(self, wave, **rest)
        if wave.starts and not turned.passed:
            assert states(store) == {"sending": 3}
            turned.passed += 600
        return said

    monkeypatch.setattr(books.Books, "write", sleepy_write)
    deliver(store, wire, turned)
    assert (states(store), wire.requests) == ({"queued": 3}, [])
    turned.passed += 5
    deliver(store, wire, turned)
    assert states(store) == {"accepted": 3}
    assert Counter(wire.sent_through("main")) == Counter(numbered(3))


def test_a_rate_that_lets_the_next_text_go_while_we_write_does_not_end_the_run(
    store: Store, turned: Turned
) -> None:
    """Every look at the clock takes some time here, as it does in the world."""
    queue(store, *numbered(50))
    wire = Wire(main=accepted)

    def monotonic() -> float:
        turned.passed += 0.0009
        return turned.passed

    times = Times(turned.clock, wall=turned.clock, monotonic=monotonic)
    made = accounts(account(messages_per_second=30.0))
    report = asyncio.run(
        drain(
            store,
            made,
            ROUTES,
            mode=Mode.LIVE,
            transport=wire,
            times=times,
            sleep=turned.sleep,
        )
    )
    assert (report.sent, report.left) == (50, 0)


# Doubt.


def settled(store: Store, row: Settled, owner: str = "late") -> None:
    with store.begin() as connection:
        outcomes.settle(connection, [row], owner=owner, now=MICROS, wall=MICROS)


@pytest.mark.parametrize(
    ("number", "state", "after"),
    [
        (1, "queued", "unknown"),  # the first try surely failed; the second is still in doubt
        (2, "queued", "queued"),
        (1, "failed", "unknown"),
        (1, "accepted", "accepted"),  # the person has it: no need to doubt any more
        (2, "accepted", "accepted"),
    ],
)
def test_an_answer_to_an_earlier_try_does_not_end_the_doubt_about_a_later_one(
    store: Store, number: int, state: str, after: str
) -> None:
    queue(store, "one", state="unknown", attempts=2, account="main")
    settled(store, Settled(id="one", state=state, account="main", number=number, result="retry"))
    assert message(store, "one")["state"] == after


def test_an_answer_to_an_earlier_try_does_not_end_a_later_one_in_flight(store: Store) -> None:
    queue(store, "one", state="sending", attempts=2, lease_owner="me", lease_until=MICROS * 2)
    settled(store, Settled(id="one", state="queued", number=1, result="retry"), owner="me")
    assert message(store, "one")["state"] == "sending"
    assert [one["number"] for one in tries(store, "one")] == [1]


def test_an_equal_text_that_is_in_flight_keeps_its_own_id(store: Store, turned: Turned) -> None:
    """What the provider lists may be the other one, whose answer is not written yet."""
    honest = Honest(turned.clock)
    queue(store, "one", state="unknown", attempts=1, account="main", error="unknown_error")
    queue(store, "two", state="sending", attempts=1, account="main", lease_owner="other")
    with store.begin() as connection:
        connection.execute(
            text("UPDATE messages SET lease_until = :until"), {"until": MICROS + 30 * SECOND}
        )
        connection.execute(text("UPDATE messages SET lease_until = NULL WHERE id = 'one'"))
    honest.had = [("two", "Hi", turned.clock())]
    turned.passed += 5
    assert look(store, honest, turned.times(), turned).waiting == 1
    assert message(store, "one")["looks"] == 0
    answered = Settled(id="two", state="accepted", provider_message_id="p-two", number=1)
    settled(store, answered, owner="other")
    for _ in range(5):
        turned.passed += 60
        look(store, honest, turned.times(), turned)
    assert (message(store, "one")["state"], message(store, "two")["state"]) == (
        "queued",
        "accepted",
    )
    deliver(store, honest, turned)
    assert honest.counts() == {"one": 1, "two": 1}


def test_two_workers_never_adopt_the_same_id(make_postgres: Callable[[], str]) -> None:
    """Two equal texts in doubt, each looked up by another worker at the same moment."""
    url = make_postgres()
    upgrade_store(url)
    with open_store(url) as store:
        queue(store, "one", "two", state="unknown", attempts=1, account="main")

        def adopt(one: str) -> str:
            with store.begin() as connection:
                taken = unknowns.linked(connection, ["p1", "p2"])
                free = sorted({"p1", "p2"} - taken)[0]
                connection.execute(text("SELECT pg_sleep(0.1)"))
                connection.execute(
                    text("UPDATE messages SET provider_message_id = :pid WHERE id = :id"),
                    {"pid": free, "id": one},
                )
                return free

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(adopt, ["one", "two"])) == ["p1", "p2"]


def test_the_moment_is_aware(turned: Turned) -> None:
    moment = turned.times().moment()
    assert moment.wall == MICROS
    assert datetime.fromtimestamp(moment.wall / SECOND, UTC) == START
