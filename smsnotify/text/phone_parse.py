"""Phone numbers read by `phonenumbers` alone: the rare forms, and what faster ways agree with."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import phonenumbers
from phonenumbers import PhoneNumberType

from smsnotify.text.phone_values import DOUBTFUL_NUMBER, LANDLINE, NOT_A_NUMBER, ReadNumber

_ABROAD = re.compile(r"(?:\+[^\w+]*)+(?:0[^\w+]*0)?|0[^\w+]*0")
_FIRST = re.compile(r"[+\d]")
_LAST = re.compile(r"[\w#]")
_FLOAT = re.compile(r"(\+?\d+)\.0")
_TEXTABLE = frozenset(
    {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.PERSONAL_NUMBER,
    }
)


def read_slowly(raw: str, countries: tuple[str, ...]) -> ReadNumber:
    """Read a number with `phonenumbers` alone: what every faster way must agree with."""
    written = _tidied(raw)
    if not written or phonenumbers.is_alpha_number(written):
        return NOT_A_NUMBER
    abroad = _ABROAD.match(written)
    if abroad is not None:
        read = _parsed("+" + written[abroad.end() :])
        if read is not None or written[0] == "+":
            return _told(read)
    found = {read.e164: read for country in countries for read in _readings(written, country)}
    codes = tuple(f"+{phonenumbers.country_code_for_region(country)}" for country in countries)
    readings = [read for read in found.values() if read.e164.startswith(codes)]
    readings = readings or list(found.values())
    if len(readings) > 1:
        return DOUBTFUL_NUMBER
    return _told(readings[0] if readings else None)


def _readings(written: str, country: str) -> Iterator[ReadNumber]:
    """Give what the text may mean in one country: nothing, one number, or two."""
    national = _parsed(written, country)
    if national is not None:
        yield national
    code = str(phonenumbers.country_code_for_region(country))
    if re.sub(r"\D", "", written).startswith(code):
        abroad = _parsed("+" + written)
        if abroad is not None and (national is None or not abroad.reason):
            yield abroad


def _parsed(written: str, country: str | None = None) -> ReadNumber | None:
    """Return a valid number, even one that gets no texts: then with a reason beside it."""
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return None
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:  # its word for not valid
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return ReadNumber(e164, _country(number), "" if kind in _TEXTABLE else "landline")


def _told(read: ReadNumber | None) -> ReadNumber:
    if read is None:
        return NOT_A_NUMBER
    return LANDLINE if read.reason else read


def _tidied(raw: str) -> str:
    """Return the text from its first digit or plus to its last letter, digit or `#`.

    Digits of all scripts become ASCII, odd spaces and invisible marks (as copied from a phone
    book) plain spaces, and a spreadsheet's `91230000.0` loses its fraction.
    """
    if not raw.isascii():
        raw = "".join(
            str(int(char)) if char.isdecimal() else char
            for char in unicodedata.normalize("NFKC", raw)
        )
    plain = "".join(char if char.isprintable() else " " for char in raw)
    # Two looks, each once over the text: `[+\d].*[\w#]` takes its length squared for many pluses.
    first, last = _FIRST.search(plain), _LAST.search(plain[::-1])
    written = plain[first.start() : len(plain) - last.start()] if first and last else ""
    written = written if len(written) > 1 else ""
    whole = _FLOAT.fullmatch(written)
    return whole.group(1) if whole is not None else written


def parsed_country(e164: str) -> str:
    """Return the country (ISO 3166) of an E.164 number, `''` where it has none."""
    try:
        return _country(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return ""


def _country(number: phonenumbers.PhoneNumber) -> str:
    region = phonenumbers.region_code_for_number(number)
    return region if region is not None and region.isalpha() else ""
