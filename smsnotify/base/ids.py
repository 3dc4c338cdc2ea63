"""Identifiers that ascend with time, so that inserts stay at the end of an index."""

from __future__ import annotations

import os
from datetime import datetime
from functools import lru_cache
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]


@lru_cache(maxsize=16)
def _time_part(now: datetime) -> str:
    milliseconds = int(now.timestamp() * 1000)
    return "".join([_PAIRS[milliseconds >> shift & 1023] for shift in (40, 30, 20, 10, 0)])


def new_id(now: datetime, entropy: bytes | None = None) -> str:
    """Return 26 characters: 10 for the millisecond, 16 random (a ULID in lower case).

    `entropy` is 10 bytes; tests pass their own.
    """
    random = int.from_bytes(os.urandom(10) if entropy is None else entropy)
    pairs = _PAIRS
    return _time_part(now) + "".join(
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
