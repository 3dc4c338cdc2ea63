"""What follows from one try: where a message goes, and when it is due again. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from smsnotify.model.message import ABOUT_ACCOUNT, ErrorWord, MessageState, Outcome, Result

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 300.0
MOST_TRIES: Final = 30
"""With the waits between them more than two hours; a message that expires is given up then."""

MOST_RESENDS: Final = 3
"""`on_unknown: resend` texts at most so often on suspicion alone; then the message is unknown."""

LOOKS_S: Final = (5.0, 30.0, 120.0)
"""When an unknown message is looked up, counted from the moment it became unknown."""

FAIL_OVER: Final = ABOUT_ACCOUNT | {ErrorWord.RATE_LIMITED, ErrorWord.PROVIDER_DOWN}
"""After these words the next account of the route is tried; after any other, never."""

Draw = Callable[[float, float], float]
"""`random.uniform`, or a test's own."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """The state to go to; for `queued` and `unknown`: the seconds until it is due."""

    state: MessageState
    wait_s: float = 0.0


def backoff_s(tries: int, draw: Draw) -> float:
    """Full jitter: anything from 0 to 1, 2, 4 … 300 s after the first, second, third … try.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ (August 2026)
    """
    widest = min(FIRST_WAIT_S * 2 ** min(tries - 1, 20), LONGEST_WAIT_S)
    return draw(0.0, widest)


def next_step(
    outcome: Outcome,
    *,
    tries: int,
    others: bool,
    resend_unknown: bool,
    expires_in_s: float | None,
    draw: Draw,
) -> Step:
    """Decide what becomes of a message after its `tries`-th try.

    `others` says that another account of its route could take it now; `resend_unknown` that its
    rule prefers a second text to none.
    """
    match outcome.result:
        case Result.ACCEPTED:
            return Step(MessageState.ACCEPTED)
        case Result.UNKNOWN if not resend_unknown or tries >= MOST_RESENDS:
            return Step(MessageState.UNKNOWN, LOOKS_S[0])
        case Result.REJECTED if outcome.error not in ABOUT_ACCOUNT:
            return Step(MessageState.FAILED)
        case Result.REJECTED if others:
            return Step(MessageState.QUEUED)
        case Result.REJECTED if outcome.error is ErrorWord.SENDER_REJECTED:
            return Step(MessageState.FAILED)
        case Result.REJECTED:
            # The account is stopped; the text is good and waits for a key or for credit.
            return Step(MessageState.QUEUED)
    return _again(outcome, tries, others, expires_in_s, draw)


def _again(
    outcome: Outcome, tries: int, others: bool, expires_in_s: float | None, draw: Draw
) -> Step:
    if tries >= MOST_TRIES:
        return Step(MessageState.FAILED)
    wait_s = backoff_s(tries, draw)
    if outcome.retry_after_s and not others:
        wait_s = max(wait_s, outcome.retry_after_s)
    if expires_in_s is not None and wait_s >= expires_in_s:
        return Step(MessageState.EXPIRED)
    return Step(MessageState.QUEUED, wait_s)
