"""The filters that a template may use: what each takes, and what it does.

Two rules hold for all of them. A missing value stays missing until `default` gives it one, so
`{{ last_name | upper | default('you') }}` works. A value that is there but that a filter cannot
read (a word where `round` wants a number) prints as it stands: a text that goes out with a raw
value beats one that does not go out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from smsnotify.text.languages import ENGLISH
from smsnotify.text.template_dates import DEFAULT_PATTERNS, check_pattern, format_written
from smsnotify.text.template_numbers import check_currency, spoken_money, spoken_number
from smsnotify.text.template_values import (
    Missing,
    as_number,
    as_text,
    contains,
    entry_field,
    equal,
    order,
)

LONGEST: Final = 10_000
"""Characters that `replace` may make of a value: far beyond any text, far below any harm."""

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")  # noqa: RUF001


class Parameter(NamedTuple):
    """What a filter takes: `kind` is any, text, count or flag; all but `any` are constants."""

    name: str
    kind: str
    required: bool = False
    at_least: int = 0
    at_most: int = 0


class FilterSpec(NamedTuple):
    """A filter: what it takes, what it does, whether a loop's list may stand before it.

    One that `speaks` is told the `language` of the text besides.
    """

    apply: Callable[..., object]
    parameters: tuple[Parameter, ...]
    does: str
    takes_list: bool = False
    check: Callable[[Mapping[str, object]], str] | None = None
    speaks: bool = False


def _default(value: object, _: str, default_value: object, boolean: bool = False) -> object:
    return default_value if isinstance(value, Missing) or (boolean and not value) else value


def _on_value(function: Callable[..., object]) -> Callable[..., object]:
    """Let a missing value pass, and call a result missing when nothing of the value is left."""

    def apply(value: object, label: str, **arguments: object) -> object:
        if isinstance(value, Missing):
            return value
        result = function(value, **arguments)
        if isinstance(result, str) and not result.strip() and as_text(value).strip():
            return Missing(label)
        return result

    return apply


def _on_text(function: Callable[..., object]) -> Callable[..., object]:
    return _on_value(lambda value, **arguments: function(as_text(value), **arguments))


def _title(text: str) -> str:
    return _WORD.sub(lambda word: word.group().capitalize(), text)


def _truncate(text: str, length: int, killwords: bool = False, end: str = "...") -> str:
    if len(text) <= length:
        return text
    kept = text[: max(length - len(end), 0)]
    if not killwords and not text[len(kept)].isspace():
        whole, space, _ = kept.rpartition(" ")
        kept = whole if space else kept
    return (kept.rstrip() + end)[:length]


def _round(value: object, precision: int = 0) -> object:
    number = as_number(value)
    if number is None or number.adjusted() > 20:
        return value
    rounded = number.quantize(Decimal(1).scaleb(-precision), ROUND_HALF_UP)
    return int(rounded) if precision == 0 else _plain(rounded)


def _plain(number: Decimal) -> object:
    whole = number.to_integral_value()
    return int(whole) if number == whole else float(number)


def _int(value: object) -> object:
    number = as_number(value)
    if number is None or number.adjusted() > 20:
        return value
    return int(number.to_integral_value(ROUND_DOWN))


def _replace(text: str, old: str, new: str) -> str:
    if not old:
        return text
    grown = len(text) + text.count(old) * (len(new) - len(old))
    return text if grown > LONGEST else text.replace(old, new)


def _join(value: object, label: str, separator: str = ", ", attribute: str = "") -> object:
    if isinstance(value, Missing) or not isinstance(value, (list, tuple)):
        return value
    fields = [entry_field(one, attribute, label) for one in value] if attribute else value
    lost = next((one for one in fields if isinstance(one, Missing)), None)
    if lost is not None:
        return lost
    return separator.join(map(as_text, fields)) or Missing(label)


def _first(value: object) -> object:
    return value[0] if isinstance(value, (list, tuple)) else as_text(value)[:1]


def _last(value: object) -> object:
    return value[-1] if isinstance(value, (list, tuple)) else as_text(value)[-1:]


def _length(value: object) -> object:
    return len(value) if isinstance(value, (list, tuple)) else len(as_text(value))


def _moment(kind: str) -> FilterSpec:
    def apply(text: str, pattern: str = "", *, language: str = ENGLISH) -> str:
        return format_written(kind, text, pattern, language)

    def check(given: Mapping[str, object]) -> str:
        return check_pattern(kind, str(given["pattern"])) if "pattern" in given else ""

    reads = {
        "date": "YYYY-MM-DD or an ISO instant",
        "time": "HH:MM, hh:mm AM or an ISO instant",
    }[kind]
    return FilterSpec(
        _on_text(apply),
        (Parameter("pattern", "text"),),
        f"prints {reads} in a pattern, or as the text's language has it (in English "
        f"{DEFAULT_PATTERNS[kind]!r}); an instant in its own offset",
        check=check,
        speaks=True,
    )


_DEFAULT_SPEC: Final = FilterSpec(
    _default,
    (Parameter("default_value", "any", required=True), Parameter("boolean", "flag")),
    "stands in for a missing, null, empty or blank value; default(x, true) also for 0 and no",
)

FILTERS: Final[dict[str, FilterSpec]] = {
    "default": _DEFAULT_SPEC,
    "d": _DEFAULT_SPEC._replace(does="short for default"),
    "date": _moment("date"),
    "time": _moment("time"),
    "upper": FilterSpec(_on_text(str.upper), (), "writes everything in capitals"),
    "lower": FilterSpec(_on_text(str.lower), (), "writes everything in small letters"),
    "title": FilterSpec(_on_text(_title), (), "begins every word with a capital"),
    "capitalize": FilterSpec(
        _on_text(str.capitalize), (), "begins with a capital, the rest in small letters"
    ),
    "trim": FilterSpec(_on_text(str.strip), (), "drops spaces and line ends at both ends"),
    "truncate": FilterSpec(
        _on_text(_truncate),
        (
            Parameter("length", "count", required=True, at_least=1, at_most=1600),
            Parameter("killwords", "flag"),
            Parameter("end", "text"),
        ),
        "cuts to at most `length` characters, the end mark (...) included, at a word's end "
        "unless killwords is true",
    ),
    "round": FilterSpec(
        _on_value(_round),
        (Parameter("precision", "count", at_most=6),),
        "rounds a number to `precision` decimals (0), halves away from zero",
    ),
    "int": FilterSpec(_on_value(_int), (), "drops the decimals of a number"),
    "number": FilterSpec(
        _on_value(spoken_number), (), "prints a number as the text's language does", speaks=True
    ),
    "money": FilterSpec(
        _on_value(spoken_money),
        (Parameter("currency", "text", required=True),),
        "prints an amount of a currency as the text's language does: money('SGD')",
        check=check_currency,
        speaks=True,
    ),
    "replace": FilterSpec(
        _on_text(_replace),
        (Parameter("old", "text", required=True), Parameter("new", "text", required=True)),
        "puts one text in the place of another, wherever it stands",
    ),
    "join": FilterSpec(
        _join,
        (Parameter("separator", "text"), Parameter("attribute", "text")),
        "joins a list with ', ' or another separator; of items, one field of each: "
        "join(', ', attribute='sku')",
        takes_list=True,
    ),
    "first": FilterSpec(_on_value(_first), (), "the first entry of a list, or the first letter"),
    "last": FilterSpec(_on_value(_last), (), "the last entry of a list, or the last letter"),
    "length": FilterSpec(
        _on_value(_length), (), "how many entries or characters there are", takes_list=True
    ),
}
"""Every filter by name; nothing else may stand after `|`."""


def _concat(value: object, label: str, *others: object) -> object:
    parts = (value, *others)
    lost = next((one for one in parts if isinstance(one, Missing)), None)
    return "".join(map(as_text, parts)) if lost is None else lost


def _ordered(test: Callable[[int], bool]) -> Callable[..., object]:
    def apply(left: object, right: object) -> bool:
        found = order(left, right)
        return found is not None and test(found)

    return apply


OPERATORS: Final[dict[str, Callable[..., object]]] = {
    "eq": equal,
    "ne": lambda left, right: not equal(left, right),
    "gt": _ordered(lambda found: found > 0),
    "gteq": _ordered(lambda found: found >= 0),
    "lt": _ordered(lambda found: found < 0),
    "lteq": _ordered(lambda found: found <= 0),
    "in": contains,
    "notin": lambda left, right: not contains(left, right),
}
"""Comparisons by Jinja2's names for them."""

INTERNAL: Final[dict[str, Callable[..., object]]] = {
    **{f"_{name}": operator for name, operator in OPERATORS.items()},
    "_concat": _concat,
    "_field": entry_field,
}
"""What the checker writes in the place of operators; no template can name these."""
