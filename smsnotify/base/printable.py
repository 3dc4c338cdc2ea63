"""Text of strangers on its way to a terminal."""

from __future__ import annotations

import re
from typing import Final

# Control characters but tab and line end: they begin escape sequences. And the characters that
# turn the direction of what follows: they make one number look like another.
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""Write what a terminal would obey instead of showing as an escape: `\x1b`, `\u202e`.

    Line ends and tabs stay.
    """
    if _UNSEEN.search(text) is None:
        return text
    return _UNSEEN.sub(_escaped, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Likewise, with a mark for every line end: one line can never look like two."""
    return printable(text).replace("\n", " ⏎ ")


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
