"""Ctrl-C while events are taken in: at once while waiting for input, else at the next boundary."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupts:
    """Turns Ctrl-C and SIGTERM into a KeyboardInterrupt that never tears a transaction."""

    def __init__(self) -> None:
        """Nobody asked for an end yet."""
        self._asked = False
        self._busy = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen while the block runs; in a thread, whoever started it handles signals."""
        before: dict[signal.Signals, Any] = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                before[number] = signal.signal(number, self._hear)
            except ValueError:
                break
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def after(self) -> Iterator[None]:
        """Let the block come to its end first.

        Raises:
            KeyboardInterrupt: somebody asked for an end meanwhile; asked twice, at once.
        """
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
        self.between()

    def between(self) -> None:
        """Say that this is a good place to stop.

        Raises:
            KeyboardInterrupt: somebody asked for an end.
        """
        if self._asked:
            raise KeyboardInterrupt

    def go_on(self) -> bool:
        """Say whether nobody asked for an end yet."""
        return not self._asked

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._asked or not self._busy:
            self._asked = True
            raise KeyboardInterrupt
        self._asked = True
