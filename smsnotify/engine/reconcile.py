"""Asks providers for the state of everything that they took and have not told the end of.

Receipts get lost: 8x8 gives up after about two minutes of our absence, Twilio after one retry.
What is learnt goes the way of a receipt. Nothing here sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Final

from smsnotify.engine.accounts import Account
from smsnotify.engine.asking import AT_ONCE, Asked, Asker, ReconcileReport
from smsnotify.engine.books import Books
from smsnotify.engine.client import HttpClient, Transport
from smsnotify.engine.dispatch_plan import Sleep
from smsnotify.engine.receipts import apply_early
from smsnotify.engine.times import Times
from smsnotify.model.decision import Mode
from smsnotify.store.receipt_stats import NO_WORD, count_no_word
from smsnotify.store.store import Store
from smsnotify.store.unsettled import Span, count_unsettled

QUIET_FOR: Final = timedelta(minutes=10)
"""A message is asked about when nothing was heard of it, nor asked, for so long."""


async def reconcile(
    store: Store,
    accounts: Mapping[str, Account],
    *,
    mode: Mode,
    quiet_for: timedelta = QUIET_FOR,
    limit: int | None = None,
    stop: asyncio.Event | None = None,
    progress: Callable[[ReconcileReport], None] | None = None,
    transport: Transport | None = None,
    timeout_s: float = 30.0,
    times: Times | None = None,
    sleep: Sleep = asyncio.sleep,
) -> ReconcileReport:
    """Ask about every unsettled message of a mode, within each provider's look-up rate.

    Messages are taken when nothing was heard of them for `quiet_for`, and given up after 72 hours.
    `limit` bounds the look-ups; `stop` ends the run early. A later run goes on where this ended.

    Raises:
        StoreError: the database failed.
    """
    clocks = times or Times()
    began = clocks.wall_at()
    books = Books(store, owner="", mode=mode, run="")
    span = Span(mode, since=began - NO_WORD, until=began - quiet_for)
    asked = Asked(books, span, clocks, room=limit, progress=progress, stop=stop, sleep=sleep)
    report = asked.report
    async with AsyncExitStack() as stack:
        stack.callback(books.close)
        report.settled += await books.call(partial(apply_early, store, began))
        carrier = transport
        if carrier is None:
            carrier = await stack.enter_async_context(HttpClient(AT_ONCE * 4))
        askers = [
            Asker(asked, account, carrier, timeout_s=timeout_s)
            for account in accounts.values()
            if _can_ask(account, report)
        ]
        await _work(askers)
        for asker in askers:
            counted = partial(count_unsettled, account=asker.account.name, span=span)
            report.left += await books.read(counted)
        report.no_word = await books.read(partial(count_no_word, now=began, mode=mode))
    return report


def _can_ask(account: Account, report: ReconcileReport) -> bool:
    """Say whether an account's provider answers by its own ids; note why not."""
    provider = account.provider
    if not provider.local and not provider.capabilities.lookup_by_id:
        report.skipped[account.name] = f"{provider.title} cannot be asked"
    return not provider.local and provider.capabilities.lookup_by_id


async def _work(askers: Sequence[Asker]) -> None:
    tasks = [asyncio.create_task(asker.work()) for asker in askers]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
