"""Values of facets: what is known of a contact, typed as `custom_fields` say."""

from __future__ import annotations

from typing import Final

from smsnotify.model.contact import Facet
from smsnotify.model.job import Kind
from smsnotify.text.template_dates import read_date, read_time
from smsnotify.text.template_values import as_number

_FLAGS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1", "y"), True),
    **dict.fromkeys(("false", "no", "off", "0", "n"), False),
}
LONGEST: Final = 1000
"""Characters of a facet that is text."""


def read_facet(written: object, kind: Kind) -> Facet:
    """Return a value as its kind wants it; text, numbers and flags come as JSON has them too.

    Raises:
        ValueError: it is no such value; the message begins with what was written.
    """
    if not isinstance(written, str | int | float | bool):
        raise ValueError("the value is no text, number, true or false")
    if kind == "number":
        number = None if isinstance(written, bool) else as_number(written)
        if number is None:
            raise ValueError(f"{_short(written)} is no number")
        return int(number) if number == number.to_integral_value() else float(number)
    if kind == "flag":
        flag = written if isinstance(written, bool) else _FLAGS.get(str(written).strip().lower())
        if flag is None:
            raise ValueError(f"{_short(written)} is neither yes nor no")
        return flag
    if isinstance(written, str):
        if len(written) > LONGEST:
            raise ValueError(f"the text is longer than {LONGEST} characters")
        if kind == "date" and read_date(written) is None:
            raise ValueError(f"{_short(written)} is no date, such as 2026-03-02")
        if kind == "clock" and read_time(written) is None:
            raise ValueError(f"{_short(written)} is no time of day, such as 18:30")
        return written
    return str(written) if kind != "text" else written


def _short(written: object) -> str:
    text = str(written)
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
