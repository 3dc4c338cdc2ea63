"""Phone numbers as people write them, read as E.164.

The judge is Google's `phonenumbers`. A number that is written cleanly is read by patterns of the
same metadata (`phone_patterns`), thirty times faster; everything else goes to `phone_parse`,
and the tests hold the two to the same answers.

What is read, and how:

- `+…` and `00…` are international and need no country. Only where `00…` is nobody's number, it
  is read as dialled in the country (Singapore's 001, Australia's 0011).
- All else is national: in the job's country and in the settings' country. Valid in one of them:
  that one. Valid in both, as two numbers: `doubtful_number`. Abroad, dialled from one of them
  (`011 65 …`), counts only if neither knows it as a number of its own.
- Digits that begin with the country's own calling code, without plus (`6591230000`), are read
  as if the plus were there, unless they are a national number too: then `doubtful_number`, or
  the national number where the other could get no text anyway.
- Letters do not stand for digits (`555-CALL`); a word before the number and an extension after
  it are dropped.

A reason `landline` is for every line that gets no texts: surely landlines, and numbers that no
customer holds in a hand: toll-free, premium rate, shared cost, company-wide (UAN), pagers,
voice mail boxes. What may be a mobile, and numbers of internet and personal lines, pass.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from smsnotify.text.country import country_code
from smsnotify.text.phone_values import LANDLINE, Line, Plan, ReadNumber

__all__ = [
    "ReadNumber",
    "country_code",
    "country_of",
    "read_at_a_glance",
    "read_number",
    "split_numbers",
]

_LONGEST_GLANCE: Final = 40  # characters; `phonenumbers` gives up at 250
_LONGEST_E164: Final = 19  # a plus, a calling code, and the 15 digits some plans reach

_MOST_BEGINNINGS: Final = 16_384  # some 4 MiB; numbers that begin otherwise are read more slowly

# The last four: comma and semicolon in full width and in Arabic.
_BREAK = re.compile(r"[,;\r\n\v\f\x1c-\x1e\x85\u2028\u2029\uff0c\uff1b\u060c\u061b]")

# By the first four characters of E.164, with the length; by them alone, `''` for a shared code.
_lines: dict[tuple[str, int], Line] = {}
_countries_alone: dict[str, str] = {}
# By the first characters, the length, the job's country and ours: what to put before a number in
# place of how many of its characters, and whose it is; () where these characters do not decide.
_Beginning = tuple[str, int, str]
_beginnings: dict[tuple[str, int, str, str], _Beginning | tuple[()]] = {}
_NO_LINE = Line(re.compile("(?!)").fullmatch, ())
_NO_PLAN = Plan("", re.compile("()").match, "")  # a group: always in doubt
_new = tuple.__new__  # half the price of calling the class, in the one place where that counts


def split_numbers(raw: str) -> list[str]:
    """Return the numbers of a field, split at `,` `;` and line ends; trimmed, none empty."""
    if (raw[1:] if raw[:1] == "+" else raw).isdecimal():
        return [raw]
    return [part for found in _BREAK.split(raw) if (part := found.strip())]


def read_number(raw: str, job_country: str, home_country: str) -> ReadNumber:
    """Read one number as a person wrote it; see the head of this module for how.

    `job_country` is the job's field as it came: a code or an English name, anything else is
    ignored. `home_country` is the settings' country, an ISO code or `''`.
    """
    e164, here = raw, ""
    if raw[:1] != "+":
        code, start, here = _plan(job_country, home_country)
        before = start(raw)
        e164 = code + raw[before.end() :] if before and before.lastindex is None else ""
    fullmatch, answers = _lines.get((e164[:4], len(e164))) or _find_line(e164)
    found = fullmatch(e164)
    if found is not None:
        country, reason = answers[found.lastindex or 0]
        # Else it is a neighbour's under the same calling code, who may dial differently.
        if not here or here == country:
            if not reason:
                return _new(ReadNumber, (e164, country, ""))
            if reason == "landline":
                return LANDLINE
    return _look_closer(raw, job_country, home_country)


def read_at_a_glance(raw: str, job_country: str, home_country: str) -> tuple[str, str, str] | None:
    """Read a field that is one number of digits alone, whose first ones decide what it is.

    What it returns is what `split_numbers` and `read_number` come to, as a plain tuple, in a
    third of their time. None says nothing: ask those.
    """
    some, more = (6, 8) if raw[:1] == "+" else (4, 6)
    decided = _beginnings.get((raw[:some], len(raw), job_country, home_country))
    if not decided:
        decided = _beginnings.get((raw[:more], len(raw), job_country, home_country))
        if decided is None:
            decided = _learn_beginning(raw, (some, more), job_country, home_country)
    if decided and raw[1:].isdecimal() and raw.isascii():
        code, drop, country = decided
        return code + raw[drop:], country, ""
    return None


def country_of(e164: str) -> str:
    """Return the country (ISO 3166) of an E.164 number, `''` for a number of no country."""
    country = _countries_alone.get(e164[:4])
    if country:
        return country
    if country is not None:
        fullmatch, answers = _lines.get((e164[:4], len(e164))) or _find_line(e164)
        found = fullmatch(e164)
        if found is not None:
            return answers[found.lastindex or 0][0]
    return _find_country(e164)


def _look_closer(raw: str, job_country: str, home_country: str) -> ReadNumber:
    """Read what is no clean number; one with the usual spaces and brackets loses them first."""
    if len(raw) <= _LONGEST_GLANCE:
        bare = raw.replace(" ", "").replace("-", "").replace("(", "").replace(")", "")
        if bare != raw and (bare.isdecimal() or bare[1:].isdecimal()):
            return read_number(bare, job_country, home_country)
    from smsnotify.text.phone_parse import read_slowly

    return read_slowly(raw, _countries(job_country, home_country))


def _learn_beginning(
    raw: str, lengths: tuple[int, int], job_country: str, home_country: str
) -> _Beginning | tuple[()]:
    """Find out and note what some, or more, first characters of a number decide."""
    decided: _Beginning | tuple[()] = ()
    digits = raw[1:] if raw[:1] == "+" else raw
    if len(_beginnings) >= _MOST_BEGINNINGS or len(raw) > _LONGEST_E164:
        return decided
    if not (digits.isascii() and digits.isdecimal()):
        return decided
    from smsnotify.text.phone_beginnings import country_by_beginning, national_beginning

    countries = _countries(job_country, home_country)
    for length in lengths:
        beginning = raw[:length]
        if raw[:1] == "+":
            country = country_by_beginning(beginning, len(raw))
            decided = ("", 0, country) if country else ()
        elif len(countries) == 1:
            decided = national_beginning(countries[0], beginning, len(raw)) or ()
        if decided:
            break
    _beginnings[beginning, len(raw), job_country, home_country] = decided
    return decided


def _find_line(e164: str) -> Line:
    digits = e164[1:]
    if len(e164) > _LONGEST_E164 or not (digits.isascii() and digits.isdecimal()):
        return _NO_LINE
    from smsnotify.text.phone_patterns import calling_code, line_of

    code = calling_code(digits[:3]) if e164[0] == "+" else ""
    line = line_of(code, len(digits) - len(code)) if code else None
    if line is None:
        return _NO_LINE
    _lines[e164[:4], len(e164)] = line
    return line


def _find_country(e164: str) -> str:
    digits = e164[1:]
    if e164[:1] != "+" or not (digits.isascii() and digits.isdecimal()):
        return ""
    from smsnotify.text.phone_parse import parsed_country
    from smsnotify.text.phone_patterns import calling_code, only_country

    code = calling_code(digits[:3])
    if code:
        _countries_alone[e164[:4]] = only_country(code)
    return parsed_country(e164)


@lru_cache(maxsize=1024)
def _countries(job_country: str, home_country: str) -> tuple[str, ...]:
    """Return the countries whose national numbers are read, the job's first; none doubled."""
    from smsnotify.text.phone_patterns import plan_of

    codes = dict.fromkeys((country_code(job_country), country_code(home_country)))
    return tuple(code for code in codes if code and plan_of(code))


@lru_cache(maxsize=1024)
def _plan(job_country: str, home_country: str) -> Plan:
    """Return how national numbers are read, if there is exactly one country to read them in."""
    from smsnotify.text.phone_patterns import plan_of

    countries = _countries(job_country, home_country)
    return (plan_of(countries[0]) if len(countries) == 1 else None) or _NO_PLAN
