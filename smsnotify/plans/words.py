"""How a text from a person is compared with a keyword.

Both sides are normalised alike: NFKC (full-width letters become plain ones), letter case folded,
marks that nobody sees dropped, runs of white space made one space, and spaces, quotes, brackets
and final punctuation trimmed. The raw text is kept elsewhere; nothing here changes it.
"""

# ruff: noqa: RUF001 -- quotes of every kind are what is trimmed.

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final
from unicodedata import category, normalize

from smsnotify.base.errors import RuleError
from smsnotify.model.plan import Branch, Match
from smsnotify.rules.patterns import MAX_VALUE, compile_pattern

LONGEST: Final = 1600
"""Characters of a text that are compared; no SMS is longer."""

_QUOTES: Final = "\"'`´“”„‟‘’‚‛«»‹›「」『』()[]{}<>"
_LEADING: Final = " \t\n\r" + _QUOTES + "¡¿"
_TRAILING: Final = _LEADING + ".,;:!?…。、؟،।॥"
_UNSEEN: Final = {0xFE0E: None, 0xFE0F: None, 0x20E3: None}
"""What makes an emoji of a character: the key cap 1 is a 1."""
_UNBROKEN: Final = frozenset("LMN")
"""Letters, marks and numbers: a word goes on."""
_JOINTS: Final = frozenset("-'’/&@_+")
_NUMBER: Final = re.compile(r"\d{1,9}")

Matcher = Callable[[str], str | None]
"""Takes a raw text; returns the key that it fits, as it is written, or None."""


@lru_cache(maxsize=2048)
def normalise(text: str) -> str:
    """Return a text as keywords are compared: ` “Quote”. ` is `quote`."""
    text = text[:LONGEST]
    if not text.isascii():
        text = normalize("NFKC", normalize("NFKC", text).casefold()).translate(_UNSEEN)
        text = "".join(letter for letter in text if category(letter) != "Cf")
    else:
        text = text.lower()
    return " ".join(text.split()).lstrip(_LEADING).rstrip(_TRAILING)


def first_word(text: str, key: str) -> bool:
    """Tell whether a normalised text begins with a normalised key as a whole word.

    `quote please` and `quote, thanks` begin with `quote`; `quotes` and `quote-me` do not.
    """
    if not key or not text.startswith(key):
        return False
    rest = text[len(key) : len(key) + 2]
    if not rest:
        return True
    if category(rest[0])[0] in _UNBROKEN:
        return False
    joined = rest[0] in _JOINTS or (rest[0] in ".,:" and key[-1].isdecimal())
    return not (joined and len(rest) == 2 and category(rest[1])[0] in _UNBROKEN)


def only_word(text: str, key: str) -> bool:
    """Tell whether a normalised text is a normalised key and nothing else."""
    return bool(key) and text == key


def number(text: str) -> int | None:
    """Return the number that a normalised text is, None when it is anything else.

    Up to nine decimal digits of any script: `2`, `02`, a full-width or an Arabic 2.
    """
    return int(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=4096)
def matcher(branches: tuple[Branch, ...], match: Match) -> Matcher:
    """Return what finds the first branch that a text fits."""
    return keys_matcher(tuple(branch.key for branch in branches), match)


@lru_cache(maxsize=4096)
def keys_matcher(keys: tuple[str, ...], match: Match) -> Matcher:
    """Return what finds the first of the keys that a text fits.

    A key that cannot be compared so (no number, a pattern that is refused) fits nothing: files
    with such keys are refused when they are loaded.
    """
    if match is Match.NUMBER:
        return _numbers(keys)
    if match is Match.REGEX:
        return _patterns(keys)
    known: dict[str, str] = {}
    for key in keys:
        known.setdefault(normalise(key), key)
    known.pop("", None)
    if match is Match.ONLY_WORD:
        return lambda text: known.get(normalise(text))
    ordered = tuple(known.items())

    def begins(text: str) -> str | None:
        plain = normalise(text)
        exact = known.get(plain)
        if exact is not None:
            return exact
        return next((key for word, key in ordered if first_word(plain, word)), None)

    return begins


def _numbers(keys: tuple[str, ...]) -> Matcher:
    ranges = []
    for key in keys:
        first, _, last = key.partition("-")
        low = number(normalise(first))
        high = number(normalise(last)) if last else low
        if low is not None and high is not None:
            ranges.append((low, high, key))

    def fits(text: str) -> str | None:
        value = number(normalise(text))
        if value is None:
            return None
        return next((key for low, high, key in ranges if low <= value <= high), None)

    return fits


def _patterns(keys: tuple[str, ...]) -> Matcher:
    searches = []
    for key in keys:
        try:
            searches.append((compile_pattern(key).search, key))
        except RuleError:
            continue

    def finds(text: str) -> str | None:
        seen = text[:MAX_VALUE]
        return next((key for search, key in searches if search(seen)), None)

    return finds
