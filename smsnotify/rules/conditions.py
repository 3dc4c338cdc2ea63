"""Conditions on job fields: what an operator means for each kind of field.

- A value that is null, absent or blank is missing: `exists: false`, `ne` and `not_in` hold, every
  other operator does not.
- Text compares exactly, letter case included. Numbers, dates and times of day compare by value,
  whether the job has them as text or as number; a value that cannot be read so equals nothing.
- `gt gte lt lte` on a text field compare as numbers when both sides are numbers, by letters
  when the rule's side is no number, and do not hold otherwise.
- `contains starts_with ends_with matches` look at the text of the value; `contains` on a list
  asks for an entry. `matches` finds its pattern anywhere in the first 1,024 characters.
"""

from __future__ import annotations

import operator as op
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, Final

from smsnotify.base.errors import RuleError
from smsnotify.model.job import Job, Kind
from smsnotify.model.reading import of_person
from smsnotify.rules.scalars import NO, YES, did_you_mean
from smsnotify.text.template_dates import read_date, read_time

OPERATORS: Final = (
    "eq",
    "ne",
    "in",
    "not_in",
    "gt",
    "gte",
    "lt",
    "lte",
    "contains",
    "starts_with",
    "ends_with",
    "matches",
    "exists",
)
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "gt": op.gt,
    "gte": op.ge,
    "lt": op.lt,
    "lte": op.le,
}
_TEXTUAL: Final = frozenset({"contains", "starts_with", "ends_with", "matches"})
_NUMBER: Final = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

Test = Callable[[Any], bool]
"""Takes a job, or a plan's view: any object with attributes of the fields' names."""

Reader = Callable[[object], Any]


class Condition:
    """One condition on one field, compiled. `test` is the fast way; the rest is for people."""

    __slots__ = ("field", "kind", "operator", "test", "value_written")

    def __init__(self, field: str, operator: str, value: object, kind: Kind = "text") -> None:
        """Compile it.

        `value` is text, or a list of texts for `in` and `not_in`.

        Raises:
            RuleError: an unknown operator, or a value that the field's kind cannot be compared to.
        """
        self.field = field
        self.operator = operator
        self.value_written = value
        self.kind = kind
        self.test: Test = _compile(field, operator, value, kind)

    @property
    def name(self) -> str:
        """The field as rules write it: `contact.tier` for what is read from `contact__tier`."""
        return self.field.replace("__", ".", 1) if of_person(self.field) else self.field

    def value(self, job: object) -> object:
        """Return what the job has in this field, None when nothing."""
        return getattr(job, self.field, None)

    def describe(self) -> str:
        """Say what is expected: `gte 2`, `in ACME, Globex`, `exists`."""
        value = self.value_written
        if self.operator == "exists":
            return "exists" if _flag(value) else "does not exist"
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        return f"{self.operator} {shown}"

    @property
    def identity(self) -> tuple[str, str, str]:
        """Equal for two conditions that ask the same."""
        return self.field, self.operator, repr(self.value_written)


def as_text(value: object) -> str | None:
    """Return a field's value as text, None when it is missing. `True` is `true`, `5.0` is `5`."""
    if type(value) is str:
        return value if value.strip() else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else None


def is_missing(value: object) -> bool:
    """Tell whether a field has no value: null, absent, blank, an empty list."""
    if isinstance(value, list):
        return not value
    return as_text(value) is None


def entries(value: object) -> list[str]:
    """Return the entries of a list field; a text is split at `,` and `;`."""
    if isinstance(value, str):
        return [part for piece in re.split(r"[,;\n]", value) if (part := piece.strip())]
    parts = value if isinstance(value, list) else [value]
    return [text for part in parts if (text := as_text(part)) is not None]


def _number(value: object) -> int | float | None:
    kind = type(value)
    if kind is int or kind is float:
        return value  # type: ignore[return-value]
    if kind is not str:
        return None
    text = str(value).strip()
    if len(text) <= 30 and text.isascii() and text.isdecimal():
        return int(text)
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    return float(text) if found.group(1) else int(text)


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    text = (as_text(value) or "").strip().lower()
    if text in YES or text in ("1", "y"):
        return True
    return False if text in NO or text in ("0", "n") else None


def _date(value: object) -> date | None:
    return read_date(value) if isinstance(value, str) else None


def _clock(value: object) -> time | None:
    return read_time(value) if isinstance(value, str) else None


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value.strip())
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # no instant; or one that UTC puts outside of all years
        return None


_READERS: Final[dict[Kind, tuple[Reader, str]]] = {
    "text": (as_text, "text"),
    "number": (_number, "number"),
    "flag": (_flag, "yes or no"),
    "date": (_date, "date, such as 2026-03-02"),
    "clock": (_clock, "time of day, such as 18:30"),
    "instant": (_instant, "date, and no instant such as 2026-03-02T14:00:00+08:00"),
}


def _compile(field: str, operator: str, value: object, kind: Kind) -> Test:
    if operator not in OPERATORS:
        raise RuleError(
            f"unknown operator {operator!r}",
            hint=did_you_mean(operator, OPERATORS) or "one of " + ", ".join(OPERATORS),
        )
    get = op.attrgetter(field)
    if operator == "exists":
        return _exists(get, value)
    many = operator in ("in", "not_in")
    if many and not isinstance(value, list):
        raise RuleError(f"{operator} takes a list", hint=f"{operator}: [{value}]")
    if not many and not isinstance(value, str):
        raise RuleError(f"{operator} takes one value", hint="for several values: in: [one, two]")
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, str) or not each.strip():
            raise RuleError(
                f"{operator} has nothing to compare with",
                hint="for a field without a value: exists: false",
            )
    if kind == "list":
        return _listed(get, field, operator, value)
    if operator in _TEXTUAL:
        return _textual(get, operator, str(value))
    read, expected = _typed(operator, value, kind)
    if operator in _ORDER:
        if kind == "text":
            return _text_order(get, _ORDER[operator], str(value))
        return _order(get, read, _ORDER[operator], expected[0])
    return _membership(get, read, frozenset(expected), negated=operator in ("ne", "not_in"))


def _exists(get: Reader, value: object) -> Test:
    wanted = _flag(value)
    if wanted is None:
        raise RuleError("exists takes true or false")
    if wanted:
        return lambda job: not is_missing(get(job))
    return lambda job: is_missing(get(job))


def _typed(operator: str, value: object, kind: Kind) -> tuple[Reader, list[Any]]:
    """Read the rule's side as the field's kind; a date makes an instant field a date field."""
    if kind == "flag" and operator in _ORDER:
        raise RuleError(f"{operator} means nothing for a field that is yes or no")
    read, wanted = _READERS[kind]
    written = [str(each) for each in (value if isinstance(value, list) else [value])]
    if kind == "instant":
        if all(_DATE.fullmatch(each.strip()) for each in written):
            read = _date
        elif any(_is_naive(each) for each in written):
            raise RuleError(
                f"{written[0]!r} does not say in which zone",
                hint="add the offset, such as +08:00",
            )
    expected = [read(each) for each in written]
    for got, each in zip(expected, written, strict=True):
        if got is None:
            raise RuleError(f"{each!r} is no {wanted}")
    return read, expected


def _is_naive(written: str) -> bool:
    try:
        return datetime.fromisoformat(written.strip()).tzinfo is None
    except ValueError:
        return False


def _membership(get: Reader, read: Reader, expected: frozenset[Any], *, negated: bool) -> Test:
    if read is as_text:
        return _among_texts(get, expected, negated=negated)
    if negated:
        return lambda job: read(get(job)) not in expected
    return lambda job: read(get(job)) in expected


def _among_texts(get: Reader, expected: frozenset[str], *, negated: bool) -> Test:
    """Compare text without a call for what is text already; a blank is never expected."""

    def among(job: Job) -> bool:
        value = get(job)
        return (value if type(value) is str else as_text(value)) in expected

    if negated:
        return lambda job: not among(job)
    return among


def _order(get: Reader, read: Reader, compare: Callable[[Any, Any], bool], expected: Any) -> Test:
    def test(job: Job) -> bool:
        value = read(get(job))
        return value is not None and compare(value, expected)

    return test


def _text_order(get: Reader, compare: Callable[[Any, Any], bool], written: str) -> Test:
    number = _number(written)
    if number is not None:
        return _order(get, _number, compare, number)
    return _order(get, as_text, compare, written)


def _textual(get: Reader, operator: str, written: str) -> Test:
    found = _finder(operator, written)

    def test(job: Job) -> bool:
        text = as_text(get(job))
        return text is not None and bool(found(text))

    return test


def _finder(operator: str, written: str) -> Callable[[str], object]:
    if operator == "contains":
        return lambda text: written in text
    if operator == "starts_with":
        return lambda text: text.startswith(written)
    if operator == "ends_with":
        return lambda text: text.endswith(written)
    from smsnotify.rules.patterns import MAX_VALUE, compile_pattern

    search = compile_pattern(written).search
    return lambda text: search(text[:MAX_VALUE])


def _listed(get: Reader, field: str, operator: str, value: object) -> Test:
    if operator != "contains" or field in ("items", "milestones"):
        raise RuleError(
            f"{operator} means nothing for a list",
            hint="use exists, or items_count"
            if field == "items"
            else ("use exists" if field == "milestones" else "use contains or exists"),
        )
    return lambda job: value in entries(get(job))
