"""Countries as people name them."""

from __future__ import annotations

import phonenumbers
import pytest
from babel import Locale
from babel.core import get_global

from smsnotify.text.phone import country_code

_NO_COUNTRIES = ["CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "UN", "XA", "XB", "ZZ"]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("sg", "SG"),
        ("SG", "SG"),
        ("Sgp", "SG"),
        ("Singapore", "SG"),
        (" singapore ", "SG"),
        ("SINGAPORE", "SG"),
        ("UK", "GB"),
        ("U.K.", "GB"),
        ("Great Britain", "GB"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("The United States of America", "US"),
        ("Viet Nam", "VN"),
        ("Vietnam", "VN"),
        ("South Korea", "KR"),
        ("Korea, Republic of", "KR"),
        ("Hong Kong", "HK"),
        ("UAE", "AE"),
        ("Côte d'Ivoire", "CI"),
        ("Ivory Coast", "CI"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Bosnia & Herzegovina", "BA"),
        ("St Lucia", "LC"),
        ("st", "ST"),
        ("Timor-Leste", "TL"),
        ("the Netherlands", "NL"),
    ],
)
def test_codes_and_names_are_known(written: str, code: str) -> None:
    assert country_code(written) == code


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "XX",
        "Atlantis",
        "Deutschland",
        "65",
        "+65",
        "SG65",
        "SG, MY",
        "Singapore 238801",
        "新加坡 SG",
        "EU",
        "Singapore" * 10_000,
    ],
)
def test_anything_else_is_no_country(written: str) -> None:
    assert country_code(written) == ""


def test_every_english_name_of_the_locale_data_is_known() -> None:
    names = Locale("en").territories
    countries = {code: name for code, name in names.items() if len(code) == 2 and code.isalpha()}
    for code in _NO_COUNTRIES:
        del countries[code]
    assert {code: country_code(name) for code, name in countries.items()} == {
        code: code for code in countries
    }
    assert {code for code in countries if country_code(code.lower()) != code} == set()


def test_every_code_of_three_letters_is_known() -> None:
    aliases = get_global("territory_aliases")
    three = {
        alias: codes[0]
        for alias, codes in aliases.items()
        if len(alias) == 3 and alias.isalpha() and len(codes) == 1
    }
    known = {alias: country_code(alias) for alias in three}
    assert {alias for alias, code in known.items() if code and code != three[alias]} == set()
    assert sum(1 for code in known.values() if code) > 240


def test_every_region_of_the_telephone_world_is_a_country() -> None:
    assert {code for code in phonenumbers.SUPPORTED_REGIONS if country_code(code) != code} == set()
