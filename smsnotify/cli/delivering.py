"""Runs the delivery engine from a command, and says what it came to."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from smsnotify.base.clock import Clock
from smsnotify.cli.desk import Desk
from smsnotify.engine.accounts import Account, Routes, first_account
from smsnotify.engine.delivery import drain, settle, watch
from smsnotify.engine.loop import run as run_loop
from smsnotify.engine.report import DeliveryReport
from smsnotify.engine.settle import SettleReport
from smsnotify.model.message import Message
from smsnotify.model.rule import APPRISE, EMAIL, SMS
from smsnotify.store.outbox import Wanted
from smsnotify.wiring import build

_LOOKED_AT: Final = 500


class Delivered(msgspec.Struct, frozen=True):
    """A delivery report as a command sees it. `unserved`: countries, and channels, that no
    account serves."""

    report: DeliveryReport
    interrupted: bool = False
    unserved: tuple[str, ...] = ()

    @property
    def early_exit(self) -> int:
        """130 interrupted; 3 when texts stay: a pause, or an account or provider is out; else 0."""
        if self.interrupted:
            return 130
        report = self.report
        held_up = report.paused or report.stopped_accounts or report.retried or self.unserved
        return 3 if report.left and held_up else 0

    @property
    def exit_code(self) -> int:
        """The early exit's; else 1 when something failed or is unknown."""
        return self.early_exit or int(bool(self.report.failed or self.report.unknown))

    def as_json(self) -> dict[str, object]:
        """`{"type": "delivery", "sent", "failed", "unknown", "expired", "left", …}`."""
        report = self.report
        return {
            "type": "delivery",
            "sent": report.sent,
            "failed": report.failed,
            "unknown": report.unknown,
            "expired": report.expired,
            "left": report.left,
            "paused": list(report.paused),
            "stopped_accounts": report.stopped_accounts,
        }

    def lines(self) -> list[tuple[str, object]]:
        """Names and figures for people."""
        report = self.report
        rows: list[tuple[str, object]] = [("sent", report.sent)]
        for name in ("failed", "unknown", "expired", "left"):
            if count := getattr(report, name):
                rows.append((name, count))
        return rows


def deliver(
    desk: Desk,
    clock: Clock,
    *,
    run: str = "",
    accounts: Mapping[str, Account] | None = None,
    routes: Routes | None = None,
) -> Delivered:
    """Send what is due, of one run or of all; returns when nothing is due any more."""

    accounts = build.accounts(desk.settings) if accounts is None else accounts
    routes = build.routes(desk.settings) if routes is None else routes

    async def work() -> tuple[DeliveryReport, bool]:
        stop = asyncio.Event()
        with interruptible(stop):
            report = await drain(
                desk.store,
                accounts,
                routes,
                mode=desk.settings.mode,
                clock=clock,
                callback_url=build.callback_url(desk.settings),
                public_url=desk.settings.public_url,
                run=run,
                stop=stop,
            )
        return report, stop.is_set()

    report, interrupted = run_loop(work())
    unserved = _unserved(desk, accounts, routes, run) if report.left else ()
    return _told(desk, Delivered(report, interrupted, unserved), say_left=not run)


def _unserved(
    desk: Desk, accounts: Mapping[str, Account], routes: Routes, run: str
) -> tuple[str, ...]:
    """Return the destinations of waiting texts for which their route has no account at all.

    Of mails and alarms it is the channel.
    """
    wanted = Wanted(states=frozenset({"queued"}), mode=desk.settings.mode, run=run)
    waiting: list[Message] = desk.store.list_messages(wanted, _LOOKED_AT)
    kinds = {(one.route, one.country, one.channel) for one in waiting}
    return tuple(
        sorted(
            (country or "unknown") if channel == SMS else channel
            for route, country, channel in kinds
            if first_account(accounts, routes, route, country, channel) is None
        )
    )


def look_up(desk: Desk, clock: Clock) -> SettleReport:
    """Ask the providers about texts that they may or may not have; sends nothing."""
    accounts = build.accounts(desk.settings)
    return run_loop(settle(desk.store, accounts, mode=desk.settings.mode, clock=clock))


def watch_outbox(desk: Desk, clock: Clock) -> Delivered:
    """Send what becomes due until asked to end, which is no interruption: it is how this ends."""

    async def work() -> DeliveryReport:
        stop = asyncio.Event()
        with interruptible(stop):
            desk.note("watching the outbox; Ctrl-C ends it")
            return await watch(
                desk.store,
                build.accounts(desk.settings),
                build.routes(desk.settings),
                mode=desk.settings.mode,
                clock=clock,
                callback_url=build.callback_url(desk.settings),
                public_url=desk.settings.public_url,
                stop=stop,
            )

    return _told(desk, Delivered(run_loop(work())))


@contextmanager
def interruptible(stop: asyncio.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the work at a message boundary."""
    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, Any] = {}

    def ask(number: int, frame: object) -> None:
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            before[number] = signal.signal(number, ask)
        except ValueError:  # not in the main thread: whoever started us handles signals
            break
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(desk: Desk, delivered: Delivered, *, say_left: bool = True) -> Delivered:
    report = delivered.report
    tell = desk.warn if delivered.early_exit else desk.note
    for name, reason in report.stopped_accounts.items():
        tell(f"account {name} is stopped: {reason}; see `sms-notify providers check`")
    if report.paused:
        what = "everything" if "*" in report.paused else ", ".join(report.paused)
        tell(f"sending is paused ({what}); `sms-notify resume` lets it go on")
    if report.left and say_left:
        texts = "1 text is" if report.left == 1 else f"{report.left:,} texts are"
        tell(f"{texts} still queued{_why_left(report)}; `sms-notify deliver` sends them")
    if delivered.unserved:
        where = ", ".join(delivered.unserved)
        of_texts = not {EMAIL, APPRISE}.issuperset(delivered.unserved)
        see = "see `countries` of the accounts" if of_texts else "see `sms-notify doctor`"
        tell(f"no account of the route serves {where}: {see}")
    if delivered.interrupted:
        desk.note("interrupted at a message boundary; nothing is lost, run it again")
    return delivered


def _why_left(report: DeliveryReport) -> str:
    if report.retried and not (report.paused or report.stopped_accounts):
        return ", a provider does not take them now"
    return ""
