"""The `number` and `money` filters: amounts as a language writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from smsnotify.text.languages import locale_of
from smsnotify.text.template_dates import PLAIN_SPACES
from smsnotify.text.template_values import as_number

_CODE: Final = re.compile(r"[A-Z]{3}")
_TOUCHING: Final = re.compile(r"(?<=[A-Z]{3})(?=\d)|(?<=\d)(?=[A-Z]{3})")


def check_currency(given: Mapping[str, object]) -> str:
    """Return what is wrong with the currency of the `money` filter, `''` if nothing."""
    currency = given.get("currency")
    if not isinstance(currency, str):
        return ""
    from babel.numbers import is_currency

    if _CODE.fullmatch(currency) and is_currency(currency):
        return ""
    return f"{currency!r} is no currency; write its three letters, such as SGD"


def spoken_number(value: object, *, language: str) -> object:
    """Return a number as the language writes it; what is no number as it stands."""
    amount = as_number(value)
    return value if amount is None or amount.adjusted() > 20 else _number(amount, language)


def spoken_money(value: object, currency: str, *, language: str) -> object:
    """Return an amount as the language writes it; what is no number as it stands."""
    amount = as_number(value)
    return value if amount is None or amount.adjusted() > 20 else _money(amount, currency, language)


@lru_cache(maxsize=1024)
def _number(amount: Decimal, language: str) -> str:
    from babel.numbers import format_decimal

    return str(format_decimal(amount, locale=locale_of(language))).translate(PLAIN_SPACES)


@lru_cache(maxsize=1024)
def _money(amount: Decimal, currency: str, language: str) -> str:
    from babel.numbers import format_currency

    told = str(format_currency(amount, currency, locale=locale_of(language)))
    return _TOUCHING.sub(" ", told.translate(PLAIN_SPACES))
