"""Identifiers that ascend with time, so that inserts stay at the end of an index."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_RANDOM_BITS: Final = 80
_RANDOM: Final = 2**_RANDOM_BITS - 1
_STEP: Final = 2**65  # counts in the first three of the random characters


@lru_cache(maxsize=16)
def _milliseconds(now: datetime) -> int:
    return int(now.timestamp() * 1000)


@lru_cache(maxsize=16)
def _time_part(milliseconds: int) -> str:
    return "".join([_PAIRS[milliseconds >> shift & 1023] for shift in (40, 30, 20, 10, 0)])


@lru_cache(maxsize=16)
def _series(milliseconds: int) -> Callable[[], int]:
    """Return what counts the ids of one millisecond, from a random start in its first half.

    After some 16,000 ids (a run whose clock stands still) it goes on in the next millisecond.
    """
    start = int.from_bytes(os.urandom(10)) >> 1
    return count((milliseconds << _RANDOM_BITS) + start, _STEP).__next__


if hasattr(os, "register_at_fork"):  # POSIX only; a child would go on in its parent's series
    os.register_at_fork(after_in_child=_series.cache_clear)


def new_id(now: datetime, entropy: bytes | None = None) -> str:
    """Return 26 characters: 10 for the millisecond, 16 random (a ULID in lower case).

    Within a process the ids of one millisecond ascend too, in the order in which they were made,
    and differ in their first 13 characters, so that people need not copy more of them.
    `entropy` is 10 bytes that stand for the random part: the bounds of an instant, and tests.
    """
    milliseconds = _milliseconds(now)
    if entropy is None:
        value = _series(milliseconds)()
        milliseconds, random = value >> _RANDOM_BITS, value & _RANDOM
    else:
        random = int.from_bytes(entropy)
    pairs = _PAIRS
    return _time_part(milliseconds) + "".join(
        [
            pairs[random >> 70],
            pairs[random >> 60 & 1023],
            pairs[random >> 50 & 1023],
            pairs[random >> 40 & 1023],
            pairs[random >> 30 & 1023],
            pairs[random >> 20 & 1023],
            pairs[random >> 10 & 1023],
            pairs[random & 1023],
        ]
    )
