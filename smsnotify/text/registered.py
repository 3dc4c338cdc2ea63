"""Texts that were registered before anybody may send them: India's DLT, sender-ID registries.

A registered text has words, and places where something else may stand: `{#var#}`, as the portals
write them (`{#numeric#}`, `{#url#}` and whatever else stands between the signs is one, too).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

VARIABLE_LENGTH: Final = 30
"""Characters that may stand in one place; two places beside each other hold twice as many."""

_VARIABLE: Final = re.compile(r"\{#\s*[A-Za-z0-9_ -]*#\}")


class _Piece(NamedTuple):
    """Words; or, with `longest`, a place for up to so many characters."""

    words: str
    longest: int = 0


class Registered:
    """A registered text, to hold others against."""

    def __init__(self, written: str) -> None:
        """`written` is the text as it was registered; a line end at its end does not count."""
        self._pieces = _read(written.rstrip("\n"))

    @property
    def variables(self) -> int:
        """How many places there are; those beside each other count as one."""
        return sum(bool(piece.longest) for piece in self._pieces)

    def fault(self, text: str) -> str:
        """Return where a text departs from the registered one, in words; `''` where it does not.

        The words name nothing of the text itself, which may be about a person.
        """
        places = {0}
        for number, piece in enumerate(self._pieces):
            if piece.longest:
                places = {
                    end
                    for place in places
                    for end in range(place, min(place + piece.longest, len(text)) + 1)
                }
                continue
            places = {
                place + len(piece.words) for place in places if text.startswith(piece.words, place)
            }
            if not places:
                return self._departs(number)
        if len(text) in places:
            return ""
        if self._pieces and self._pieces[-1].longest:
            return f"more than {self._pieces[-1].longest} characters stand in its last place"
        return "it goes on after the registered words"

    def _departs(self, number: int) -> str:
        words = self._pieces[number].words.strip() or self._pieces[number].words
        before = self._pieces[number - 1].longest if number else 0
        told = f"the words {words!r} are not where they were registered"
        return f"{told}, after at most {before} characters" if before else told


def _read(written: str) -> tuple[_Piece, ...]:
    pieces: list[_Piece] = []
    end = 0
    for place in _VARIABLE.finditer(written):
        if place.start() > end:
            pieces.append(_Piece(written[end : place.start()]))
        if pieces and pieces[-1].longest:
            pieces[-1] = _Piece("", pieces[-1].longest + VARIABLE_LENGTH)
        else:
            pieces.append(_Piece("", VARIABLE_LENGTH))
        end = place.end()
    if end < len(written):
        pieces.append(_Piece(written[end:]))
    return tuple(pieces)
