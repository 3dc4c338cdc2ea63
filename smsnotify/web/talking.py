"""Works the replies that hooks stored: woken by them, one process of many at a time.

The turn only saves work: whoever is overtaken stores nothing and reads again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from datetime import timedelta
from typing import Final

from smsnotify.base.errors import StoreError
from smsnotify.engine.conversing import PORTION, Conversed, converse
from smsnotify.web.state import Serving
from smsnotify.wiring.conversations import desk

log = logging.getLogger(__name__)

TURN: Final = "converse"
TURN_LASTS: Final = timedelta(seconds=30)
LOOK_S: Final = 5.0
"""So often we look without being woken: another process may have stored replies and died."""

_AGAIN_S: Final = 0.2
_AFTER_ERROR_S: Final = 1.0


class Talking:
    """The worker of one process."""

    def __init__(self, serving: Serving) -> None:
        """Nothing is started yet: `run`."""
        self._serving = serving
        self._owner = f"{os.getpid()}:{os.urandom(6).hex()}"

    async def run(self, stop: asyncio.Event, look_s: float = LOOK_S) -> None:
        """Work replies until `stop`."""
        serving = self._serving
        self._loop = asyncio.get_running_loop()
        ending = asyncio.create_task(self._wake_on(stop))
        try:
            while not stop.is_set():
                serving.wake.clear()
                pause_s = await self._round(look_s)
                if not stop.is_set():
                    # Whoever has the turn, or the database, needs a moment, woken or not.
                    await _wait(serving.wake if pause_s >= look_s else stop, pause_s)
        finally:
            ending.cancel()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._serving.wake.set()

    async def _round(self, look_s: float) -> float:
        """Work what there is; return for how long nothing is to be done unless somebody wakes."""
        serving = self._serving
        try:
            done = await serving.threads.talk(self._work)
        except Exception as error:
            serving.metrics.note_talk_error()
            told = error.message if isinstance(error, StoreError) else ""
            log.error(
                "replies wait; they are worked again soon: %s",
                told,
                exc_info=None if told else error,
            )
            return _AFTER_ERROR_S
        if done is not None and done.moved:
            serving.errand.set()
        return _AGAIN_S if done is None else look_s

    def _work(self) -> Conversed | None:
        """Work replies in the turn; None while another process has it and replies wait."""
        serving = self._serving
        store = serving.store
        if not store.unworked_replies(1):
            return Conversed()
        if not store.take_turn(TURN, self._owner, serving.clock(), TURN_LASTS):
            return None
        total, taken = Conversed(), time.monotonic()
        try:
            while serving.go_on():
                if time.monotonic() - taken > TURN_LASTS.total_seconds() / 3:
                    store.take_turn(TURN, self._owner, serving.clock(), TURN_LASTS)
                    taken = time.monotonic()
                loaded = serving.loaded
                worker = desk(loaded.settings, store, loaded.book)
                done = converse(worker, serving.clock(), most=PORTION, go_on=serving.go_on)
                serving.metrics.note_conversed(done)
                if done.in_call:
                    self._loop.call_soon_threadsafe(serving.in_call.tell, done.in_call)
                    done.in_call = []
                total.add(done)
                if not done.replies:
                    break
        finally:
            store.end_turn(TURN, self._owner)
        return total


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
