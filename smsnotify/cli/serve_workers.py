"""`serve --workers N`: several processes on one address, watched by this one.

Each has a listening socket of its own there, and Linux deals callers out to those that are alive;
where the system does not, they share one, and the quickest gets most. The first one delivers and
watches the clock as `serve` alone does; all of them answer, take in and work replies. When this
process is killed the hard way, each of them notices (the other end of a pipe is closed) and ends.
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
from smsnotify.web.server import open_socket
from smsnotify.web.shared_figures import put_aside

DEALS_OUT: Final = sys.platform.startswith("linux")
"""Whether the system deals callers out evenly to all who listen at one address."""

_LISTENING: Final = "listening"
_LOOK_S: Final = 0.5
_FIRST_LOOK_S: Final = 0.05
_YOUNG_S: Final = 10.0
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 15.0
_NAMES: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGCHLD")


@contextmanager
def reserved(host: str, port: int) -> Iterator[socket.socket]:
    """Give a socket that holds the address for the workers, and takes no calls from them.

    Raises:
        StoppedError: somebody else has the port, another `serve --workers` too.
    """
    with open_socket(host, port) as alone:
        if not DEALS_OUT:
            yield alone
            return
        address, family = alone.getsockname(), alone.family
    with socket.socket(family) as holding:  # bound, and deaf: whoever listens hears the callers
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            holding.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        holding.bind(address)
        yield holding


class Place(msgspec.Struct, frozen=True):
    """What a worker is told: which one it is, where it listens, and the folder of figures.

    `listener` is a file descriptor, None where it shall open a socket itself; `life` is the end of
    a pipe that ends with the process that watches.
    """

    number: int
    host: str
    port: int
    listener: int | None
    life: int
    folder: str

    def listen(self) -> socket.socket:
        """Return the listening socket.

        Raises:
            StoppedError: somebody else has the port.
        """
        if self.listener is None:
            listener = open_socket(self.host, self.port, shared=True)
        else:
            listener = socket.socket(fileno=self.listener)
        Path(self.folder, _LISTENING).touch()
        return listener

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
    ready: Callable[[], object],
    note: Callable[[str], object],
    warn: Callable[[str], object],
) -> bool:
    """Keep `count` workers at work until SIGTERM or SIGINT; True when all of them ended in order.

    `command` starts one; what it is told is added. `ready` is called when the first of them
    listens. They have `stop_s` seconds to end.
    """
    life, held = os.pipe()
    with tempfile.TemporaryDirectory(prefix="sms-notify-serve-") as folder:

        def start(number: int) -> subprocess.Popen[bytes]:
            host, port = listener.getsockname()[:2]
            shared = None if DEALS_OUT else listener.fileno()
            place = Place(number, host, port, shared, life, folder)
            told = [*command, "--worker", place.written()]
            passed = (life,) if shared is None else (life, shared)
            # What it begins with reads the settings anyway: a SIGHUP meanwhile must not end it.
            before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
            try:
                return subprocess.Popen(told, pass_fds=passed)  # noqa: S603 - our own command
            finally:
                signal.signal(signal.SIGHUP, before)

        try:
            with _signals() as next_signals:
                workers = [Worker(number, start) for number in range(1, count + 1)]
                _watch(workers, next_signals, Path(folder), ready, warn)
                note("stopping: what is in flight may come back")
                return _stop(workers, stop_s)
        finally:
            os.close(held)
            os.close(life)


def _watch(
    workers: Sequence[Worker],
    next_signals: Callable[[float], set[int]],
    folder: Path,
    ready: Callable[[], object],
    warn: Callable[[str], object],
) -> None:
    told = False
    while True:
        if not told and (folder / _LISTENING).exists():
            ready()
            told = True
        came = next_signals(_LOOK_S if told else _FIRST_LOOK_S)
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
