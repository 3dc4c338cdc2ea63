"""The `date` and `time` filters: which patterns they take, what they read, how they print.

Patterns are those of Unicode (`EEE d MMM`, `h:mm a`), as far as they suit a text; words stand
between quotes (`d 'of' MMMM`). Source: UTS 35, date field symbols (checked August 2026).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import lru_cache
from typing import Final

from smsnotify.text.languages import ENGLISH, locale_of

_DATE_LETTERS: Final = {"E": 5, "d": 2, "M": 5, "L": 5, "y": 4}
_TIME_LETTERS: Final = {"h": 2, "H": 2, "K": 2, "k": 2, "m": 2, "s": 2, "a": 1}
_LETTERS: Final = {"date": _DATE_LETTERS, "time": _TIME_LETTERS}
_MEANT: Final = {
    "date": {"Y": "y for the year", "D": "d for the day", "m": "M for the month"},
    "time": {"M": "m for minutes", "S": "s for seconds", "A": "a for AM or PM"},
}
_RUN: Final = re.compile(r"([A-Za-z])\1*")
_QUOTED: Final = re.compile(r"'[^']*'")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", re.ASCII)
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?\s*(?:([AaPp])\.?[Mm]\.?)?", re.ASCII)

DEFAULT_PATTERNS: Final = {"date": "EEE d MMM", "time": "h:mm a"}
"""What is written in English where no pattern is given."""

PLAIN_SPACES: Final = dict.fromkeys(map(ord, "\u00a0\u202f\u2009"), " ")
"""Spaces of print, which would make a text dearer, and the one that phones have."""


def check_pattern(kind: str, pattern: str) -> str:
    """Return what is wrong with a pattern of the `date` or `time` filter, `''` if nothing.

    Made without the library that formats, so that checking rules does not load it.
    """
    if not pattern.strip():
        return "the pattern is empty"
    if pattern.count("'") % 2:
        return f"the pattern {pattern!r} has a quote that is not closed"
    letters, other = _LETTERS[kind], "time" if kind == "date" else "date"
    found = False
    for run in _RUN.finditer(_QUOTED.sub("", pattern)):
        letter, length = run.group(1), len(run.group())
        if letter not in letters:
            meant = _MEANT[kind].get(letter)
            if meant is None and letter in _LETTERS[other]:
                meant = f"the {other} filter"
            told = f": write {meant}" if meant else ""
            return f"the {kind} filter knows no pattern letter {letter!r}{told}"
        if length > letters[letter]:
            return f"the pattern letter {letter!r} stands at most {letters[letter]} times"
        found = True
    return "" if found else f"the pattern {pattern!r} has no letter that stands for anything"


def read_date(written: str) -> date | None:
    """Read `YYYY-MM-DD`, or the day of an ISO instant in the instant's own offset."""
    text = written.strip()
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        return datetime.fromisoformat(text).date() if _INSTANT.fullmatch(text) else None
    except ValueError:
        return None


def read_time(written: str) -> time | None:
    """Read `HH:MM`, `hh:mm AM`, or the time of an ISO instant in the instant's own offset."""
    text = written.strip()
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text).time()
        clock = _CLOCK.fullmatch(text)
        if clock is None:
            return None
        hour, half = int(clock[1]), clock[4]
        if half:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if half in "pP" else 0)
        return time(hour, int(clock[2]), int(clock[3] or 0))
    except ValueError:
        return None


# Thousands of jobs share a day and a few hundred planned times.
@lru_cache(maxsize=4096)
def format_written(kind: str, written: str, pattern: str, language: str = ENGLISH) -> str:
    """Return a written date or time in a pattern; unreadable ones as they stand.

    Without a pattern it is written as the language has it: `2 mars`, `14:30`.
    """
    if kind == "date":
        day = read_date(written)
        moment = None if day is None else datetime(day.year, day.month, day.day)  # noqa: DTZ001
    else:
        clock = read_time(written)
        moment = None if clock is None else datetime.combine(date(2000, 1, 1), clock)
    if moment is None:
        return written
    from babel.core import Locale
    from babel.dates import format_datetime, format_skeleton

    locale = Locale.parse(locale_of(language))
    if pattern:
        told = format_datetime(moment, pattern, locale=locale)
    elif language == ENGLISH:
        told = format_datetime(moment, DEFAULT_PATTERNS[kind], locale=locale)
    elif kind == "date":
        told = format_skeleton("MMMEd", moment, fuzzy=True, locale=locale)
    else:
        told = format_datetime(moment, locale.time_formats["short"].pattern, locale=locale)
    return str(told).translate(PLAIN_SPACES)
