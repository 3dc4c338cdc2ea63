"""Making a text fit GSM-7, as far as a rule's `encoding` allows, and saying what was changed.

`auto` changes only what nobody can see or misses: typed-in punctuation and spaces, and only if
that wins something. `gsm7` writes everything in the small alphabet, names too. `ucs2` changes
nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import msgspec

from smsnotify.model.size import Encoding, TextSize
from smsnotify.text.gsm7 import BASIC, EXTENSION, FORCING
from smsnotify.text.size import measure, measure_as_ucs2

LOOKALIKES: Final[dict[str, str]] = {
    **dict.fromkeys("‘’‚‛‹›′‵´`", "'"),  # noqa: RUF001
    **dict.fromkeys("“”„‟«»″‶", '"'),
    "‴": "'''",
    **dict.fromkeys("‐‑‒–—―⁃−﹘﹣", "-"),  # noqa: RUF001
    "․": ".",  # noqa: RUF001
    "‥": "..",
    "…": "...",
    **dict.fromkeys("⁄∕", "/"),  # noqa: RUF001
    **dict.fromkeys("\t\u00a0\u202f\u205f\u3000", " "),
    **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
    **dict.fromkeys("\x0b\x85\u2028\u2029", "\n"),
    # Left behind by copy and paste, seen by nobody: zero-width spaces and joiners, soft hyphens,
    # marks of writing direction. Where they mean something (Arabic, Indic scripts, emoji) other
    # characters force UCS-2 anyway, and then nothing is swapped.
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
    **dict.fromkeys("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", ""),
}
"""Punctuation and spaces that GSM-7 lacks, and what stands for them. No letters."""

_BEYOND: Final = re.compile(
    f"[^{re.escape(''.join(sorted(BASIC | EXTENSION | LOOKALIKES.keys())))}]"
)
_SWAP: Final = str.maketrans(LOOKALIKES)
_INVISIBLE: Final = frozenset({"Cf", "Mn", "Me"})


class Fitted(msgspec.Struct, frozen=True, gc=False):
    """A text as it will be sent, and the (was, is) pairs that were swapped, each pair once."""

    text: str
    size: TextSize
    swapped: tuple[tuple[str, str], ...] = ()


def fit(text: str, encoding: str) -> Fitted:
    """Fit a text to `auto`, `gsm7` or `ucs2`.

    Raises:
        ValueError: another word for the encoding.
    """
    if encoding == "auto":
        size = measure(text)
        return Fitted(text, size) if size.encoding is Encoding.GSM7 else _swap(text, size)
    if encoding == "gsm7":
        size = measure(text)
        return Fitted(text, size) if size.encoding is Encoding.GSM7 else _transliterate(text)
    if encoding == "ucs2":
        return Fitted(text, measure_as_ucs2(text))
    raise ValueError(f"{encoding!r} is no encoding; write auto, gsm7 or ucs2")


def _swap(text: str, size: TextSize) -> Fitted:
    """Swap look-alikes if that makes the text GSM-7 and no longer than it was in segments."""
    if _BEYOND.search(text):
        return Fitted(text, size)
    plain = text.translate(_SWAP)
    swapped_size = measure(plain)
    if swapped_size.segments > size.segments:
        return Fitted(text, size)
    pairs = dict.fromkeys((char, LOOKALIKES[char]) for char in FORCING.findall(text))
    return Fitted(plain, swapped_size, tuple(pairs))


def _transliterate(text: str) -> Fitted:
    """Write everything in GSM-7; letters that the alphabet has (é, ü, £) stay.

    Letters and accents that were typed apart are joined first, which changes no text.
    """
    composed = unicodedata.normalize("NFC", text)
    odd: list[str] = FORCING.findall(composed)
    table = {char: _stand_in(char) for char in dict.fromkeys(odd)}
    plain = "".join(table.get(char, char) for char in composed)
    return Fitted(plain, measure(plain), tuple(table.items()))


def _stand_in(char: str) -> str:
    """Return what stands for a character outside GSM-7; `?` for one that nothing stands for."""
    known = LOOKALIKES.get(char)
    if known is not None:
        return known
    from anyascii import anyascii

    found = anyascii(char).translate(_SWAP)
    if found:
        return "".join(part if part in BASIC or part in EXTENSION else "?" for part in found)
    return "" if unicodedata.category(char) in _INVISIBLE else "?"
