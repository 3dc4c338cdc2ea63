"""A text of a plan in several languages: whoever it is written for decides which."""

from __future__ import annotations

from collections.abc import Mapping

from smsnotify.model.plan import Words
from smsnotify.text.phone import country_of
from smsnotify.text.speaking import choose


def speaking(words: Mapping[str, Words], fallback: str, field: str) -> Words:
    """Return words that are spoken in the reader's language, as those of rules are.

    `field` is the job's field that names it, `''` for none.
    """
    offered = tuple(words)

    def render(view: object) -> str:
        language = getattr(view, "contact__language", None)
        number = getattr(view, "contact__number", None)
        chosen = choose(
            offered,
            fallback,
            language if isinstance(language, str) else "",
            getattr(view, field, None) if field else None,
            country_of(number) if isinstance(number, str) else "",
        )
        return words[chosen.language](view)

    return render
