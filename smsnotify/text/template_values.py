"""What a job's value is worth in a template: how it prints, compares, and when it is missing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from smsnotify.base.errors import MissingValueError

_YES: Final = frozenset({"true", "yes", "1"})
_NO: Final = frozenset({"false", "no", "0"})


class Missing:
    """A field without a value: false in a condition, empty in a loop, an error when printed."""

    __slots__ = ("field",)

    def __init__(self, field: str) -> None:
        """Remember the field, for the error."""
        self.field = field

    def __bool__(self) -> bool:
        """Be false."""
        return False

    def __iter__(self) -> Iterator[object]:
        """Loop over nothing."""
        return iter(())

    def __str__(self) -> str:
        """Refuse to print.

        Raises:
            MissingValueError: always.
        """
        raise MissingValueError(self.field)


def present(value: object, field: str) -> object:
    """Return a value that prints, or `Missing` for null, empty, blank and what is no value."""
    if isinstance(value, str):
        return value if value and not value.isspace() else Missing(field)
    if isinstance(value, float):
        return value if math.isfinite(value) else Missing(field)
    if isinstance(value, (bool, int, Decimal, date, time)):
        return value
    if isinstance(value, (list, tuple)):
        kept = [one for one in value if not isinstance(present(one, field), Missing)]
        return kept or Missing(field)
    return Missing(field)


def entries(value: object, name: str) -> object:
    """Return the list that a loop runs over; `Missing` when there is none."""
    return value if isinstance(value, (list, tuple)) else Missing(name)


def entry_field(entry: object, name: str, label: str) -> object:
    """Return one field of a list's entry, which is a mapping or an object."""
    if isinstance(entry, Mapping):
        return present(entry.get(name), label)
    return present(getattr(entry, name, None), label)


def as_text(value: object) -> str:
    """Return what a value prints as: `2.0` as 2, true as yes, a list with commas.

    Raises:
        MissingValueError: there is no value.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(as_text(one) for one in value)
    if isinstance(value, (date, time)):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return str(value)


def field_text(value: object, field: str) -> str:
    """Return what a field prints as.

    Raises:
        MissingValueError: null, empty or blank.
    """
    return as_text(present(value, field))


def field_text_or(value: object, fallback: str) -> str:
    """Return what a field prints as, or the fallback for null, empty and blank."""
    found = present(value, "")
    return fallback if isinstance(found, Missing) else as_text(found)


def as_number(value: object) -> Decimal | None:
    """Read a number, also one that is written as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, str) and len(value) <= 40:
        cleaned = value.strip()
        if cleaned.isascii() and cleaned.lstrip("+-")[:1].isdigit() and "_" not in cleaned:
            try:
                return Decimal(cleaned)
            except ArithmeticError:
                return None
    return None


def equal(left: object, right: object) -> bool:
    """Compare as a person would: `2` equals `"2"`, true equals `"true"`; missing equals nothing."""
    if isinstance(left, Missing) or isinstance(right, Missing):
        return False
    if isinstance(left, bool) or isinstance(right, bool):
        return _flag(left) is not None and _flag(left) == _flag(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    first, second = as_number(left), as_number(right)
    if first is not None and second is not None:
        return first == second
    return as_text(left) == as_text(right)


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    word = as_text(value).strip().lower()
    return True if word in _YES else False if word in _NO else None


def order(left: object, right: object) -> int | None:
    """Return -1, 0 or 1; None when there is no order.

    Numbers are compared as numbers, also when they are written as text; anything else as text,
    which is right for `YYYY-MM-DD` and `HH:MM`. A missing value has no order, and neither has a
    number beside a word.
    """
    if isinstance(left, Missing) or isinstance(right, Missing):
        return None
    first, second = as_number(left), as_number(right)
    if first is not None and second is not None:
        return (first > second) - (first < second)
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    return None


def contains(value: object, within: object) -> bool:
    """True when a list has an equal entry, or a text has the value in it."""
    if isinstance(value, Missing) or isinstance(within, Missing):
        return False
    if isinstance(within, (list, tuple)):
        return any(equal(value, one) for one in within)
    return as_text(value) in as_text(within)
