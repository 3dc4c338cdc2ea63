"""The patterns and `phonenumbers` give the same answers, in every region and for every type."""

from __future__ import annotations

import random
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberType

from smsnotify.text import phone
from smsnotify.text.phone import country_of, read_number
from smsnotify.text.phone_parse import read_slowly

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
TYPES = [
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
]
TEXTABLE = {
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER,
}
DECORATION = ["", "", "", " ", "-", "(", ")", ".", "/", "\u00a0"]


def examples(region: str) -> Iterator[str]:
    """Give one national number of each type that a region has."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    assert metadata is not None
    for name in TYPES:
        kind = getattr(metadata, name)
        if kind is not None and kind.example_number:
            yield kind.example_number


def variants(national: str, rng: random.Random) -> list[str]:
    """Return two of: a number, a neighbour of it, and what slips of the finger make of it."""
    half, at = len(national) // 2, rng.randrange(len(national))
    made = [
        national,
        national[:half] + "".join(rng.choice("0123456789") for _ in national[half:]),
        national[:at] + rng.choice("0123456789") + national[at + 1 :],
        rng.choice((national[:-1], national + rng.choice("0123456789"))),
    ]
    return rng.sample(made, 2)


def spellings(national: str, region: str) -> Iterator[str]:
    """Give the ways to write a national number."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    assert metadata is not None
    code, trunk = metadata.country_code, metadata.national_prefix or "0"
    yield f"+{code}{national}"
    yield national
    yield trunk + national
    yield f"{code}{national}"
    yield f"00{code}{national}"
    yield f"+{code}{trunk}{national}"
    yield f"+0{code}{national}"


def expected(written: str, country: str | None) -> tuple[str, str, str]:
    """Ask `phonenumbers` about a plain number, in its own steps and without ours."""
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return ("", "", "not_a_number")
    if not phonenumbers.is_valid_number(number):
        return ("", "", "not_a_number")
    if phonenumbers.number_type(number) not in TEXTABLE:
        return ("", "", "landline")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    region = phonenumbers.region_code_for_number(number) or ""
    return (e164, "" if region == "001" else region, "")


@pytest.mark.parametrize("seed", range(4))
def test_patterns_and_phonenumbers_agree_over_all_regions_and_types(seed: int) -> None:
    rng = random.Random(seed)
    different = []
    for region in REGIONS[seed::4]:
        for example in examples(region):
            for national in variants(example, rng):
                for written in spellings(national, region):
                    if read_number(written, "", region) != read_slowly(written, (region,)):
                        different.append((region, written))
    assert different == []


def test_international_numbers_are_what_phonenumbers_says() -> None:
    rng = random.Random(7)
    different = []
    for region in REGIONS:
        code = phonenumbers.country_code_for_region(region)
        for example in examples(region):
            for national in variants(example, rng):
                written = f"+{code}{national}"
                if read_number(written, "", "SG") != expected(written, None):
                    different.append(written)
    assert different == []


def test_mobiles_of_every_region_read_at_home_as_phonenumbers_says() -> None:
    different = []
    for region in REGIONS:
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        if example is None:
            continue
        national = phonenumbers.national_significant_number(example)
        said = expected(national, region)
        if read_number(national, "", region) != said or read_number(national, region, "") != said:
            different.append((region, national))
    assert different == []


def test_numbers_of_no_country_are_what_phonenumbers_says() -> None:
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        example = phonenumbers.example_number_for_non_geo_entity(code)
        assert example is not None
        written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        assert read_number(written, "", "SG") == expected(written, None)
        assert country_of(written) == ""


def test_the_country_of_a_number_is_what_phonenumbers_says() -> None:
    rng = random.Random(11)
    different = []
    for region in REGIONS:
        code = phonenumbers.country_code_for_region(region)
        for example in examples(region):
            for national in variants(example, rng):
                number = phonenumbers.parse(f"+{code}{national}")
                e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                if country_of(e164) != (phonenumbers.region_code_for_number(number) or ""):
                    different.append(e164)
    assert different == []


@st.composite
def written_numbers(draw: st.DrawFn) -> tuple[str, str, str]:
    """A number of some region in some spelling, and two countries to read it in."""
    region = draw(st.sampled_from(REGIONS))
    national = draw(st.sampled_from(sorted(set(examples(region)))))
    keep = draw(st.integers(0, len(national)))
    tail = draw(st.text("0123456789", min_size=len(national) - keep, max_size=len(national)))
    written = draw(st.sampled_from(list(spellings(national[:keep] + tail, region))))
    gaps = draw(st.lists(st.sampled_from(DECORATION), max_size=len(written)))
    decorated = "".join(a + b for a, b in zip(written, gaps, strict=False)) + written[len(gaps) :]
    other = draw(st.sampled_from(["", region, "SG", "US", "CA", "GB", "IT", "AR", *REGIONS]))
    return decorated, other, draw(st.sampled_from([region, region, "", "SG"]))


@given(written_numbers())
@settings(max_examples=250, deadline=None)
def test_however_it_is_written_patterns_and_phonenumbers_agree(case: tuple[str, str, str]) -> None:
    raw, job, home = case
    countries = tuple(dict.fromkeys(country for country in (job, home) if country))
    assert read_number(raw, job, home) == read_slowly(raw, countries)


@pytest.mark.parametrize(
    ("raw", "home"),
    [
        ("+6591230000", ""),
        ("91230000", "SG"),
        ("+65 9123 0000", "SG"),
        ("+6561234567", "SG"),
        ("0123456789", "MY"),
        ("(212) 555-0100", "US"),
        ("1 212 555 0100", "US"),
        ("07400 123456", "GB"),
        ("+16135550100", "SG"),
        ("+447781123456", "SG"),
    ],
)
def test_clean_numbers_never_trouble_phonenumbers(
    raw: str, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_need(raw: str, countries: tuple[str, ...]) -> phone.ReadNumber:
        raise AssertionError(f"{raw} went the slow way")

    monkeypatch.setattr("smsnotify.text.phone_parse.read_slowly", no_need)
    assert read_number(raw, "", home).reason in {"", "landline"}
