"""Google's numbering plans, compiled: one pattern per calling code and length of number.

`phonenumbers` takes a number apart and then tries the pattern of every type of every region, one
after the other, at 20 to 30 µs a number. Here the same patterns of the same metadata stand in
the same order in one expression, so that one match answers. Whatever such a pattern does not
match is not refused by it: that is for `phonenumbers` itself to say.
`tests/text/test_phone_regions.py` holds both to the same answers over all regions and types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from phonenumbers import PhoneMetadata
from phonenumbers.phonemetadata import REGION_CODE_FOR_NON_GEO_ENTITY, PhoneNumberDesc
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

from smsnotify.text.phone_values import Line, Plan

TEXTABLE = ""
LANDLINE = "landline"
NOT_A_NUMBER = "not_a_number"

_SERVICES_FIRST = ("premium_rate", "toll_free", "shared_cost")
_PEOPLE = ("voip", "personal_number")
_SERVICES_LAST = ("pager", "uan", "voicemail")


@cache
def line_of(code: str, digits: int) -> Line | None:
    """Return the pattern for `+`, calling code and `digits` of national number.

    None: no number of that length there, or a calling code that belongs to no country.
    """
    regions = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    if regions[0] == REGION_CODE_FOR_NON_GEO_ENTITY:
        return None
    branches: list[str] = []
    answers: list[tuple[str, str]] = []
    for region in regions:
        metadata = metadata_of(region)
        kinds = list(kinds_of(metadata, digits))
        if kinds:
            either = "|".join(f"(?:{pattern})()" for pattern, _ in kinds)
            branches.append(f"{_condition(metadata, len(regions) > 1)}(?:{either})")
            answers.extend((region, reason) for _, reason in kinds)
        # Where regions share a calling code, leading digits decide alone, valid or not.
        if len(regions) > 1 and metadata.leading_digits:
            branches.append(rf"(?={metadata.leading_digits})\d*()")
            answers.append((region, NOT_A_NUMBER))
    if not branches:
        return None
    guard, groups = _no_prefix(code, metadata_of(regions[0]))
    compiled = re.compile(rf"\+{code}{guard}(?:{'|'.join(branches)})", re.ASCII)
    return Line(compiled.fullmatch, (("", ""),) * (groups + 1) + tuple(answers))


@cache
def plan_of(country: str) -> Plan | None:
    """Return how national numbers of a country (ISO code) are read; None: it has none."""
    metadata = PhoneMetadata.metadata_for_region(country, None)
    if metadata is None:
        return None
    code = str(metadata.country_code)
    trunk = metadata.national_prefix_for_parsing or ""
    elsewhere = "|".join(elsewhere_of(metadata))
    start = re.compile(f"({elsewhere})|(?:{trunk})|", re.ASCII)
    return Plan("+" + code, start.match, country)


def elsewhere_of(metadata: PhoneMetadata) -> list[str]:
    """Return the patterns that a number may begin with that is dialled for another country."""
    elsewhere = ["00", metadata.international_prefix or "00"]
    code = str(metadata.country_code)
    if code != metadata.national_prefix_for_parsing:  # in North America both are 1, and mean one
        elsewhere.append(code)
    return elsewhere


@cache
def calling_code(digits: str) -> str:
    """Return the calling code that the first digits of an international number (1 to 3) are."""
    for length in (1, 2, 3):
        code = digits[:length]
        if code.isdecimal() and code[0] != "0" and int(code) in COUNTRY_CODE_TO_REGION_CODE:
            return code
    return ""


def only_country(code: str) -> str:
    """Return the country that has a calling code to itself, `''` where several share it."""
    regions = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    alone = len(regions) == 1 and regions[0] != REGION_CODE_FOR_NON_GEO_ENTITY
    return regions[0] if alone else ""


def metadata_of(region: str) -> PhoneMetadata:
    """Return what Google knows of a region that has numbers."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    assert metadata is not None, region
    return metadata


def kinds_of(metadata: PhoneMetadata, digits: int) -> Iterator[tuple[str, str]]:
    """Give (pattern, reason) in the order in which `phonenumbers` decides on a type.

    A number that fits both the mobile and the landline pattern may be a mobile, so mobile comes
    before landline.
    """

    def fitting(*names: str) -> Iterator[str]:
        for name in names:
            kind: PhoneNumberDesc | None = getattr(metadata, name)
            if kind is None or not kind.national_number_pattern:
                continue
            if not kind.possible_length or digits in kind.possible_length:
                yield kind.national_number_pattern

    if not any(fitting("general_desc")):
        return
    for pattern in fitting(*_SERVICES_FIRST):
        yield pattern, LANDLINE
    for pattern in fitting(*_PEOPLE):
        yield pattern, TEXTABLE
    for pattern in fitting(*_SERVICES_LAST):
        yield pattern, LANDLINE
    if metadata.same_mobile_and_fixed_line_pattern:
        for pattern in fitting("fixed_line"):
            yield pattern, TEXTABLE
        return
    for pattern in fitting("mobile"):
        yield pattern, TEXTABLE
    for pattern in fitting("fixed_line"):
        yield pattern, LANDLINE


def _condition(metadata: PhoneMetadata, shared: bool) -> str:
    """Return a guard for a region: its leading digits, and its general pattern to the end."""
    guard = f"(?={metadata.leading_digits})" if shared and metadata.leading_digits else ""
    general = metadata.general_desc
    return guard if general is None else rf"{guard}(?=(?:{general.national_number_pattern})\Z)"


def _no_prefix(code: str, metadata: PhoneMetadata) -> tuple[str, int]:
    """Return a guard against numbers that `phonenumbers` would take a trunk prefix from.

    `+44 (0)7400 …` is one. The second value is how many groups the guard has. A prefix pattern
    may match nothing at all (Argentina's): looking back for `+54` asks whether it took anything.
    """
    prefix = metadata.national_prefix_for_parsing
    if not prefix:
        return "", 0
    return rf"(?!(?:{prefix})(?<!\+{code}))", re.compile(prefix).groups
