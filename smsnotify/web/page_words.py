"""What pages say in the languages that they speak: `words/TAG.toml`, one file a language.

A page's language is chosen as a text's is: the reader's own, the job's, that of the number's
country; then what the browser asks for, then the settings' `language`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from smsnotify.text.languages import (
    ENGLISH,
    PAGES_SPEAK,
    best_in,
    best_of,
    first_of,
    is_right_to_left,
)
from smsnotify.text.phone import country_of

_LONGEST_HEADER: Final = 500
_MOST_ASKED: Final = 10


class OptOutWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of the opt-out page; `{who}` is the number, most of it hidden."""

    ask: str
    ask_who: str
    button: str
    again: str
    again_why: str
    again_link: str
    failed_why: str
    done: str
    done_who: str
    nowhere: str
    nowhere_why: str


class PageWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of pages in one language.

    `said` are headlines by the job's phase, `told` what a page says instead of a job.
    """

    your_delivery: str
    get_in_touch: str
    back: str
    what_happened: str
    driver: str
    proof: str
    received_by: str
    picture: str
    thanks: str
    service_stars: str
    driver_stars: str
    editable: str
    rate: str
    rate_again: str
    rate_goods: str
    rate_driver: str
    stars: str
    comment: str
    send: str
    yes: str
    no: str
    said: Mapping[str, str]
    said_of_collections: Mapping[str, str]
    labels: Mapping[str, str]
    told: Mapping[str, str]
    opt_out: OptOutWords
    language: str = ENGLISH
    direction: str = "ltr"


@cache
def page_words(language: str) -> PageWords:
    """Return the words of one of `PAGES_SPEAK`."""
    written = (files("smsnotify.web") / "words" / f"{language}.toml").read_bytes()
    told: dict[str, Any] = msgspec.toml.decode(written, type=dict[str, Any])
    direction = "rtl" if is_right_to_left(language) else "ltr"
    return msgspec.convert(told | {"language": language, "direction": direction}, PageWords)


def words_for(
    recipient: str, known: tuple[str, ...], accepted: str, settings_language: str
) -> PageWords:
    """Return the words for a reader.

    `recipient` is whom the page is of, `''` when nobody knows; `known` are languages that the
    books have for the reader, the most telling first; `accepted` is the header Accept-Language.
    """
    return page_words(
        first_of(known, PAGES_SPEAK)
        or (best_in(country_of(recipient), PAGES_SPEAK) if recipient.startswith("+") else "")
        or first_of(_asked(accepted), PAGES_SPEAK)
        or best_of(settings_language, PAGES_SPEAK)
        or ENGLISH
    )


def _asked(header: str) -> list[str]:
    """Return the tags of an Accept-Language header, the dearest first."""
    weighed: list[tuple[float, str]] = []
    for part in header[:_LONGEST_HEADER].split(",")[:_MOST_ASKED]:
        tag, _, weight = part.partition(";")
        try:
            worth = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            worth = 0.0
        if worth > 0 and tag.strip() not in ("", "*"):
            weighed.append((worth, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda one: -one[0])]
