"""What the first digits of a number decide alone, whatever the others are.

In Singapore every number that begins with 81 to 89 and has eight digits is a mobile. To know that
is to read such a number without looking for a pattern in it, in a third of the time. A beginning
counts as decided only if Google's metadata says the same of every number that goes on from it;
`tests/text/test_phone_beginnings.py` compares with the patterns over numbers of every region.

The metadata's patterns are made of digits, classes, groups, choices and counted repeats. One that
says more than that (it looks ahead, or repeats without end) leaves a beginning undecided.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from phonenumbers.phonemetadata import REGION_CODE_FOR_NON_GEO_ENTITY
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

from smsnotify.text.phone_patterns import (
    TEXTABLE,
    calling_code,
    elsewhere_of,
    kinds_of,
    metadata_of,
)

ANY_DIGIT: Final = (1 << 10) - 1


class Part(NamedTuple):
    """A set of digits (bit n for digit n) or a group, and how often it may stand there."""

    what: int | Choices
    least: int
    most: int


Choices = tuple[tuple[Part, ...], ...]
"""The alternatives of a pattern, each a sequence."""

_SIGN: Final = re.compile(r"\(\?:|[()|]|\\d|\d|\[[^\]]*\]|\{\d+(?:,\d+)?\}|\?")
_IN_CLASS: Final = re.compile(r"\\d|(\d)-(\d)|\d")


class _BeyondUsError(Exception):
    """A pattern says more than digits, classes, groups, choices and counted repeats."""


def country_by_beginning(beginning: str, length: int) -> str:
    """Return the country of every number of `length` characters with this E.164 beginning.

    `''` when that is not decided: by more digits, by a pattern that is beyond us, or because
    some of these numbers get no texts.
    """
    code = calling_code(beginning[1:4])
    known = beginning[1 + len(code) :]
    digits = length - 1 - len(code)
    if not code or digits < len(known):
        return ""
    regions = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    if regions[0] == REGION_CODE_FOR_NON_GEO_ENTITY:
        return ""
    number = _open(known, digits)
    try:
        if _starts_maybe(metadata_of(regions[0]).national_prefix_for_parsing, number):
            return ""
        return _country(regions, number)
    except _BeyondUsError:
        return ""


def national_beginning(country: str, beginning: str, length: int) -> tuple[str, int, str] | None:
    """Return (calling code, digits to drop, country) for numbers dialled within a country.

    None when it is not decided, as above, or may be dialled for abroad.
    """
    metadata = metadata_of(country)
    number = _open(beginning, length)
    drop = 0
    try:
        if any(_starts_maybe(pattern, number) for pattern in elsewhere_of(metadata)):
            return None
        trunk = metadata.national_prefix_for_parsing
        if trunk and _starts_maybe(trunk, number):
            if not (trunk.isdecimal() and beginning.startswith(trunk)):
                return None
            drop = len(trunk)
    except _BeyondUsError:
        return None
    code = f"+{metadata.country_code}"
    found = country_by_beginning(code + beginning[drop:], len(code) + length - drop)
    return (code, drop, country) if found == country else None


def _country(regions: Sequence[str], number: Sequence[int]) -> str:
    """Go through the regions of a calling code as `line_of` does; `''` at the first doubt."""
    for region in regions:
        metadata = metadata_of(region)
        leading = metadata.leading_digits if len(regions) > 1 else None
        if leading:
            if not _starts_maybe(leading, number):
                continue
            if not _reach(_parse(leading), {0}, number, surely=True):
                return ""
        kinds = list(kinds_of(metadata, len(number)))
        general = metadata.general_desc and metadata.general_desc.national_number_pattern
        told = _is(general, number) if kinds and general else bool(kinds)
        if told is None:
            return ""
        for pattern, reason in kinds if told else ():
            is_kind = _is(pattern, number)
            if is_kind is None:
                return ""
            if is_kind:
                return region if reason == TEXTABLE else ""
        if leading:
            return ""  # one of this region, and no number of it
    return ""


def _is(pattern: str, number: Sequence[int]) -> bool | None:
    """Say whether all of these numbers match a pattern (True), none (False), or maybe some."""
    choices = _parse(pattern)
    if len(number) in _reach(choices, {0}, number, surely=True):
        return True
    return None if len(number) in _reach(choices, {0}, number, surely=False) else False


def _starts_maybe(pattern: str | None, number: Sequence[int]) -> bool:
    """Say whether one of these numbers may start with something that matches a pattern."""
    return bool(pattern) and max(_reach(_parse(pattern), {0}, number, surely=False), default=0) > 0


def _open(known: str, digits: int) -> list[int]:
    """Return the digits that stand at each place, where only the first are known."""
    return [1 << int(digit) for digit in known] + [ANY_DIGIT] * (digits - len(known))


def _reach(choices: Choices, starts: set[int], number: Sequence[int], *, surely: bool) -> set[int]:
    """Return the places where a match from `starts` can end.

    With `surely`, along one alternative that takes all digits that may stand there; else along any
    that takes one of them.
    """
    ends: set[int] = set()
    for sequence in choices:
        at = starts
        for part in sequence:
            reached = at if part.least == 0 else set()
            for count in range(1, part.most + 1):
                at = _step(part.what, at, number, surely)
                if count >= part.least:
                    reached = reached | at
                if not at:
                    break
            at = reached
        ends |= at
    return ends


def _step(what: int | Choices, at: set[int], number: Sequence[int], surely: bool) -> set[int]:
    if not isinstance(what, int):
        return _reach(what, at, number, surely=surely)
    inside = [place for place in at if place < len(number)]
    if surely:
        return {place + 1 for place in inside if not number[place] & ~what}
    return {place + 1 for place in inside if number[place] & what}


@cache
def _parse(pattern: str) -> Choices:
    signs = _signs(pattern)
    choices, closing = _choices(signs)
    if closing:
        raise _BeyondUsError
    return choices


def _signs(pattern: str) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        found = _SIGN.match(pattern, at)
        if found is None:
            raise _BeyondUsError
        yield found.group()
        at = found.end()


def _choices(signs: Iterator[str]) -> tuple[Choices, str]:
    """Read alternatives up to a closing bracket or the end; return them and that bracket."""
    choices: list[list[Part]] = [[]]
    for sign in signs:
        if sign == ")":
            return tuple(map(tuple, choices)), sign
        if sign == "|":
            choices.append([])
        elif sign == "(?:":
            group, closing = _choices(signs)
            if not closing:
                raise _BeyondUsError
            choices[-1].append(Part(group, 1, 1))
        elif sign == "(":  # a group whose text is used: the number is written anew
            raise _BeyondUsError
        elif sign == "?" or sign[0] == "{":
            what, least, most = choices[-1].pop()
            if (least, most) != (1, 1):
                raise _BeyondUsError
            choices[-1].append(Part(what, *_times(sign)))
        else:
            choices[-1].append(Part(_digits(sign), 1, 1))
    return tuple(map(tuple, choices)), ""


def _times(sign: str) -> tuple[int, int]:
    if sign == "?":
        return 0, 1
    least, _, most = sign[1:-1].partition(",")
    return int(least), int(most or least)


def _digits(sign: str) -> int:
    if sign == r"\d":
        return ANY_DIGIT
    if sign[0] != "[":
        return 1 << int(sign)
    inside, digits = sign[1:-1], 0
    if _IN_CLASS.sub("", inside):
        raise _BeyondUsError
    for found in _IN_CLASS.finditer(inside):
        if found.group() == r"\d":
            return ANY_DIGIT
        first, last = found.group(1) or found.group(), found.group(2) or found.group()
        for digit in range(int(first), int(last) + 1):
            digits |= 1 << digit
    return digits
