"""The values that reading phone numbers passes around; no `phonenumbers` needed for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

Match = Callable[[str], re.Match[str] | None]


class ReadNumber(NamedTuple):
    """A number as E.164 with its country (ISO 3166), or why it is no number to text.

    `reason` is `''`, `not_a_number`, `doubtful_number` or `landline`; with a reason the other
    two are `''`. `country` is `''` too for satellite and other numbers of no country.
    """

    e164: str
    country: str
    reason: str


NOT_A_NUMBER: Final = ReadNumber("", "", "not_a_number")
DOUBTFUL_NUMBER: Final = ReadNumber("", "", "doubtful_number")
LANDLINE: Final = ReadNumber("", "", "landline")


class Line(NamedTuple):
    """The pattern for E.164 numbers of one calling code and length.

    `answers[m.lastindex]` of a match `m` is (country, reason); `''` where a text may arrive.
    """

    fullmatch: Match
    answers: tuple[tuple[str, str], ...]


class Plan(NamedTuple):
    """How national numbers of one country become E.164: `code` (`+65`) before the rest.

    `start` matches what stands before the national number, the trunk prefix or nothing. It
    matches a group where the number may mean something else: a dialling prefix for abroad, the
    country's own calling code, a carrier.
    """

    code: str
    start: Match
    country: str
