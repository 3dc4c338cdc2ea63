"""`serve --workers N`: several processes on one address, watched by this one.

They share the listening socket, so that a call that comes while one of them begins anew is taken
by another. The first one delivers and watches the clock as `serve` alone does; all of them answer,
take in and work replies. When this process is killed the hard way, each of them notices (the other
end of a pipe is closed) and ends.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from smsnotify.base.errors import UsageError
from smsnotify.web.shared_figures import put_aside

_LOOK_S: Final = 0.5
_YOUNG_S: Final = 10.0
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 15.0
_NAMES: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGCHLD")


class Place(msgspec.Struct, frozen=True):
    """What a worker is told: which one it is, its file descriptors, and the folder of figures.

    `life` is the end of a pipe that ends with the process that watches.
    """

    number: int
    listener: int
    life: int
    folder: str

    @property
    def leads(self) -> bool:
        """True for the one that delivers and watches the clock."""
        return self.number == 1

    def written(self) -> str:
        """Return it as the worker's command line has it."""
        return msgspec.json.encode(self).decode()


def read_place(written: str) -> Place:
    """Read what `written` wrote.

    Raises:
        UsageError: somebody else wrote it.
    """
    try:
        return msgspec.json.decode(written, type=Place)
    except msgspec.MsgspecError:
        raise UsageError("--worker is only for processes that serve starts itself") from None


class Worker:
    """One of the processes, through all its lives."""

    def __init__(self, number: int, start: Callable[[int], subprocess.Popen[bytes]]) -> None:
        """It is started at once."""
        self.number = number
        self._start = start
        self._quick_deaths = 0
        self.begin()

    def begin(self) -> None:
        """Start it, or start it again."""
        self.process = self._start(self.number)
        self._began = time.monotonic()
        self.due: float | None = None

    def is_gone(self) -> bool:
        """Say whether it ended."""
        return self.process.poll() is not None

    def plan(self) -> float:
        """Decide when it begins anew: at once, unless it dies as soon as it begins."""
        now = time.monotonic()
        self._quick_deaths = self._quick_deaths + 1 if now - self._began < _YOUNG_S else 0
        pause_s = 0.0
        if self._quick_deaths:
            pause_s = min(_FIRST_PAUSE_S * 2 ** (self._quick_deaths - 1), _LONGEST_PAUSE_S)
        self.due = now + pause_s
        return pause_s

    def signal(self, number: int) -> None:
        """Pass a signal on, if it is there to hear it."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


def watch(
    command: Sequence[str],
    count: int,
    listener: socket.socket,
    *,
    stop_s: float,
    note: Callable[[str], object],
    warn: Callable[[str], object],
) -> bool:
    """Keep `count` workers at work until SIGTERM or SIGINT; True when all of them ended in order.

    `command` starts one; what it is told is added. They have `stop_s` seconds to end.
    """
    life, held = os.pipe()
    with tempfile.TemporaryDirectory(prefix="sms-notify-serve-") as folder:

        def start(number: int) -> subprocess.Popen[bytes]:
            place = Place(number, listener.fileno(), life, folder)
            told = [*command, "--worker", place.written()]
            # What it begins with reads the settings anyway: a SIGHUP meanwhile must not end it.
            before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
            try:
                return subprocess.Popen(told, pass_fds=(place.listener, life))  # noqa: S603 - ours
            finally:
                signal.signal(signal.SIGHUP, before)

        try:
            with _signals() as next_signals:
                workers = [Worker(number, start) for number in range(1, count + 1)]
                _watch(workers, next_signals, Path(folder), warn)
                note("stopping: what is in flight may come back")
                return _stop(workers, stop_s)
        finally:
            os.close(held)
            os.close(life)


def _watch(
    workers: Sequence[Worker],
    next_signals: Callable[[float], set[int]],
    folder: Path,
    warn: Callable[[str], object],
) -> None:
    while True:
        came = next_signals(_LOOK_S)
        if came & {signal.SIGTERM, signal.SIGINT}:
            return
        if signal.SIGHUP in came:
            for worker in workers:
                worker.signal(signal.SIGHUP)
        for worker in workers:
            if worker.due is None and worker.is_gone():
                put_aside(folder, worker.process.pid)
                pause_s = worker.plan()
                when = f"in {pause_s:.1f} s" if pause_s else "now"
                warn(
                    f"worker {worker.number} ended ({_cause(worker.process.returncode)}); "
                    f"it begins anew {when}"
                )
            if worker.due is not None and time.monotonic() >= worker.due:
                worker.begin()


def _cause(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def _stop(workers: Sequence[Worker], stop_s: float) -> bool:
    end = time.monotonic() + stop_s
    for worker in workers:
        worker.signal(signal.SIGTERM)
    in_order = True
    for worker in workers:
        try:
            code = worker.process.wait(max(end - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            worker.process.kill()
            code = worker.process.wait()
        # One that was only beginning dies of the signal itself.
        in_order = in_order and (code in (0, -signal.SIGTERM) or worker.due is not None)
    return in_order


@contextmanager
def _signals() -> Iterator[Callable[[float], set[int]]]:
    """Catch signals; gives a function that waits for some, so many seconds at most."""
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    numbers = [getattr(signal, name) for name in _NAMES]
    handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}

    def next_signals(seconds: float) -> set[int]:
        ready, _, _ = select.select([reading], [], [], seconds)
        return set(os.read(reading, 4096)) if ready else set()

    try:
        yield next_signals
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)


def interpreter() -> list[str]:
    """Return how another process of this program is started; the folder it runs in is no source."""
    return [sys.executable, "-P", "-m", "smsnotify"]
