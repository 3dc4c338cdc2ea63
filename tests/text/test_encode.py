import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.model.size import Encoding
from smsnotify.text.encode import LOOKALIKES, fit
from smsnotify.text.gsm7 import is_gsm7
from smsnotify.text.size import measure


def test_auto_swaps_typed_in_punctuation_and_says_so() -> None:
    fitted = fit("Hi “you” – it’s here…", "auto")  # noqa: RUF001
    assert fitted.text == 'Hi "you" - it\'s here...'
    assert fitted.size == measure(fitted.text)
    assert fitted.swapped == (("“", '"'), ("”", '"'), ("–", "-"), ("’", "'"), ("…", "..."))  # noqa: RUF001


@pytest.mark.parametrize("space", "\t\u00a0\u2002\u2009\u200a\u202f\u3000")
def test_auto_swaps_every_kind_of_space(space: str) -> None:
    assert fit(f"10{space}am", "auto").text == "10 am"


@pytest.mark.parametrize("mark", "\u200b\u200d\u2060\ufeff\u00ad\u200e\u2068")
def test_auto_drops_what_nobody_sees(mark: str) -> None:
    fitted = fit(f"D{mark}O-77", "auto")
    assert fitted.text == "DO-77"
    assert fitted.swapped == ((mark, ""),)


def test_auto_keeps_a_text_that_would_stay_ucs2_exactly_as_it_was() -> None:
    for text in ("“Zoë”", "Łukasz’s parcel…", "‘你好’", "it’s here 😀"):  # noqa: RUF001
        fitted = fit(text, "auto")
        assert fitted.text == text
        assert fitted.size.encoding is Encoding.UCS2
        assert fitted.swapped == ()


def test_auto_makes_no_swap_that_costs_a_segment() -> None:
    text = "…" * 70
    assert fit(text, "auto").text == text
    assert fit(text, "auto").size.segments == 1


def test_auto_leaves_gsm7_letters_and_signs_alone() -> None:
    assert fit("Zoé owes £5 [€6]", "auto").text == "Zoé owes £5 [€6]"
    assert fit("Zoé’s order, £5", "auto").text == "Zoé's order, £5"  # noqa: RUF001


def test_auto_changes_no_letter_digit_or_currency() -> None:
    kept = ("L", "N", "Sc")
    assert not [char for char in LOOKALIKES if unicodedata.category(char).startswith(kept)]


def test_every_look_alike_is_outside_gsm7_and_its_stand_in_is_inside() -> None:
    for char, stand_in in LOOKALIKES.items():
        assert not is_gsm7(char)
        assert is_gsm7(stand_in)


def test_gsm7_transliterates_what_the_alphabet_lacks_and_keeps_the_rest() -> None:
    fitted = fit("Łukasz Müller, Zoë, Привет, é £5", "gsm7")
    assert fitted.text == "Lukasz Müller, Zoe, Privet, é £5"
    assert fitted.size.encoding is Encoding.GSM7
    assert fitted.swapped[:2] == (("Ł", "L"), ("ë", "e"))


def test_gsm7_writes_a_question_mark_for_what_nothing_stands_for() -> None:
    assert fit("a\ue000b\x00c", "gsm7").text == "a?b?c"


def test_gsm7_joins_a_letter_and_its_accent_before_it_looks() -> None:
    assert fit("Rene\u0301", "gsm7").text == "René"


def test_gsm7_drops_marks_that_only_shape_other_characters() -> None:
    assert fit("👩\u200d\ufe0f", "gsm7").text == ":woman:"


def test_ucs2_changes_nothing_and_is_measured_as_ucs2() -> None:
    fitted = fit("a" * 71 + "…", "ucs2")
    assert fitted.text == "a" * 71 + "…"
    assert (fitted.size.encoding, fitted.size.segments) == (Encoding.UCS2, 2)
    assert fit("plain", "ucs2").size.encoding is Encoding.UCS2


def test_another_encoding_is_refused() -> None:
    with pytest.raises(ValueError, match="'utf8' is no encoding; write auto, gsm7 or ucs2"):
        fit("x", "utf8")


def test_no_table_is_loaded_for_texts_that_need_none() -> None:
    code = (
        "import sys; from smsnotify.text.encode import fit; fit('plain', 'gsm7');"
        "fit('it\\u2019s', 'auto'); sys.exit('anyascii' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


_MIXED = st.text(st.sampled_from("ab é€’“…\u00a0\u200bçŁж你😀"), max_size=200)  # noqa: RUF001


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(), _MIXED))
def test_auto_costs_no_more_than_the_text_as_it_was(text: str) -> None:
    fitted, before = fit(text, "auto"), measure(text)
    assert fitted.size == measure(fitted.text)
    assert fitted.size.segments <= before.segments
    assert (fitted.text == text) == (not fitted.swapped)
    assert fit(fitted.text, "auto").text == fitted.text


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(), _MIXED))
def test_gsm7_always_gives_gsm7(text: str) -> None:
    fitted = fit(text, "gsm7")
    assert is_gsm7(fitted.text)
    assert fitted.size == measure(fitted.text)
