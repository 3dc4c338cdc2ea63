"""Calls that were refused: counted every time, told in the log now and then."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from smsnotify.base.errors import SmsNotifyError
from smsnotify.base.redact import scrub
from smsnotify.web.metrics import Metrics

log = logging.getLogger(__name__)

TOLD_EVERY_S: Final = 60.0


class Refusal(StrEnum):
    """Why a call was refused: the word that it is counted under, and that its answer holds."""

    UNAUTHENTICATED = "unauthenticated"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    TOO_OFTEN = "too_often"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_LINK = "unknown_link"
    UNREADABLE = "unreadable"
    UNSUPPORTED_TYPE = "unsupported_type"
    UNAVAILABLE = "unavailable"


class RefusedError(Exception):
    """A request that is not worked on: why, what its caller is told, and the HTTP status."""

    def __init__(self, status: int, reason: Refusal, message: str, *, hint: str = "") -> None:
        """`message` and `hint` are shown to the caller: nothing of ours is in them."""
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.hint = hint


class Refusals:
    """Counts refusals; the same one is logged once a minute, so that nobody floods the log."""

    def __init__(self, metrics: Metrics, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`monotonic` is for tests."""
        self._metrics = metrics
        self._monotonic = monotonic
        self._told_at: dict[tuple[str, Refusal], float] = {}

    def note(self, hook: str, reason: Refusal, told: str, hint: str = "") -> None:
        """Count a refusal. `hook` is a name of ours, never the caller's own words."""
        self._metrics.refusals.add(hook, reason.value)
        now = self._monotonic()
        last = self._told_at.get((hook, reason))
        if last is None or now - last >= TOLD_EVERY_S:
            self._told_at[(hook, reason)] = now
            more = f" ({scrub(hint)})" if hint else ""
            log.warning("a call to %s was refused, %s: %s%s", hook, reason, scrub(told), more)

    def note_error(self, hook: str, error: RefusedError) -> None:
        """Count a refusal, and log what stands behind it: more than its caller is told."""
        cause = error.__cause__
        if isinstance(cause, SmsNotifyError):
            self.note(hook, error.reason, cause.message, cause.hint)
        else:
            self.note(hook, error.reason, error.message)
