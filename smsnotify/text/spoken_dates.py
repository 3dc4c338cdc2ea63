"""Days and times of day as pages say them, in the reader's language."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Final

from smsnotify.text.languages import ENGLISH, locale_of

_DAY: Final = "MMMEd"
_DAY_AND_YEAR: Final = "yMMMEd"


def spoken_day(day: date, language: str = ENGLISH) -> str:
    """Return `Mon 2 Mar 2026`, as the language has it."""
    if language == ENGLISH:
        return f"{day:%a} {day.day} {day:%b %Y}"
    return _spoken(date(day.year, day.month, day.day), language, _DAY_AND_YEAR)


def spoken_instant(local: datetime, language: str = ENGLISH) -> str:
    """Return `Mon 2 Mar, 14:05`, as the language has it; `local` is on the reader's clock."""
    if language == ENGLISH:
        return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"
    day = _spoken(local.date(), language, _DAY)
    return f"{day}{_comma(language)} {local:%H:%M}"


# Pages of one day tell the same few days.
@lru_cache(maxsize=2048)
def _spoken(day: date, language: str, skeleton: str) -> str:
    from babel.dates import format_skeleton

    return str(format_skeleton(skeleton, day, fuzzy=True, locale=locale_of(language)))


def _comma(language: str) -> str:
    return "،" if language.startswith(("ar", "fa", "ur")) else ","
