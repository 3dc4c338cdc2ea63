"""What a person is reached by, as somebody wrote it: a number or an email address."""

from __future__ import annotations

import re
from typing import Final

from smsnotify.text.phone import read_number

LONGEST: Final = 320
NOT_AN_ADDRESS: Final = "not_an_address"
NO_ADDRESS: Final = "no_address"
_EMAIL: Final = re.compile(
    r"(?=[^@]{1,64}@)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[^\W_](?:[^\W_]|-)*\.)+[^\W_](?:[^\W_]|-)*"
)


def read_email(written: str) -> str:
    """Return an email address in lower case, `''` when it is none that a mail can be sent to.

    The mailbox is of plain characters without quotes, the domain may be of any language's.
    """
    text = written.strip().lower()
    if len(text) > LONGEST or not _EMAIL.fullmatch(text):
        return ""
    try:
        text.rpartition("@")[2].encode("idna")
    except UnicodeError:
        return ""
    return text


def read_address(written: str, country: str) -> str:
    """Return a mobile number in E.164, or an email address in lower case.

    `country` reads national numbers.

    Raises:
        ValueError: it is neither; the message is one word.
    """
    text = written.strip()
    if "@" in text:
        address = read_email(text)
        if not address:
            raise ValueError("not_an_email_address")
        return address
    read = read_number(text, "", country)
    if read.reason:
        raise ValueError(read.reason)
    return read.e164
