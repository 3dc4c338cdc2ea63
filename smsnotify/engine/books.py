"""Delivery's side of the database: one thread, and one transaction for everything at hand.

A wave writes the results that came in, marks what goes out next and claims more, with one commit
(one wait for the disk) in all. The thread keeps the event loop free while the disk works.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec
from sqlalchemy import Connection

from smsnotify.base.errors import StoreError
from smsnotify.model.facts import unknown_senders
from smsnotify.store import claims, outcomes, rates
from smsnotify.store.pauses import Paused, paused
from smsnotify.store.rowset import find_by_id
from smsnotify.store.store import Store
from smsnotify.store.unwanted import Senders, drop_unwanted

T = TypeVar("T")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How many due messages to claim, of which priorities, and which kinds not."""

    limit: int
    skip: frozenset[str] = frozenset()
    priorities: tuple[int, ...] = (0, 1, 2)

    @property
    def is_whole(self) -> bool:
        """True when no priority is left out."""
        return len(self.priorities) == 3


class Wave(msgspec.Struct, kw_only=True):
    """What one transaction shall do, in this order."""

    settled: list[outcomes.Settled] = []
    expired: list[str] = []
    put_back: list[claims.PutBack] = []
    starts: list[claims.Start] = []
    renew: list[str] = []
    wanted: Wanted | None = None
    ask_paused: bool = False
    bookings: list[rates.Booking] = []

    @property
    def is_empty(self) -> bool:
        """True when no transaction is needed."""
        writes = self.settled or self.expired or self.put_back or self.starts or self.renew
        return not (writes or self.wanted or self.ask_paused or self.bookings)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the transaction gave: the rows that may go out, the claimed ones, the pauses, turns.

    `started_only` None: every row that was to start has started. `turns` by account.
    """

    started_only: set[str] | None = None
    claimed: list[claims.Claimed] | None = None
    paused: Paused | None = None
    turns: dict[str, rates.Turns] = {}


class Books:
    """The store, as the delivery loop uses it. Close it when the loop ends."""

    def __init__(
        self,
        store: Store,
        *,
        owner: str,
        mode: str,
        run: str,
        senders: Senders = unknown_senders,
    ) -> None:
        """`owner` names this worker in its leases; `run` keeps to one run's messages.

        `senders` says what routes might send as: some people refuse texts of one of them.
        """
        self.store = store
        self.owner = owner
        self.mode = mode
        self.run = run
        self._senders = senders
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sms-notify-books")
        self._kept: Connection | None = None

    async def write(self, wave: Wave, *, now: int, wall: int) -> Answer:
        """Do a wave in one transaction.

        Raises:
            StoreError: nothing of it is stored.
        """
        return await self._in_thread(lambda: self._write(wave, now, wall))

    def _write(self, wave: Wave, now: int, wall: int) -> Answer:
        if self._kept is None:
            self._kept = self.store.keep()
        try:
            return self._write_on(self._kept, wave, now, wall)
        except StoreError:
            # Perhaps the line is broken; a new one costs little after an error.
            kept, self._kept = self._kept, None
            with contextlib.suppress(Exception):
                kept.close()
            raise

    def _write_on(self, kept: Connection, wave: Wave, now: int, wall: int) -> Answer:
        until = wall + int(claims.LEASE_S * 1_000_000)
        owner = self.owner
        with self.store.begin(kept) as connection:
            find_by_id(connection)
            outcomes.settle(connection, wave.settled, owner=owner, now=now, wall=wall)
            outcomes.expire(connection, wave.expired, owner=owner, now=now)
            claims.put_back(connection, wave.put_back, owner=owner)
            claims.renew(connection, wave.renew, owner=owner, until=until)
            started = claims.start(connection, wave.starts, owner=owner, wall=wall, until=until)
            claimed = None
            if wave.wanted is not None:
                claimed = self._claim(connection, wave.wanted, now, wall, until)
            stopped = paused(connection) if wave.ask_paused else None
            turns = rates.book(connection, wave.bookings)
        return Answer(started_only=started, claimed=claimed, paused=stopped, turns=turns)

    def _claim(
        self, connection: Connection, wanted: Wanted, now: int, wall: int, until: int
    ) -> list[claims.Claimed]:
        """Claim as much as is wanted; what turns out to be for nobody makes room for more."""
        claimed: list[claims.Claimed] = []
        while True:
            found = claims.claim(
                connection,
                owner=self.owner,
                mode=self.mode,
                now=now,
                wall=wall,
                until=until,
                limit=wanted.limit - len(claimed),
                run=self.run,
                skip=wanted.skip,
                priorities=wanted.priorities,
            )
            kept = drop_unwanted(
                connection, self.store.recipient_hash, found, now=now, senders=self._senders
            )
            claimed += kept
            if len(kept) == len(found):
                return claimed

    async def paused(self) -> Paused:
        """Read what is paused, without waiting for a writer."""
        return await self.read(paused)

    async def backlog(self, *, now: int, wall: int) -> claims.Backlog:
        """Count what is still queued."""
        return await self.read(
            lambda connection: claims.backlog(
                connection, mode=self.mode, now=now, wall=wall, run=self.run
            )
        )

    async def read(self, question: Callable[[Connection], T]) -> T:
        """Ask in a reading transaction of its own."""

        def ask() -> T:
            with self.store.read() as connection:
                return question(connection)

        return await self._in_thread(ask)

    async def change(self, work: Callable[[Connection], T]) -> T:
        """Write in a transaction of its own."""

        def do() -> T:
            with self.store.begin() as connection:
                return work(connection)

        return await self._in_thread(do)

    async def call(self, work: Callable[[], T]) -> T:
        """Run something else that uses the store, in its thread."""
        return await self._in_thread(work)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # A transaction that has begun ends before we do: its outcome is never a guess.
            with contextlib.suppress(Exception):
                await future
            raise

    def close(self) -> None:
        """End the thread."""
        if self._kept is not None:
            self._thread.submit(self._kept.close)
        self._thread.shutdown(wait=True)
