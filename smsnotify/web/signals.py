"""Signals of the operating system as calls inside the event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def listening(calls: Mapping[str, Callable[[], object]]) -> Iterator[None]:
    """Call what is wished for when a signal comes; `calls` is by name: `SIGTERM`, `SIGHUP` ….

    Signals that this system does not have are left out. Outside of the main thread nothing is
    changed: whoever started us there handles signals.
    """
    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, Any] = {}

    def asked(number: int, frame: object) -> None:
        loop.call_soon_threadsafe(calls[signal.Signals(number).name])

    for name in calls:
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            before[number] = signal.signal(number, asked)
        except ValueError:
            break
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
