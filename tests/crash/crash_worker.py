"""What is killed: a process that does what `process` and `deliver --watch` do, on a fast clock.

Run as a script it is a nursery: it has imported the program once, and forks a worker for every
`start` that it reads from standard input, which is a hundred times faster than starting Python.
Workers never outlive it: when its standard input ends, it kills those that are left.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec
from fast_clock import FastClock, FastTransport

from smsnotify.cli.delivering import interruptible
from smsnotify.engine.client import HttpClient
from smsnotify.engine.delivery import drain, watch
from smsnotify.engine.intake import Intake
from smsnotify.engine.loop import run as run_loop
from smsnotify.engine.process import take_all
from smsnotify.engine.runs import Run
from smsnotify.engine.tally import Tally
from smsnotify.events.read import read_chunks
from smsnotify.store.store import Store
from smsnotify.wiring import build
from smsnotify.wiring.books import open_books
from smsnotify.wiring.models import Settings
from smsnotify.wiring.settings import load_settings

_CHUNK = 50
"""Lines a transaction: few, so that kills fall between them too."""


class Task(msgspec.Struct):
    """What a worker shall do. `events` empty: only deliver, until SIGTERM."""

    config: str
    base: float
    factor: float
    events: str = ""


class Worker:
    """One life."""

    def __init__(self, task: Task) -> None:
        """Read the settings; open nothing."""
        self._task = task
        self._time = FastClock(task.base, task.factor)
        self._settings: Settings = load_settings(Path(task.config))

    def live(self) -> None:
        """Do the task."""
        with open_books(self._settings) as store:
            if self._task.events:
                self._take_in(store)
            run_loop(self._deliver(store))

    def _take_in(self, store: Store) -> None:
        """Decide and store, with the volume guard, as `process` does."""
        settings, clock = self._settings, self._time.clock
        run = Run("process", store, build.volume_limit(settings), clock())
        intake = Intake(
            build.load_ruleset(settings), build.policy(settings), store, ticket=run.ticket
        )
        chunks = read_chunks(self._task.events, size=_CHUNK)
        take_all(intake.take, chunks, clock, Tally(), show=lambda taken: None)
        run.pass_guard(clock(), lambda people, allowed: True)

    async def _deliver(self, store: Store) -> None:
        settings, stop = self._settings, asyncio.Event()
        accounts = build.accounts(settings)
        common: dict[str, Any] = {
            "mode": settings.mode,
            "callback_url": build.callback_url(settings),
            "clock": self._time.clock,
            "times": self._time.times(),
            "sleep": self._time.sleep,
            "stop": stop,
        }
        connections = sum(account.concurrency for account in accounts.values()) + 8
        async with HttpClient(connections) as client:
            carrier = FastTransport(client, self._task.factor)
            with interruptible(stop):
                work = drain if self._task.events else watch
                await work(store, accounts, build.routes(settings), transport=carrier, **common)


class Nursery:
    """Forks workers and ends them; answers every order with one line of JSON."""

    def __init__(self) -> None:
        self._children: set[int] = set()

    def obey(self, order: dict[str, Any]) -> object:
        """Do one order."""
        match order["do"]:
            case "start":
                return self._start(order["task"])
            case "poll":
                return self._ended(order["pid"], os.WNOHANG)
            case "kill":
                return self._end(order["pid"], signal.SIGKILL)
            case "stop":
                return self._end(order["pid"], signal.SIGTERM)
        raise ValueError(order)

    def _start(self, task: dict[str, Any]) -> int:
        pid = os.fork()
        if not pid:
            _live(task)
        self._children.add(pid)
        return pid

    def _end(self, pid: int, number: int) -> int | None:
        # A child that we have not waited for keeps its id: nobody else can be hit.
        if pid not in self._children:
            return None
        os.kill(pid, number)
        return self._ended(pid, 0)

    def _ended(self, pid: int, flags: int) -> int | None:
        if pid not in self._children:
            return None
        ended, status = os.waitpid(pid, flags)
        if not ended:
            return None
        self._children.discard(pid)
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """Kill whoever is left."""
        for pid in list(self._children):
            self._end(pid, signal.SIGKILL)


def _live(task: dict[str, Any]) -> None:
    """Be a worker; never returns."""
    code = 1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        Worker(msgspec.convert(task, Task)).live()
        code = 0
    except BaseException:
        logging.getLogger(__name__).exception("a worker failed")
    finally:
        os._exit(code)


def main() -> None:
    """Obey until the orders end."""
    logging.basicConfig(level=logging.WARNING, format="%(process)d %(levelname)s %(message)s")
    nursery = Nursery()
    try:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(nursery.obey(json.loads(line))) + "\n")
            sys.stdout.flush()
    finally:
        nursery.close()


if __name__ == "__main__":
    main()
