from types import SimpleNamespace
from typing import Any

import pytest

from smsnotify.base.errors import MissingValueError, TemplateError
from smsnotify.text.gsm7 import is_gsm7
from smsnotify.text.template import compile_template
from smsnotify.text.template_dates import DEFAULT_PATTERNS, check_pattern, format_written
from smsnotify.text.template_filters import FILTERS, LONGEST


def apply(filtered: str, value: Any) -> str:
    made = compile_template(f"{{{{ value | {filtered} }}}}", fields=["value"])
    return made.render(SimpleNamespace(value=value))


@pytest.mark.parametrize(
    ("filtered", "value", "printed"),
    [
        ("upper", "Mei Straße", "MEI STRASSE"),
        ("lower", "MEI", "mei"),
        ("title", "o'neil mei-ling ÁLVARO", "O'neil Mei-Ling Álvaro"),
        ("capitalize", "mei TAN", "Mei tan"),
        ("trim", "  Mei \n", "Mei"),
        ("truncate(12)", "a short text", "a short text"),
        ("truncate(12)", "a rather long text", "a rather..."),
        ("truncate(10, true)", "a rather long text", "a rathe..."),
        ("truncate(8, end='')", "a rather long text", "a rather"),
        ("truncate(5)", "unbroken", "un..."),
        ("truncate(2)", "unbroken", ".."),
        ("round", 2.5, "3"),
        ("round", "12.5", "13"),
        ("round(1)", 0.25, "0.3"),
        ("round(2)", "7.00", "7"),
        ("round", -2.5, "-3"),
        ("round", "a few", "a few"),
        ("round", "1e30", "1e30"),
        ("int", 2.9, "2"),
        ("int", "-2.9 ", "-2"),
        ("int", "a few", "a few"),
        ("int", True, "yes"),
        ("replace('S1', 'X')", "S1 and S1", "X and X"),
        ("replace('', 'X')", "S1", "S1"),
        ("replace('1', '')", 121, "2"),
        ("join", ["a", "b", 3], "a, b, 3"),
        ("join(' / ')", ["a", None, "b"], "a / b"),
        ("join(' / ')", "one text", "one text"),
        ("first", "Mei", "M"),
        ("last", "Mei", "i"),
        ("first", ["a", "b"], "a"),
        ("last", ["a", "b"], "b"),
        ("length", "Mei", "3"),
        ("length", ["a", "b"], "2"),
        ("length", 1234, "4"),
        ("default('x')", 0, "0"),
        ("default('x')", False, "no"),
        ("default('x', true)", 0, "x"),
        ("d('x', boolean=true)", False, "x"),
        ("default(5)", None, "5"),
        ("upper | lower | capitalize", "mEI", "Mei"),
    ],
)
def test_filters_do_what_they_say(filtered: str, value: object, printed: str) -> None:
    assert apply(filtered, value) == printed


@pytest.mark.parametrize("name", sorted(set(FILTERS) - {"default", "d"}))
def test_a_missing_value_passes_every_filter_until_default_stands_in(name: str) -> None:
    given = {"truncate": "(5)", "replace": "('a', 'b')", "money": "('SGD')"}
    brackets = given.get(name, "")
    with pytest.raises(MissingValueError) as caught:
        apply(f"{name}{brackets}", " ")
    assert caught.value.field == "value"
    assert apply(f"{name}{brackets} | default('?')", None) == "?"


@pytest.mark.parametrize(
    ("language", "filtered", "value", "printed"),
    [
        ("en", "money('SGD')", "1234.5", "SGD 1,234.50"),
        ("en-SG", "money('SGD')", 1234.5, "$1,234.50"),
        ("de", "money('EUR')", 12, "12,00 €"),
        ("fr", "money('EUR')", "1234567.891", "1 234 567,89 €"),
        ("en", "money('JPY')", 1234.5, "¥1,234"),
        ("en", "money('SGD')", "on account", "on account"),
        ("en", "money('SGD')", "1e40", "1e40"),
        ("de", "number", 1234.5, "1.234,5"),
        ("en", "number", "1234.5", "1,234.5"),
        ("en", "number", True, "yes"),
        ("de", "date", "2026-03-02", "Mo., 2. März"),
        ("de", "date('d. MMMM')", "2026-03-02", "2. März"),
        ("de", "time", "2:30 PM", "14:30"),
        ("ms", "date | upper", "2026-03-02", "ISN, 2 MAC"),
    ],
)
def test_days_and_amounts_in_a_language(
    language: str, filtered: str, value: object, printed: str
) -> None:
    source = f"{{{{ value | {filtered} }}}}"
    made = compile_template(source, fields=["value"], language=language)
    assert made.render(SimpleNamespace(value=value)) == printed
    assert made.speaks
    assert not is_gsm7("\u00a0")
    assert is_gsm7(printed)


@pytest.mark.parametrize("currency", ["XYZ", "sgd", "$", "SGDX"])
def test_a_currency_has_three_letters(currency: str) -> None:
    with pytest.raises(TemplateError, match="is no currency"):
        compile_template(f"{{{{ value | money('{currency}') }}}}", fields=["value"])


def test_every_filter_says_what_it_does() -> None:
    assert all(spec.does for spec in FILTERS.values())


def test_replace_cannot_blow_a_value_up() -> None:
    growing = " | ".join(["replace('a', 'aaaaaaaaaa')"] * 15)
    assert len(apply(growing, "a")) <= LONGEST


def test_a_list_can_be_counted_and_joined_by_one_field() -> None:
    made = compile_template(
        "{{ items | length }}: {{ items | join(' + ', attribute='sku') }}",
        fields=(),
        lists={"items": ["sku"]},
    )
    assert made.loops == {"items"}
    assert made.render(SimpleNamespace(items=[{"sku": "A"}, {"sku": 2}])) == "2: A + 2"
    with pytest.raises(MissingValueError) as caught:
        made.render(SimpleNamespace(items=[{"sku": "A"}, {}]))
    assert caught.value.field == "items.sku"
    with pytest.raises(MissingValueError) as caught:
        made.render(SimpleNamespace(items=None))
    assert caught.value.field == "items"
    with pytest.raises(MissingValueError) as caught:
        made.render(SimpleNamespace(items=[]))
    assert caught.value.field == "items.sku"


@pytest.mark.parametrize(
    ("written", "pattern", "printed"),
    [
        ("2026-03-02", "EEE d MMM", "Mon 2 Mar"),
        ("2026-03-02", "EEEE, dd.MM.yy", "Monday, 02.03.26"),
        (" 2026-03-02 ", "d 'of' MMMM y", "2 of March 2026"),
        ("2026-03-02T23:59:10.120+08:00", "d MMM", "2 Mar"),
        ("2026-03-02T23:59:10Z", "d MMM", "2 Mar"),
        ("2026-03-02 07:00", "d MMM", "2 Mar"),
        ("2026-02-30", "d MMM", "2026-02-30"),
        ("2026-03-02T99:00", "d MMM", "2026-03-02T99:00"),
        ("02/03/2026", "d MMM", "02/03/2026"),
        ("next Monday", "d MMM", "next Monday"),
        ("20260302", "d MMM", "20260302"),
        ("2026-03-02", "d MMM, 100%", "2 Mar, 100%"),
    ],
)
def test_the_date_filter_reads_days_and_instants_and_leaves_the_rest(
    written: str, pattern: str, printed: str
) -> None:
    assert format_written("date", written, pattern) == printed


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("14:30", "2:30 PM"),
        ("9:05", "9:05 AM"),
        ("14:30:59", "2:30 PM"),
        ("02:30 PM", "2:30 PM"),
        ("2:30pm", "2:30 PM"),
        ("12:15 a.m.", "12:15 AM"),
        ("12:15 PM", "12:15 PM"),
        ("2026-03-02T14:41:00.000+08:00", "2:41 PM"),
        ("2026-03-02T14:41:00Z", "2:41 PM"),
        ("14:30 PM", "14:30 PM"),
        ("25:00", "25:00"),
        ("0900 - 1100 hrs", "0900 - 1100 hrs"),
        ("2026-03-02", "2026-03-02"),
        ("soon", "soon"),
    ],
)
def test_the_time_filter_reads_clocks_and_instants_and_leaves_the_rest(
    written: str, printed: str
) -> None:
    assert format_written("time", written, "h:mm a") == printed


def test_date_and_time_have_a_usual_pattern() -> None:
    assert apply("date", "2026-03-02") == "Mon 2 Mar"
    assert apply("time", "14:30") == "2:30 PM"
    assert apply("date", 5) == "5"


def test_every_pattern_that_passes_the_check_can_be_printed_in_gsm7() -> None:
    letters = {"date": "EdMLy", "time": "hHKkmsa"}
    written = {"date": "2026-09-02", "time": "00:09"}
    printed = 0
    for kind, known in letters.items():
        assert check_pattern(kind, DEFAULT_PATTERNS[kind]) == ""
        for letter in known:
            for length in range(1, 8):
                if not check_pattern(kind, letter * length):
                    text = format_written(kind, written[kind], letter * length)
                    assert text != written[kind]
                    assert is_gsm7(text)
                    printed += 1
    assert printed == 34
