"""The GSM 7-bit default alphabet and its extension table.

Source: 3GPP TS 23.038, sections 6.2.1 and 6.2.1.1, default language tables only: national
shift tables are off at every provider we know (checked August 2026).
"""

from __future__ import annotations

import re
from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""Characters that cost one septet."""

EXTENSION: Final = frozenset("^{}\\[~]|€\f")
"""Characters that cost two septets: an escape, then the character."""

FORCING: Final = re.compile(f"[^{re.escape(''.join(sorted(BASIC | EXTENSION)))}]")
"""Finds a character that GSM-7 does not have, which forces the whole text into UCS-2."""

EXTENDED: Final = re.compile(f"[{re.escape(''.join(sorted(EXTENSION)))}]")
"""Finds a character that costs two septets."""

PLAIN_LATIN1: Final = bytes(sorted(ord(char) for char in BASIC if ord(char) < 256))
"""The one-septet characters that Latin-1 has too, which most texts are made of, in Latin-1."""


def is_gsm7(text: str) -> bool:
    """True when every character is in the alphabet or its extension table."""
    return FORCING.search(text) is None
