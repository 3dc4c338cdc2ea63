"""The one way out: due messages of the outbox to the providers.

`drain` ends when nothing is due any more; `watch` goes on until it is told to stop. Both may run
in many processes at once: what each works on is under a lease.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from typing import Final

from smsnotify.base.clock import Clock, system_clock
from smsnotify.base.redact import mask_number
from smsnotify.engine.accounts import Account, Routes, senders_of
from smsnotify.engine.books import Books
from smsnotify.engine.client import HttpClient, Transport
from smsnotify.engine.dispatch import Dispatch
from smsnotify.engine.dispatch_plan import OptOut, Plan, Sleep
from smsnotify.engine.handover import CallbackUrl, OptOutUrl, Tried
from smsnotify.engine.lanes import Lane
from smsnotify.engine.listening import listen
from smsnotify.engine.mail import MailCarrier
from smsnotify.engine.report import DeliveryReport
from smsnotify.engine.retry import Draw
from smsnotify.engine.routing import Router
from smsnotify.engine.settle import Settler, SettleReport
from smsnotify.engine.times import Times
from smsnotify.engine.wishes import carry_out
from smsnotify.model.contact import ConsentChange
from smsnotify.model.decision import Mode
from smsnotify.store.store import Store

log = logging.getLogger(__name__)

PATIENCE_S: Final = 20.0
WATCH_S: Final = 0.5
_SETTLE_S: Final = 2.0


def no_callback(message_id: str, account: str) -> str:
    """Ask for no receipts: there is no public address."""
    return ""


async def drain(
    store: Store,
    accounts: Mapping[str, Account],
    routes: Routes,
    *,
    mode: Mode,
    clock: Clock = system_clock,
    run: str = "",
    limit: int | None = None,
    patience_s: float = PATIENCE_S,
    callback_url: CallbackUrl = no_callback,
    public_url: str = "",
    stop: asyncio.Event | None = None,
    transport: Transport | None = None,
    timeout_s: float = 30.0,
    grace_s: float = 8.0,
    progress: Callable[[DeliveryReport], None] | None = None,
    times: Times | None = None,
    sleep: Sleep = asyncio.sleep,
    draw: Draw = random.uniform,
) -> DeliveryReport:
    """Send what is due in a mode (of one run, or of all), and say what became of it.

    Waits at most `patience_s` for retries, counted from the last message that left; later ones
    stay queued and are counted as left. `limit` bounds the tries. `stop` ends it early: what is in
    flight gets `grace_s` to come back. `times`, `sleep` and `draw` are for tests.

    Raises:
        StoreError: the database failed; what was in flight is settled by a later look-up.
    """
    desk = _Desk(
        store, accounts, routes, mode=mode, run=run, times=times or Times(clock), sleep=sleep
    )
    plan = Plan(
        limit=limit,
        patience_s=patience_s,
        timeout_s=timeout_s,
        grace_s=grace_s,
        callback_url=callback_url,
        opt_out_url=_opt_out_pages(store, public_url),
        opt_out=_opt_out_of(store),
        draw=draw,
        sleep=sleep,
        progress=progress,
    )
    async with AsyncExitStack() as stack:
        stack.callback(desk.books.close)
        carrier = transport or await _open_client(stack, accounts)
        mails = await stack.enter_async_context(MailCarrier())
        await desk.settler(carrier, timeout_s).take_over()
        dispatch = desk.dispatch(routes, carrier, mails, stop or asyncio.Event(), plan)
        await dispatch.run()
    return dispatch.report


async def watch(
    store: Store,
    accounts: Mapping[str, Account],
    routes: Routes,
    *,
    mode: Mode,
    stop: asyncio.Event,
    clock: Clock = system_clock,
    idle_s: float = WATCH_S,
    callback_url: CallbackUrl = no_callback,
    public_url: str = "",
    transport: Transport | None = None,
    timeout_s: float = 30.0,
    grace_s: float = 8.0,
    progress: Callable[[DeliveryReport], None] | None = None,
    tried: Callable[[Tried], None] | None = None,
    settled: Callable[[SettleReport], None] | None = None,
    times: Times | None = None,
    sleep: Sleep = asyncio.sleep,
    draw: Draw = random.uniform,
) -> DeliveryReport:
    """Send what becomes due, and settle unknown messages, until `stop` is set.

    Looks for new messages every `idle_s` when there is nothing to do, and at once when
    PostgreSQL says that there are some; sees a pause within 2 s.
    `tried` hears of every request that is over, `settled` of every round of look-ups.

    Raises:
        StoreError: the database failed for longer than a few seconds.
    """
    desk = _Desk(
        store, accounts, routes, mode=mode, run="", times=times or Times(clock), sleep=sleep
    )
    plan = Plan(
        watch_s=min(idle_s, 1.0),
        timeout_s=timeout_s,
        grace_s=grace_s,
        callback_url=callback_url,
        opt_out_url=_opt_out_pages(store, public_url),
        opt_out=_opt_out_of(store),
        draw=draw,
        sleep=sleep,
        progress=progress,
        tried=tried,
    )
    async with AsyncExitStack() as stack:
        stack.callback(desk.books.close)
        carrier = transport or await _open_client(stack, accounts)
        mails = await stack.enter_async_context(MailCarrier())
        dispatch = desk.dispatch(routes, carrier, mails, stop, plan)
        besides = {
            asyncio.create_task(
                _settle_now_and_then(desk.settler(carrier, timeout_s), stop, sleep, settled)
            ),
            asyncio.create_task(listen(desk.books, dispatch.ring, sleep)),
        }
        try:
            await dispatch.run()
        finally:
            for task in besides:
                task.cancel()
            await asyncio.wait(besides)
    return dispatch.report


async def settle(
    store: Store,
    accounts: Mapping[str, Account],
    *,
    mode: Mode,
    clock: Clock = system_clock,
    transport: Transport | None = None,
    timeout_s: float = 30.0,
    times: Times | None = None,
    sleep: Sleep = asyncio.sleep,
) -> SettleReport:
    """Take over what a dead worker left, and look up every unknown message that is due for it.

    Raises:
        StoreError: the database failed.
    """
    desk = _Desk(store, accounts, {}, mode=mode, run="", times=times or Times(clock), sleep=sleep)
    async with AsyncExitStack() as stack:
        stack.callback(desk.books.close)
        carrier = transport or await _open_client(stack, accounts)
        return await desk.settler(carrier, timeout_s).settle()


async def _settle_now_and_then(
    settler: Settler,
    stop: asyncio.Event,
    sleep: Sleep,
    settled: Callable[[SettleReport], None] | None,
) -> None:
    while not stop.is_set():
        try:
            report = await settler.settle()
            if settled is not None:
                settled(report)
        except Exception:
            # Sending goes on; what is unknown waits for the next look.
            log.exception("looking up unknown messages failed")
        await sleep(_SETTLE_S)


class _Desk:
    """What drain, watch and settle are made of."""

    def __init__(
        self,
        store: Store,
        accounts: Mapping[str, Account],
        routes: Routes,
        *,
        mode: Mode,
        run: str,
        times: Times,
        sleep: Sleep,
    ) -> None:
        self.times = times
        self.accounts = accounts
        self.sleep = sleep
        senders = partial(senders_of, accounts, routes)
        self.books = Books(store, owner=_owner(), mode=mode, run=run, senders=senders)

    def dispatch(
        self,
        routes: Routes,
        carrier: Transport,
        mails: MailCarrier,
        stop: asyncio.Event,
        plan: Plan,
    ) -> Dispatch:
        shares = self.books.store.shares_rates
        lanes = {
            name: Lane(account, self.times.monotonic, shares_rate=shares)
            for name, account in self.accounts.items()
        }
        return Dispatch(
            self.books,
            lanes,
            Router(lanes, routes),
            carrier,
            mails,
            times=self.times,
            stop=stop,
            plan=plan,
        )

    def settler(self, carrier: Transport, timeout_s: float) -> Settler:
        return Settler(
            self.books,
            self.accounts,
            carrier,
            times=self.times,
            sleep=self.sleep,
            timeout_s=timeout_s,
        )


def _owner() -> str:
    """Name this worker in its leases: for people who look, and unlike any other."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{os.urandom(6).hex()}"


async def _open_client(stack: AsyncExitStack, accounts: Mapping[str, Account]) -> Transport:
    """Open a pool with a connection for every request that may be in flight, and for look-ups."""
    connections = sum(account.concurrency for account in accounts.values()) + 8
    return await stack.enter_async_context(HttpClient(connections))


def _opt_out_pages(store: Store, public_url: str) -> OptOutUrl:
    """Return what gives a recipient's own opt-out page; without a public address there is none."""
    if not public_url:
        return lambda recipient: ""
    return lambda recipient: f"{public_url}/o/{store.opt_out_token(recipient)}"


def _opt_out_of(store: Store) -> OptOut:
    def opt_out(number: str, account: str, at: datetime) -> None:
        note = f"refused by account {account}"
        change = ConsentChange(
            recipient=number, opted_out=True, source="provider", note=note, at=at
        )
        carry_out(store, [change], at)
        log.info("a recipient has opted out", extra={"recipient": mask_number(number)})

    return opt_out
