"""STOP, START and HELP in every language: what a text means for a person's consent.

Only a whole text is a word of these families; letter case, quotes and final punctuation do not
count. A longer text that probably asks for no more texts is a likely opt-out, which a clerk
decides. Settings add words of the firm's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from smsnotify.plans.consent_languages import WORDS
from smsnotify.plans.words import normalise

_SEEN: Final = 300
"""Characters in which a likely opt-out is looked for: whoever wants out says so at the start."""

_SPELLED: Final = 24
"""Characters of a text that may be STOP spelled out (`S T O P`) or adorned (`stop 🛑`)."""

_GROUP: Final = re.compile(r"(?<!\\)\((?!\?)")
"""A group that keeps what it found, which nobody asks for."""

Lists = Mapping[str, Mapping[str, Sequence[str]]]
"""Language → family → words."""


class Family(StrEnum):
    """What a whole text means for consent."""

    STOP = "stop"
    START = "start"
    YES = "yes"  # START from somebody who is out, an answer like any other from everybody else
    HELP = "help"


FAMILIES: Final = (Family.STOP, Family.START, Family.HELP)
"""Families that settings can add words to."""


class ConsentWords:
    """All words of consent: the built-in ones, and those that settings add."""

    def __init__(self, added: Lists | None = None) -> None:
        """Put the lists together. A word of two families is of the first: stop, help, start, yes.

        `added` is what the settings say under `[keywords.LANG]`: `stop`, `start` and `help`.
        """
        self._family: dict[str, Family] = {}
        for family in (Family.YES, Family.START, Family.HELP, Family.STOP):
            for lists in (WORDS, added or {}):
                for word in _listed(lists, family):
                    self._family[normalise(word)] = family
        self._family.pop("", None)
        patterns = dict.fromkeys(_listed(WORDS, "likely"))
        joined = "|".join(f"(?:{one})" for one in patterns)
        self._likely = re.compile(_GROUP.sub("(?:", joined))
        own = [normalise(word) for word in _listed(added or {}, Family.STOP)]
        self._begins = tuple(word for word in own if word)

    def family(self, text: str) -> Family | None:
        """Return what a whole text means, None when it is none of these words."""
        return self._family.get(normalise(text))

    def is_likely_stop(self, text: str) -> bool:
        """Tell whether a text that is no word of consent probably asks for no more texts."""
        plain = normalise(text)[:_SEEN]
        if self._likely.search(plain) is not None:
            return True
        return self._is_spelled_stop(plain) or any(
            plain.startswith(f"{word} ") for word in self._begins
        )

    def _is_spelled_stop(self, plain: str) -> bool:
        if len(plain) > _SPELLED:
            return False
        letters = "".join(filter(str.isalnum, plain))
        return letters != plain and self._family.get(letters) is Family.STOP

    def words(self, family: Family) -> Iterator[str]:
        """Yield the words of a family, normalised."""
        return (word for word, its in self._family.items() if its is family)


def _listed(lists: Lists, family: str) -> Iterable[str]:
    return (word for language in lists.values() for word in language.get(family, ()))


USUAL_WORDS: Final = ConsentWords()
"""The built-in words alone."""
