"""Letters of a body that make it dear: what forces UCS-2, and how GSM-7 would write it."""

from __future__ import annotations

import re
from typing import Final, Literal

from smsnotify.base.printable import printable
from smsnotify.model.size import Encoding
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.wordings import called
from smsnotify.text.encode import LOOKALIKES, fit
from smsnotify.text.size import ALONE, forcing

MOST_TOLD: Final = 5
_TAGS: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def check_letters(
    source: str, encoding: Literal["auto", "gsm7", "ucs2"], report: Reporter, at: Path
) -> None:
    """Warn of the few characters in a body's own words that force UCS-2.

    A text in another alphabet is meant to be what it is: nothing is said of that.
    """
    words = _TAGS.sub("", source)
    if encoding == "ucs2" or fit(words, encoding).size.encoding is Encoding.GSM7:
        return
    odd = [char for char, _ in forcing(words) if char not in LOOKALIKES]
    letters = sum(map(str.isalpha, words))
    if 2 * sum(map(str.isalpha, odd)) > letters:
        return
    twins = {char: fit(char, "gsm7").text for char in list(dict.fromkeys(odd))[:MOST_TOLD]}
    shown = ", ".join(f"{printable(char)} (U+{ord(char):04X})" for char in twins)
    spelled = ", ".join(f"{printable(char)} is {twin!r}" for char, twin in twins.items())
    report.warn(
        at,
        "ucs2_body",
        f"the words of {called(at)} force UCS-2 with {shown}: {ALONE[Encoding.UCS2]} characters a "
        f"segment, not {ALONE[Encoding.GSM7]}",
        f"in GSM-7 {spelled}; encoding: gsm7 writes it so, ucs2 means it as it is",
    )
