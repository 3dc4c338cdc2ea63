"""What one process does besides answering: it delivers, and it watches the clock."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Final

from smsnotify.base.errors import StoreError
from smsnotify.engine.delivery import watch
from smsnotify.engine.errands import Errands, do_errands
from smsnotify.engine.reconcile import reconcile
from smsnotify.engine.report import DeliveryReport
from smsnotify.engine.ticking import Ticked, overdue_since, tick, turn
from smsnotify.store.receipt_stats import ReceiptStats
from smsnotify.web.state import Serving
from smsnotify.wiring import build
from smsnotify.wiring.conversations import desk, hands

log = logging.getLogger(__name__)

TICK_S: Final = 30.0
LOOK_BACK_S: Final = 300.0
ERRANDS_S: Final = 10.0
GRACE_S: Final = 6.0
"""What is in flight has so long to come back when the process shall end."""

_AGAIN_S: Final = (1.0, 5.0, 15.0, 30.0)


async def deliver(serving: Serving, stop: asyncio.Event) -> DeliveryReport:
    """Send what becomes due until `stop`; begin anew with new settings, and after a failure.

    Returns the report of the last round.
    """
    report, failures = DeliveryReport(), 0
    while not stop.is_set():
        serving.swapped.clear()
        try:
            report = await _until_swapped(serving, stop)
            failures = 0
        except Exception as error:
            serving.metrics.restarts.add()
            _tell("delivery", error)
            await _rest(stop, _AGAIN_S[min(failures, len(_AGAIN_S) - 1)])
            failures += 1
    return report


async def _until_swapped(serving: Serving, stop: asyncio.Event) -> DeliveryReport:
    settings = serving.loaded.settings
    halt = asyncio.Event()

    async def listen() -> None:
        waits = {asyncio.create_task(one.wait()) for one in (stop, serving.swapped)}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            halt.set()
        finally:
            for wait in waits:
                wait.cancel()

    listening = asyncio.create_task(listen())
    try:
        return await watch(
            serving.store,
            build.accounts(settings, serving.clock),
            build.routes(settings),
            mode=settings.mode,
            stop=halt,
            clock=serving.clock,
            callback_url=build.callback_url(settings),
            public_url=settings.public_url,
            grace_s=GRACE_S,
            tried=serving.metrics.note_tried,
            settled=serving.metrics.note_settled,
        )
    finally:
        listening.cancel()


async def tick_on(serving: Serving, stop: asyncio.Event, every_s: float = TICK_S) -> None:
    """Do what is due by the clock every so often until `stop`; one process of many at a time."""
    while not stop.is_set():
        try:
            ticked = await serving.threads.clock(partial(_tick, serving))
            if ticked is not None:
                serving.metrics.note_tick(ticked)
        except Exception as error:
            serving.metrics.ticks.add("error")
            _tell("the clock's work", error)
        await _rest(stop, every_s)


def _tick(serving: Serving) -> Ticked | None:
    store, loaded, now = serving.store, serving.loaded, serving.clock()
    with turn(store, now) as is_ours:
        if not is_ours:
            return None
        late_since = overdue_since(store, now)
        if late_since is not None:
            log.warning(
                "the last look at the clock was at %s: what was due since leaves late", late_since
            )
        worker = desk(loaded.settings, store, loaded.book)
        return tick(
            store, loaded.rules, loaded.policy, now, desk=worker, reads=False, go_on=serving.go_on
        )


async def do_errands_on(serving: Serving, stop: asyncio.Event, every_s: float = ERRANDS_S) -> None:
    """Do what plans want done, as soon as they want it, until `stop`."""
    while not stop.is_set():
        serving.errand.clear()
        try:
            done = await serving.threads.errands(partial(_do_errands, serving))
            serving.metrics.note_errands(done)
        except Exception as error:
            _tell("the work of errands", error)
        waits = {asyncio.create_task(one.wait()) for one in (stop, serving.errand)}
        try:
            await asyncio.wait(waits, timeout=every_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _do_errands(serving: Serving) -> Errands:
    loaded = serving.loaded
    worker = desk(loaded.settings, serving.store, loaded.book)
    return do_errands(worker, hands(loaded.settings), serving.clock(), go_on=serving.go_on)


async def look_back(serving: Serving, stop: asyncio.Event, every_s: float = LOOK_BACK_S) -> None:
    """Keep the figures of the last month at hand: they cost too much to be read at every scrape."""

    def read() -> ReceiptStats:
        mode = serving.loaded.settings.mode.value
        return serving.store.receipt_stats(serving.clock(), mode)

    while not stop.is_set():
        try:
            serving.metrics.past = await serving.threads.clock(read)
        except Exception as error:
            _tell("the look at the last month", error)
        await _rest(stop, every_s)


async def catch_up(serving: Serving, stop: asyncio.Event) -> None:
    """Ask once what became of texts while nobody was here to hear of it.

    8x8 gives up on a receipt after about two minutes of our absence, Twilio after one retry.
    """
    settings = serving.loaded.settings
    try:
        asked = await reconcile(
            serving.store,
            build.accounts(settings, serving.clock),
            mode=settings.mode,
            stop=stop,
        )
    except Exception as error:
        _tell("the look at what was missed", error)
        return
    if asked.asked:
        told = {"asked": asked.asked, "settled": asked.settled}
        log.info("asked providers what became of older texts", extra=told)


def _tell(what: str, error: Exception) -> None:
    if isinstance(error, StoreError):
        log.error("%s stopped and begins again soon: %s", what, error.message)
    else:
        log.error("%s stopped and begins again soon", what, exc_info=error)


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
