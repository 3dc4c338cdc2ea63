"""The delivery loop: waves of claims, requests in flight, results written back.

One coroutine owns every lane, so rates, windows and breakers need no locks. It plans a wave,
commits it (results, marks, claims: one transaction), then sends what the commit allowed. While
requests are in flight it sleeps until enough answers came back to be worth a commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from smsnotify.base.errors import StoreUnavailableError
from smsnotify.engine.books import Answer, Books, Wanted, Wave
from smsnotify.engine.client import Transport
from smsnotify.engine.dispatch_plan import Plan
from smsnotify.engine.entries import Entries
from smsnotify.engine.flight import Flight
from smsnotify.engine.handover import Tried, sender_of
from smsnotify.engine.lanes import Lane, bookings, deal
from smsnotify.engine.mail import MailCarrier
from smsnotify.engine.next_claims import NextClaims
from smsnotify.engine.report import DeliveryReport
from smsnotify.engine.resting import Rest
from smsnotify.engine.routing import Router
from smsnotify.engine.times import Times, micros
from smsnotify.model.message import MessageState
from smsnotify.store.claims import LEASE_S, Claimed, PutBack, Start
from smsnotify.store.outcomes import Settled
from smsnotify.store.pauses import Paused

log = logging.getLogger(__name__)

_TICK_S: Final = 0.25
_RENEW_S: Final = LEASE_S / 3
_PAUSES_S: Final = 1.0
_STORE_TRIES: Final = 5
_NOBODY_S: Final = 60.0  # accounts may be asked, but none that has not refused this message


class Dispatch:
    """One run. `report` is being filled while it goes."""

    def __init__(
        self,
        books: Books,
        lanes: dict[str, Lane],
        router: Router,
        transport: Transport,
        mails: MailCarrier,
        *,
        times: Times,
        stop: asyncio.Event,
        plan: Plan,
    ) -> None:
        """Everything is made by `delivery.drain` and `delivery.watch`."""
        self.report = DeliveryReport()
        self._books = books
        self._lanes = lanes
        self._router = router
        self._times = times
        self._stop = stop
        self._plan = plan
        self._wake = asyncio.Event()
        self._resting = Rest(books, lanes, times=times, stop=stop, plan=plan)
        self._flight = Flight(
            transport,
            mails,
            times=times,
            timeout_s=plan.timeout_s,
            callback_url=plan.callback_url,
            opt_out_url=plan.opt_out_url,
            wake=self._wake,
        )
        self._entries = Entries(
            router, times=times, draw=plan.draw, report=self.report, announce=plan.announce
        )
        self._started_count = 0
        self._put_back: list[PutBack] = []
        self._next = NextClaims(lanes, router, times)
        self._marked = times.moment()
        self._alarm: asyncio.Task[None] | None = None
        self._renewed_at = self._pauses_read_at = times.monotonic()

    async def run(self) -> None:
        """Go on until nothing is due (or until `stop`); then give back what was not sent.

        Raises:
            StoreError: the database failed for longer than a few seconds.
        """
        stopping = asyncio.create_task(self._wake_on_stop())
        end_ticking = self._tick()
        try:
            self._obey(await self._books.paused())
            while not self._stop.is_set():
                if await self._wave():
                    continue
                if self._flight.count:
                    await self._wake.wait()
                    self._wake.clear()
                elif not self._flight.has_answers and not await self._rest():
                    break
        finally:
            stopping.cancel()
            end_ticking()
            if self._alarm is not None:
                self._alarm.cancel()
            await self._finish()

    async def _wake_on_stop(self) -> None:
        await self._stop.wait()
        self._wake.set()

    def _tick(self) -> Callable[[], None]:
        """Wake up now and then for leases and pauses; return what ends it."""
        loop = asyncio.get_running_loop()
        handle: asyncio.TimerHandle | None = None

        def tick() -> None:
            nonlocal handle
            self._wake.set()
            handle = loop.call_later(_TICK_S, tick)

        tick()
        return lambda: handle.cancel() if handle is not None else None

    # A wave: plan, commit, send.

    async def _wave(self) -> bool:
        """Do one wave; True when it brought new messages, so that another one is due at once."""
        wave = Wave()
        opted_out = self._entries.enter(self._answers(), wave)
        self._reroute()
        requests = self._next_requests(wave)
        wave.wanted = self._next.wanted(self._limit_left())
        self._housekeeping(wave)
        if wave.is_empty:
            self._set_alarm()
            return False
        now = self._times.now()
        answer = await self._commit(wave, now)
        if any(_is_due_again(one, now) for one in wave.settled):
            self._next.more = True
        self._flight.send(requests, answer.started_only, self._marked)
        if answer.paused is not None:
            self._obey(answer.paused)
        brought = self._take(answer, wave.wanted, now)
        brought = deal(self._lanes, answer.turns) or brought
        await self._tell_opt_outs(opted_out)
        if self._plan.progress is not None and (wave.settled or wave.expired):
            self._plan.progress(self.report)
        if not brought:
            self._set_alarm()
        return brought

    def _answers(self) -> list[Tried]:
        answers = self._flight.take_answers()
        if self._plan.tried is not None:
            for answer in answers:
                self._plan.tried(answer)
        return answers

    async def _commit(self, wave: Wave, now: int) -> Answer:
        """Write the wave. A database that is locked or gone for a moment gets some more tries.

        All of it can be repeated: what was written already is not written twice.
        """
        for tries_left in reversed(range(_STORE_TRIES)):
            try:
                self._marked = self._times.moment()
                return await self._books.write(wave, now=now, wall=self._marked.wall)
            except StoreUnavailableError:
                if not tries_left or self._stop.is_set():
                    raise
                log.warning("the database is not available; trying again")
                await self._plan.sleep(1.0)
        raise AssertionError("the loop returns or raises")

    async def _tell_opt_outs(self, opted_out: Sequence[tuple[str, str]]) -> None:
        for number, account in opted_out:
            at = self._times.wall_at()
            await self._books.call(partial(self._plan.opt_out, number, account, at))

    def _reroute(self) -> None:
        """Move what waits for an account that may not be used now, or give it back."""
        for lane in self._lanes.values():
            if lane.waiting_count and not lane.is_usable:
                for message in lane.take_all():
                    self._route(message)

    def _route(self, message: Claimed) -> None:
        lane = self._router.pick(message)
        if lane is not None:
            lane.add(message)
            return
        wait_s = self._router.wait_s(message)
        due_at = None
        if wait_s is not None:
            due_at = max(message.due_at, self._times.now() + micros(wait_s or _NOBODY_S))
        self._put_back.append(PutBack(message.id, due_at))

    def _next_requests(self, wave: Wave) -> list[tuple[Lane, list[Claimed]]]:
        requests: list[tuple[Lane, list[Claimed]]] = []
        now = self._times.now()
        for lane in self._lanes.values():
            if not lane.waiting_count:
                continue
            for messages in lane.next_requests(now, self._limit_left()):
                requests.append((lane, messages))
                self._started_count += len(messages)
                for message in messages:
                    wave.starts.append(Start(message.id, lane.name, sender_of(message, lane)))
            if lane.expired:
                wave.expired += lane.expired
                self.report.expired += len(lane.expired)
                lane.expired.clear()
        return requests

    def _limit_left(self) -> int | None:
        limit = self._plan.limit
        return None if limit is None else max(limit - self._started_count, 0)

    def _housekeeping(self, wave: Wave) -> None:
        wave.put_back, self._put_back = self._put_back, []
        now = self._times.monotonic()
        if now - self._renewed_at >= _RENEW_S:
            self._renewed_at = now
            waiting = [one for lane in self._lanes.values() for q in lane.waiting for one in q]
            wave.renew = [one.id for one in waiting + self._flight.messages()]
        if now - self._pauses_read_at >= _PAUSES_S:
            self._pauses_read_at = now
            wave.ask_paused = True
        wave.bookings = bookings(self._lanes.values())

    def _obey(self, paused: Paused) -> None:
        for lane in self._lanes.values():
            lane.paused = paused.everything or lane.name in paused.accounts
        self.report.paused = ("*",) if paused.everything else tuple(sorted(paused.accounts))

    def _take(self, answer: Answer, wanted: Wanted | None, now: int) -> bool:
        """Spread claimed messages over the lanes; True when some came."""
        if answer.claimed is None or wanted is None:
            return False
        self._next.were_met(wanted, len(answer.claimed), now)
        sole: dict[str, Lane | None] = {}
        for message in answer.claimed:
            kind = message.kind
            if kind not in sole:
                self._next.note_kind(message)
                sole[kind] = self._router.sole(message)
            lane = None if message.account else sole[kind]
            if lane is not None:
                lane.add(message)
            else:
                self._route(message)
        return bool(answer.claimed)

    def ring(self) -> None:
        """Look for new messages at once: somebody said that there are some."""
        self._next.more = True
        self._resting.call()
        self._wake.set()

    def _set_alarm(self) -> None:
        """While requests are in flight: wake up when a rate lets the next message go."""
        if not self._flight.count or (self._alarm is not None and not self._alarm.done()):
            return
        wait_s = self._resting.rate_wait_s()
        if wait_s is not None:
            self._alarm = asyncio.create_task(self._ring_after(wait_s))

    async def _ring_after(self, wait_s: float) -> None:
        await self._plan.sleep(wait_s)
        self._wake.set()

    # Nothing in flight: what are we waiting for?

    async def _rest(self) -> bool:
        """Sleep until something may be due; False when this run is over."""
        if self._limit_left() == 0:
            return False
        if self._next.are_urgent:
            return True
        if any(lane.may_send for lane in self._lanes.values()):
            return True  # its turn came while the last wave was written
        wait_s = self._resting.rate_wait_s()
        if wait_s is None:
            wait_s = await self._resting.due_in_s(
                self._next.claimed_at, self._entries.progressed_at
            )
        if wait_s is None:
            return False
        nap_s = min(max(wait_s, 0.001), _PAUSES_S)
        await self._resting.sleep(nap_s)
        if nap_s >= wait_s:
            self._next.more = True
        return True

    async def _finish(self) -> None:
        """Let what is in flight come back, within the grace; give back what waits."""
        await self._flight.land(self._plan.grace_s)
        wave = Wave()
        opted_out = self._entries.enter(self._answers(), wave)
        for lane in self._lanes.values():
            self._put_back += [PutBack(message.id) for message in lane.take_all()]
        wave.put_back = self._put_back
        if not wave.is_empty:
            await self._commit(wave, self._times.now())
        await self._tell_opt_outs(opted_out)
        left = await self._books.backlog(now=self._times.now(), wall=self._times.wall())
        self.report.left = left.queued


def _is_due_again(row: Settled, now: int) -> bool:
    return row.state == MessageState.QUEUED and row.due_at <= now
