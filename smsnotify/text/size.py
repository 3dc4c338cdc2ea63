"""How many segments a text takes on the air, and which characters make it dear.

One part alone holds 160 septets or 70 UTF-16 units; a part of several gives six octets to the
header that joins them, which leaves 153 or 67. A handset cannot join half a character, so an
escape pair or a surrogate pair that would straddle two parts moves to the next one whole.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from smsnotify.model.size import Encoding, TextSize
from smsnotify.text.gsm7 import EXTENDED, FORCING, PLAIN_LATIN1

ALONE: Final = {Encoding.GSM7: 160, Encoding.UCS2: 70}
"""Units in a text of one segment."""

JOINED: Final = {Encoding.GSM7: 153, Encoding.UCS2: 67}
"""Units in each segment of a text of several."""

_SHORT: Final = tuple(TextSize(Encoding.GSM7, 1, units) for units in range(161))
_ESCAPE: Final = "\x1b"
_HIGH: Final = "\ud800"
_ASTRAL: Final = re.compile("[\U00010000-\U0010ffff]")


class Forcing(NamedTuple):
    """A character that GSM-7 does not have, and its index in code points from 0."""

    char: str
    index: int  # type: ignore[assignment]  # the word of the outside JSON; hides tuple.index


def measure(text: str) -> TextSize:
    """Return encoding, segments and units of a text as it stands; an empty text takes one."""
    try:
        # A third of what looking for each character costs, and enough for nearly every text.
        if not text.encode("latin-1").translate(None, PLAIN_LATIN1):
            units = len(text)
            if units <= 160:
                return _SHORT[units]
            return TextSize(Encoding.GSM7, -(-units // 153), units)
    except UnicodeEncodeError:
        pass
    if FORCING.search(text):
        return measure_as_ucs2(text)
    units = len(text) + len(EXTENDED.findall(text))
    return _SHORT[units] if units <= 160 else _cut(text, Encoding.GSM7)[0]


def measure_as_ucs2(text: str) -> TextSize:
    """Return the size that a text has when it is sent as UCS-2, whatever is in it."""
    return _cut(text, Encoding.UCS2)[0]


def forcing(text: str) -> list[Forcing]:
    """List every character that forces UCS-2, in order; empty when the text is GSM-7."""
    return [Forcing(found.group(), found.start()) for found in FORCING.finditer(text)]


def units_left(size: TextSize, text: str | None = None) -> int:
    """Return the free units in the last segment.

    Give the text as well to count exactly: a pair that had to move to the next segment leaves a
    unit unused before it, which the size alone cannot tell.
    """
    if size.segments == 1:
        return ALONE[size.encoding] - size.units
    if text is None:
        return JOINED[size.encoding] * size.segments - size.units
    return _cut(text, size.encoding)[1]


def _cut(text: str, encoding: Encoding) -> tuple[TextSize, int]:
    """Cut a text into segments; return the size and the units free in the last segment.

    Every pair is first written as the same two characters, so that one character is one unit; a
    segment must not end with the opening one of a pair.
    """
    if encoding is Encoding.GSM7:
        opening, units = _ESCAPE, EXTENDED.sub(f"{_ESCAPE}e", text)
    else:
        opening, units = _HIGH, _ASTRAL.sub(f"{_HIGH}\udc00", text)
    total, part = len(units), JOINED[encoding]
    if total <= ALONE[encoding]:
        return TextSize(encoding, 1, total), ALONE[encoding] - total
    segments, start = 1, 0
    while start + part < total:
        start += part
        if units[start - 1] == opening:
            start -= 1
        segments += 1
    return TextSize(encoding, segments, total), part - (total - start)
