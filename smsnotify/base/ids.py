"""Identifiers that ascend with time, so that inserts stay at the end of an index."""

from __future__ import annotations

import os
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def _base32(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def new_id(now: datetime, entropy: bytes | None = None) -> str:
    """Return 26 characters: 10 for the millisecond, 16 random (a ULID in lower case).

    `entropy` is 10 bytes; tests pass their own.
    """
    random = os.urandom(10) if entropy is None else entropy
    return _base32(int(now.timestamp() * 1000), 10) + _base32(int.from_bytes(random), 16)
