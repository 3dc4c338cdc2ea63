"""What a person is reached by, as somebody wrote it: a number or an email address."""

from __future__ import annotations

import re
from typing import Final

from smsnotify.text.phone import read_number

LONGEST: Final = 320
_EMAIL: Final = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")


def read_address(written: str, country: str) -> str:
    """Return a mobile number in E.164, or an email address in lower case.

    `country` reads national numbers.

    Raises:
        ValueError: it is neither; the message is one word.
    """
    text = written.strip()
    if "@" in text:
        if len(text) > LONGEST or not text.isprintable() or not _EMAIL.fullmatch(text):
            raise ValueError("not_an_email_address")
        return text.lower()
    read = read_number(text, "", country)
    if read.reason:
        raise ValueError(read.reason)
    return read.e164
