"""The one way in for numbers and secrets on their way to a log or an error."""

from __future__ import annotations

import re

_ONE_DIGIT_CODES = ("1", "7")
_TWO_DIGIT_CODES = frozenset(
    {"20", "27", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98"}
    | {f"3{n}" for n in (0, 1, 2, 3, 4, 6, 9)}
    | {f"4{n}" for n in (0, 1, 3, 4, 5, 6, 7, 8, 9)}
    | {f"5{n}" for n in range(1, 9)}
    | {f"6{n}" for n in range(7)}
)
_NUMBER = re.compile(r"(?<![\w.])\+?\d[\d \-]{6,17}\d(?![\w.])")
# Bounded, so that a long word costs its length and not the square of it; a mailbox has 64 at most.
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_CREDENTIAL = re.compile(
    r"(?i)\b(bearer|basic|apikey|api[_-]key|auth[_-]?token|password|secret)\b(\s*[:=]?\s*)\S+"
)
_URL_PASSWORD = re.compile(r"(\w{1,20}://[^:/@\s]*):[^@\s]{1,2000}@")


def mask_number(number: str) -> str:
    """Keep the country code and the last two digits: `+6591230000` becomes `+65••••••00`."""
    digits = number.lstrip("+")
    if len(digits) <= 4:
        return "•" * len(digits)
    if not number.startswith("+"):
        return "•" * (len(digits) - 2) + digits[-2:]
    if digits.startswith(_ONE_DIGIT_CODES):
        code = digits[:1]
    elif digits[:2] in _TWO_DIGIT_CODES:
        code = digits[:2]
    else:
        code = digits[:3]
    return f"+{code}{'•' * max(len(digits) - len(code) - 2, 0)}{digits[-2:]}"


def scrub(text: str) -> str:
    """Mask everything in a sentence that looks like a number, an address or a credential."""
    text = _URL_PASSWORD.sub(r"\1:***@", text)
    text = _CREDENTIAL.sub(r"\1\2***", text)
    text = _EMAIL.sub("•••@•••", text)
    return _NUMBER.sub(lambda found: mask_number(re.sub(r"[ \-]", "", found.group())), text)
