"""Languages: tags as people write them, which of several offers suits a reader, how one is written.

Tags are those of BCP 47 (`zh-Hant`, `pt-BR`); `zh_TW` and old codes (`in`, `iw`) are understood.
The library with the world's languages is loaded by whoever asks about one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

ENGLISH: Final = "en"
"""What is written where nobody says more."""

PAGES_SPEAK: Final = (
    ENGLISH,
    *("zh", "ms", "ta", "id", "th", "vi", "ar", "de", "fr", "es", "pt"),
)
"""The languages of our own pages, English first."""

_LONGEST: Final = 35  # RFC 5646, 4.4.1
_KIN: Final = {"nb": "no", "nn": "no"}
_MORE_NAMES: Final = {"in": "id", "iw": "he", "ji": "yi", "tl": "fil", "mo": "ro"}


class Parts(NamedTuple):
    """A language, the script that it is written in, and the country that the tag names, or `''`."""

    language: str
    script: str
    country: str


@lru_cache(maxsize=1024)
def parts_of(tag: str) -> Parts | None:
    """Take a tag apart; None when it is no tag of a language that texts can be written in."""
    from babel.core import Locale, UnknownLocaleError, get_global

    words = tag.strip().replace("-", "_").split("_")
    if not words[0] or len(tag) > _LONGEST:
        return None
    words[0] = _MORE_NAMES.get(words[0].lower(), words[0].lower())
    try:
        locale = Locale.parse("_".join(words))
    except (UnknownLocaleError, ValueError):
        return None
    language = _KIN.get(locale.language, locale.language)
    likely = get_global("likely_subtags")
    script = locale.script or ""
    for known in (f"{locale.language}_{locale.territory}", locale.language):
        if not script and known in likely:
            script = likely[known].split("_")[1]
    named = any(len(word) == 2 or word.isdigit() for word in words[1:])
    return Parts(language, script, (locale.territory or "") if named else "")


def is_language(tag: str) -> bool:
    """Tell whether a tag is one of a language that texts can be written in."""
    return parts_of(tag) is not None


@lru_cache(maxsize=4096)
def best_of(wanted: str, offered: tuple[str, ...]) -> str:
    """Return the offer that suits a reader of `wanted`, `''` when none is in that language.

    Of several the one in the same script, then the same country, then of no country; then the
    first. A region that is unknown is passed over: `en-XX` is English.
    """
    asked = parts_of(wanted) or parts_of(wanted.replace("_", "-").split("-")[0])
    best, most = "", -1
    if asked is None:
        return best
    for offer in offered:
        has = parts_of(offer)
        if has is None or has.language != asked.language:
            continue
        near = 2 if has.country == asked.country else 0 if has.country else 1
        worth = near + 3 * (has.script == asked.script)
        if worth > most:
            best, most = offer, worth
    return best


@lru_cache(maxsize=512)
def languages_of(country: str) -> tuple[str, ...]:
    """Return a country's own languages, the official one that most people speak first.

    `country` is ISO 2; an unknown one has none.
    """
    if not country:
        return ()
    from babel.languages import get_official_languages

    return tuple(
        language.replace("_", "-") for language in get_official_languages(country, de_facto=True)
    )


@lru_cache(maxsize=512)
def best_in(country: str, offered: tuple[str, ...]) -> str:
    """Return the offer in the first of a country's languages that there is one in, or `''`."""
    found = (best_of(language, offered) for language in languages_of(country))
    return next(filter(None, found), "")


def first_of(tags: Sequence[str], offered: tuple[str, ...]) -> str:
    """Return the offer that suits the first tag that any suits, or `''`."""
    return next(filter(None, (best_of(tag, offered) for tag in tags)), "")


@lru_cache(maxsize=256)
def locale_of(tag: str) -> str:
    """Return the name of a tag's locale in the library that formats; English for an unknown one."""
    from babel.core import Locale

    parts = parts_of(tag)
    if parts is None:
        return ENGLISH
    words = tag.strip().replace("-", "_").split("_")
    words[0] = _MORE_NAMES.get(words[0].lower(), words[0].lower())
    return str(Locale.parse("_".join(words)))


def is_right_to_left(tag: str) -> bool:
    """Tell whether a language is written from right to left."""
    from babel.core import Locale

    return bool(Locale.parse(locale_of(tag)).text_direction == "rtl")
