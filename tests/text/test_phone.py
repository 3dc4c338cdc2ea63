"""Numbers as clerks, spreadsheets and phone books write them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.text.phone import country_of, read_number, split_numbers

MEI = "+6591230000"


@pytest.mark.parametrize(
    "written",
    [
        "+6591230000",
        "+65 9123 0000",
        "+65-9123-0000",
        "(+65) 9123 0000",
        "  +65 9123 0000\t",
        "++65 9123 0000",
        "006591230000",
        "00 65 9123 0000",
        "(00)65 9123-0000",
        "+00 65 9123 0000",
        "tel:+65-9123-0000",
        "Tel.: +65.9123.0000",
        "Mei Tan +65 9123 0000",
        "+65 9123 0000 ext. 12",
        "\uff0b\uff16\uff15\u3000\uff19\uff11\uff12\uff13\uff10\uff10\uff10\uff10",
        "+\u0666\u0665\u0669\u0661\u0662\u0663\u0660\u0660\u0660\u0660",
        "\u0660\u0660\u0666\u0665\u0669\u0661\u0662\u0663\u0660\u0660\u0660\u0660",
        "+65\u00a09123\u202f0000",
        "\u202a+65 9123 0000\u202c",
        "+65\u20119123\u20110000",
    ],
)
@pytest.mark.parametrize(("job", "home"), [("", ""), ("", "US"), ("Malaysia", "IT")])
def test_the_international_form_needs_no_country(written: str, job: str, home: str) -> None:
    assert read_number(written, job, home) == (MEI, "SG", "")


@pytest.mark.parametrize(
    ("written", "country", "e164"),
    [
        ("91230000", "SG", MEI),
        ("9123 0000", "SG", MEI),
        ("9123-0000", "SG", MEI),
        ("91230000.0", "SG", MEI),
        ("\uff19\uff11\uff12\uff13\uff10\uff10\uff10\uff10", "SG", MEI),
        ("012-345 6789", "MY", "+60123456789"),
        ("12-345 6789", "MY", "+60123456789"),
        ("07400 123456", "GB", "+447400123456"),
        ("(0)7400 123456", "GB", "+447400123456"),
        ("0171 1234567", "DE", "+491711234567"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06.12.34.56.78", "FR", "+33612345678"),
        ("(212) 555-0100", "US", "+12125550100"),
        ("1 (212) 555-0100", "US", "+12125550100"),
        ("8 (912) 345-67-89", "RU", "+79123456789"),
        ("312 345 6789", "IT", "+393123456789"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("222 123 4567", "MX", "+522221234567"),
        ("06 30 123 4567", "HU", "+36301234567"),
    ],
)
def test_a_national_number_is_read_in_the_settings_country(
    written: str, country: str, e164: str
) -> None:
    assert read_number(written, "", country) == (e164, country, "")


@pytest.mark.parametrize("job", ["MY", "my", "MYS", "Malaysia", " MALAYSIA "])
def test_the_jobs_country_reads_what_the_settings_country_cannot(job: str) -> None:
    assert read_number("012-345 6789", job, "SG").e164 == "+60123456789"


def test_the_settings_country_reads_what_the_jobs_country_cannot() -> None:
    assert read_number("9123 0000", "US", "SG").e164 == MEI


@pytest.mark.parametrize("job", ["", "Atlantis", "XX", "n/a", "65", "AQ", "x" * 5000])
def test_a_job_country_that_is_none_is_ignored(job: str) -> None:
    assert read_number("9123 0000", job, "SG").e164 == MEI


def test_a_settings_country_in_lower_case_or_unknown_does_no_harm() -> None:
    assert read_number("9123 0000", "", "sg").e164 == MEI
    assert read_number("9123 0000", "", "??").reason == "not_a_number"


@pytest.mark.parametrize("written", ["91234567", "9123 4567", "61234567"])
def test_a_number_of_both_countries_is_doubtful(written: str) -> None:
    refused = ("", "", "doubtful_number")
    assert read_number(written, "HK", "SG") == refused
    assert read_number(written, "Singapore", "HK") == refused


def test_one_number_under_two_countries_of_one_calling_code_is_no_doubt() -> None:
    assert read_number("613 555 0100", "CA", "US") == ("+16135550100", "CA", "")


def test_a_way_to_dial_abroad_makes_no_doubt_about_a_national_number() -> None:
    # Singapore and the United States could dial 011 and then +63 209 405.
    for home in ("SG", "US"):
        assert read_number("01163209405", "MY", home).e164 == "+601163209405"


@pytest.mark.parametrize(
    ("written", "home"),
    [("0011 65 9123 0000", "AU"), ("011 65 9123 0000", "US"), ("001 65 9123 0000", "SG")],
)
def test_a_number_abroad_may_be_written_as_it_is_dialled(written: str, home: str) -> None:
    assert read_number(written, "", home).e164 == MEI


def test_two_zeros_are_a_plus_wherever_that_makes_a_number() -> None:
    # In Singapore 004 could be dialled for abroad: then this were a number in India.
    assert read_number("0049 1639869247", "", "SG").e164 == "+491639869247"


@pytest.mark.parametrize(
    ("written", "country", "e164"),
    [
        ("6591230000", "SG", MEI),
        ("65 9123 0000", "SG", MEI),
        ("60123456789", "MY", "+60123456789"),
        ("919876543210", "IN", "+919876543210"),
        ("447400123456", "GB", "+447400123456"),
        ("6281234567890", "ID", "+6281234567890"),
        ("12125550100", "US", "+12125550100"),
    ],
)
def test_a_lost_plus_is_found_again_for_the_own_country(
    written: str, country: str, e164: str
) -> None:
    assert read_number(written, "", country) == (e164, country, "")
    assert read_number(written, country, "").e164 == e164
    assert read_number(written, "", "").reason == "not_a_number"


def test_another_countrys_code_without_plus_is_not_guessed() -> None:
    assert read_number("60123456789", "", "SG").reason == "not_a_number"


def test_digits_that_are_a_landline_or_a_mobile_without_its_plus_are_doubtful() -> None:
    # A line in Leer (0491), or +49 170…
    assert read_number("4917088993921", "", "DE").reason == "doubtful_number"


def test_a_mobile_is_no_doubt_because_a_landline_abroad_has_the_same_digits() -> None:
    # A mobile of 390, or +39 085 4129 in Pescara, which could get no text.
    assert read_number("390854129", "", "IT").e164 == "+39390854129"


@pytest.mark.parametrize(
    "written", ["+6561234567", "+65 6123 4567", "+442079460000", "+390669821234", "+4930123456"]
)
def test_a_landline_gets_no_text(written: str) -> None:
    assert read_number(written, "", "SG") == ("", "", "landline")


def test_what_may_be_a_mobile_passes() -> None:
    assert read_number("+12125550100", "", "").reason == ""


@pytest.mark.parametrize(
    "written",
    [
        "+18005550100",  # toll-free
        "1800 123 4567",
        "1900 123 4567",  # premium rate
        "7000 123 4567",  # a company's number
        "+448451234567",  # shared cost
        "+447640123456",  # pager
    ],
)
def test_a_number_that_no_customer_holds_gets_no_text(written: str) -> None:
    assert read_number(written, "", "SG") == ("", "", "landline")


@pytest.mark.parametrize("written", ["+65 3123 4567", "+447012345678", "+5215512345678"])
def test_internet_and_personal_lines_pass_and_old_forms_do_not(written: str) -> None:
    expected = "not_a_number" if written.startswith("+52") else ""
    assert read_number(written, "", "").reason == expected


def test_a_satellite_phone_is_of_no_country() -> None:
    assert read_number("+881612345678", "", "SG") == ("+881612345678", "", "")
    assert country_of("+881612345678") == ""


@pytest.mark.parametrize(
    "written",
    [
        "",
        "+",
        "00",
        "-",
        "n/a",
        "nil",
        "995",
        "12345",
        "9123000",
        "912300000",
        "+65",
        "+659123000",
        "+65912300000",
        "+065 9123 0000",
        "+999 12345678",
        "+65 9123 0000 / 9876 5432",
        "9123 0000 9876 5432",
        "6.591230000E+09",
        "9123-ABCD",
        "9123 CALL!",
        "mei@example.com",
        "9" * 300,
        "+6591230000" + " " * 10 + "1" * 5000,
        "\u2461",
        "\x00",
    ],
)
def test_what_is_no_number_is_refused(written: str) -> None:
    assert read_number(written, "", "SG") == ("", "", "not_a_number")


def test_letters_do_not_stand_for_digits() -> None:
    assert read_number("212-KL5-0100", "", "US").reason == "not_a_number"
    assert read_number("Ring 212-555-CALL!", "", "US").reason == "not_a_number"


@given(st.text(max_size=40), st.text(max_size=12), st.sampled_from(["", "SG", "US", "AR", "XX"]))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_reader(raw: str, job: str, home: str) -> None:
    read = read_number(raw, job, home)
    assert bool(read.reason) != bool(read.e164)
    if read.e164:
        assert read_number(read.e164, "", "") == read
        assert country_of(read.e164) == read.country
    assert all(part == part.strip() != "" for part in split_numbers(raw))
    assert country_of(raw) == "" or raw.startswith("+")


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ("", []),
        (" ", []),
        (",;\r\n", []),
        ("+6591230000", ["+6591230000"]),
        ("9123 0000", ["9123 0000"]),
        (" 91230000 ", ["91230000"]),
        (",91230000", ["91230000"]),
        ("\n+6591230000", ["+6591230000"]),
        ("91230000,91230001", ["91230000", "91230001"]),
        (
            "9123 0000; 9123 0001\r\n9123 0002\n\n9123 0003 ,",
            ["9123 0000", "9123 0001", "9123 0002", "9123 0003"],
        ),
        ("91230000\r91230001\u202891230002", ["91230000", "91230001", "91230002"]),
        ("91230000\uff0c91230001\uff1b91230002", ["91230000", "91230001", "91230002"]),
        ("9123 0000 / 9123 0001", ["9123 0000 / 9123 0001"]),
    ],
)
def test_a_field_is_split_at_commas_semicolons_and_line_ends(raw: str, parts: list[str]) -> None:
    assert split_numbers(raw) == parts


@pytest.mark.parametrize(
    ("e164", "country"),
    [
        ("+6591230000", "SG"),
        ("+12125550100", "US"),
        ("+16135550100", "CA"),
        ("+12425550100", "BS"),
        ("+79123456789", "RU"),
        ("+77011234567", "KZ"),
        ("+447400123456", "GB"),
        ("+447781123456", "GG"),
        ("+390669812345", "VA"),
        ("+4741234567", "NO"),
        ("+590690001234", "GP"),
        ("+80012345678", ""),
        ("+1", ""),
        ("+999123", ""),
        ("+", ""),
        ("", ""),
        ("ACME", ""),
        ("6591230000", ""),
    ],
)
def test_the_country_of_a_number(e164: str, country: str) -> None:
    assert country_of(e164) == country
    assert country_of(e164) == country  # from what the first call remembered


def test_neither_names_nor_splitting_load_the_numbering_plans() -> None:
    program = (
        "import sys; from smsnotify.text.phone import country_code, split_numbers; "
        "country_code('Singapore'); split_numbers('1,2'); sys.exit('phonenumbers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
