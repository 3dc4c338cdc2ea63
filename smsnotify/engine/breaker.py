"""Stops asking a provider that does not answer, and tries again with one request at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FAILURES: Final = 5
"""So many requests in a row without an answer open the breaker."""

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0


class Breaker:
    """Closed: requests flow. Open: none. Half open, after a pause: one probe decides.

    Each probe that fails doubles the pause, from 1 s to 60 s.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """`monotonic` gives seconds."""
        self._monotonic = monotonic
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """True when no request may go out now."""
        if self._open_until is None:
            return False
        return self._probing or self._monotonic() < self._open_until

    @property
    def is_half_open(self) -> bool:
        """True when exactly one request may go out, to see."""
        return self._open_until is not None and not self.is_open

    def wait_s(self) -> float:
        """Return the seconds until a probe is allowed; 0 when nothing keeps us."""
        if self._open_until is None:
            return 0.0
        return max(self._open_until - self._monotonic(), 0.0)

    def started(self) -> None:
        """Note that a request goes out; while half open it is the probe."""
        if self._open_until is not None:
            self._probing = True

    def not_started(self) -> None:
        """Take back a `started`: the request was not made."""
        self._probing = False

    def answered(self) -> None:
        """Note that the provider answered, whatever it said."""
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._open_until = None
        self._probing = False

    def failed(self) -> None:
        """Note that a request got no answer, or that the provider called itself unavailable."""
        self._failures += 1
        if self._open_until is not None:
            # Answers to requests that went out before it opened do not count as probes.
            if self._probing:
                self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
                self._open()
        elif self._failures >= FAILURES:
            self._open()

    def _open(self) -> None:
        self._open_until = self._monotonic() + self._pause_s
        self._probing = False
