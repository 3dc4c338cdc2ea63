"""The rows of the oracle come from Twilio's own segment calculator (checked August 2026)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.model.size import Encoding, TextSize
from smsnotify.text.gsm7 import BASIC, EXTENSION, is_gsm7
from smsnotify.text.size import (
    ALONE,
    JOINED,
    Forcing,
    forcing,
    measure,
    measure_as_ucs2,
    units_left,
)

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("a" * 160, GSM7, 1),
        ("a" * 161, GSM7, 2),
        ("a" * 306, GSM7, 2),
        ("a" * 307, GSM7, 3),
        ("ж" * 70, UCS2, 1),
        ("ж" * 71, UCS2, 2),
        ("ж" * 134, UCS2, 2),
        ("ж" * 135, UCS2, 3),
        ("€" * 80, GSM7, 1),
        ("€" * 81, GSM7, 2),
        ("a" * 152 + "€" + "b" * 10, GSM7, 2),
        ("😀" * 35, UCS2, 1),
        ("😀" * 36, UCS2, 2),
        ("ж" * 66 + "😀" + "ж" * 10, UCS2, 2),
        ("a" * 1600, GSM7, 11),
        ("ж" * 1600, UCS2, 24),
        ("`", UCS2, 1),
        ("\t", UCS2, 1),
        ("ç", UCS2, 1),
        ("Ç", GSM7, 1),
        ("\f", GSM7, 1),
        ("“quoted”", UCS2, 1),
        ("", GSM7, 1),
    ],
)
def test_encoding_and_segments_are_those_of_the_oracle(
    text: str, encoding: Encoding, segments: int
) -> None:
    size = measure(text)
    assert (size.encoding, size.segments) == (encoding, segments)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", TextSize(GSM7, 1, 0)),
        ("a\r\nb", TextSize(GSM7, 1, 4)),
        ("\f", TextSize(GSM7, 1, 2)),
        ("[€]", TextSize(GSM7, 1, 6)),
        ("Zoé [1]", TextSize(GSM7, 1, 9)),
        ("😀", TextSize(UCS2, 1, 2)),
        ("ж" * 71, TextSize(UCS2, 2, 71)),
    ],
)
def test_units_are_septets_or_utf16_units(text: str, size: TextSize) -> None:
    assert measure(text) == size


def test_an_escape_pair_that_would_straddle_two_segments_moves_whole() -> None:
    fits = "a" * 151 + "€" + "b" * 153
    moved = "a" * 152 + "€" + "b" * 152
    assert measure(fits) == TextSize(GSM7, 2, 306)
    assert measure(moved) == TextSize(GSM7, 3, 306)


def test_a_surrogate_pair_that_would_straddle_two_segments_moves_whole() -> None:
    fits = "ж" * 65 + "😀" + "ж" * 67
    moved = "ж" * 66 + "😀" + "ж" * 66
    assert measure(fits) == TextSize(UCS2, 2, 134)
    assert measure(moved) == TextSize(UCS2, 3, 134)


def test_every_lost_unit_is_carried_on() -> None:
    # 76 pairs fill 152 of 153 septets: dividing 306 septets by 153 is one part short.
    assert measure("€" * 152).segments == 2
    assert measure("€" * 153) == TextSize(GSM7, 3, 306)


def test_a_lone_surrogate_counts_as_one_unit() -> None:
    assert measure("\ud83d") == TextSize(UCS2, 1, 1)


def test_a_text_sent_as_ucs2_is_measured_so_whatever_is_in_it() -> None:
    assert measure_as_ucs2("a" * 71) == TextSize(UCS2, 2, 71)
    assert measure_as_ucs2("") == TextSize(UCS2, 1, 0)


def test_forcing_names_every_character_with_its_index_in_code_points() -> None:
    assert forcing("😀 it’s a `é") == [Forcing("😀", 0), Forcing("’", 4), Forcing("`", 9)]  # noqa: RUF001
    assert forcing("Zoé [£5]\r\n") == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", 160),
        ("a" * 160, 0),
        ("a" * 161, 145),
        ("a" * 306, 0),
        ("ж", 69),
        ("ж" * 71, 63),
        ("a" * 152 + "€" + "b" * 10, 141),
        ("ж" * 66 + "😀" + "ж" * 10, 55),
    ],
)
def test_units_left_are_those_of_the_last_segment(text: str, left: int) -> None:
    assert units_left(measure(text), text) == left


def test_units_left_of_a_size_alone_counts_no_unit_that_a_moved_pair_left_unused() -> None:
    assert units_left(measure("a" * 161)) == 145
    assert units_left(TextSize(UCS2, 1, 60)) == 10


def _by_hand(text: str) -> tuple[Encoding, int, int]:
    """Put one character after the other into segments, the slow and obvious way."""
    if is_gsm7(text):
        encoding, costs = GSM7, [2 if char in EXTENSION else 1 for char in text]
    else:
        encoding, costs = UCS2, [2 if ord(char) > 0xFFFF else 1 for char in text]
    if sum(costs) <= ALONE[encoding]:
        return encoding, 1, ALONE[encoding] - sum(costs)
    segments, free = 1, JOINED[encoding]
    for cost in costs:
        if cost > free:
            segments, free = segments + 1, JOINED[encoding]
        free -= cost
    return encoding, segments, free


_GSM = st.text(st.sampled_from(sorted(BASIC | EXTENSION)), max_size=700)
_DENSE = st.text(st.sampled_from("ab€[]"), min_size=150, max_size=700)
_ANY = st.text(st.sampled_from("aé€жç你😀🚚"), max_size=400)


@settings(max_examples=150, deadline=None)
@given(st.one_of(_GSM, _DENSE, _ANY, st.text()))
def test_counting_agrees_with_filling_segments_one_character_at_a_time(text: str) -> None:
    size = measure(text)
    encoding, segments, free = _by_hand(text)
    assert (size.encoding, size.segments) == (encoding, segments)
    assert units_left(size, text) == free
    assert bool(forcing(text)) == (encoding is UCS2)
