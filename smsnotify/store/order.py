"""Ids that follow each other even when the clock does not move, or goes back."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Final

from smsnotify.base.ids import new_id

_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_NEXT: Final = dict(pairwise(_DIGITS))
_LAST: Final = _DIGITS[-1]


def id_after(last: str, now: datetime) -> str:
    """Return a new id that sorts behind `last` (`''` for none)."""
    candidate = new_id(now)
    if candidate > last:
        return candidate
    kept = last.rstrip(_LAST)
    return kept[:-1] + _NEXT[kept[-1]] + "0" * (len(last) - len(kept))


def first_id(at: datetime) -> str:
    """Return the smallest id of an instant: what was made before it sorts before it."""
    return new_id(at, bytes(10))
