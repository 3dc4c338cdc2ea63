"""`segments`: counting texts, one or a hundred thousand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def test_the_json_shape_is_exact(cli: Any) -> None:
    assert cli("segments", "--json", "Hi “J”").json == [
        {
            "encoding": "UCS2",
            "segments": 1,
            "units": 6,
            "forcing": [{"char": "“", "index": 3}, {"char": "”", "index": 5}],
        }
    ]


def test_people_see_units_left_and_what_forces_ucs_2(cli: Any) -> None:
    done = cli("segments", "Hi “J”")
    assert done.code == 0
    assert "64 left" in done.out
    assert "U+201C" in done.out
    assert "left double quotation mark" in done.out


def test_a_gsm_text_names_no_characters(cli: Any) -> None:
    assert "force" not in cli("segments", "plain €").out


def test_stdin_is_one_text(cli: Any) -> None:
    assert cli("segments", stdin="two\nlines\n").out == cli("segments", "two\nlines").out


def test_every_line_of_json_gets_one_answer(cli: Any) -> None:
    done = cli("segments", "--json", "-", stdin='\ufeff"a"\r\n\n"€"\n')
    assert [one["units"] for one in done.json] == [1, 2]
    assert done.code == 0


@pytest.mark.parametrize("line", ["5", "{", "null", '["a"]', b'"\xff"'])
def test_a_line_that_is_no_json_string_is_told_and_the_rest_goes_on(
    cli: Any, line: str | bytes
) -> None:
    raw = line if isinstance(line, bytes) else line.encode()
    done = cli("segments", "--json", "-", stdin=b'"a"\n' + raw + b'\n"b"\n')
    assert done.code == 1
    assert done.json[1] == {
        "type": "rejected",
        "source": "-",
        "line": 2,
        "reason": "not_a_json_string",
    }
    assert done.json[2]["units"] == 1


def test_half_a_surrogate_pair_is_counted_and_written_as_an_escape(cli: Any) -> None:
    done = cli("segments", "--json", "-", stdin='"a\\ud83d"\n')
    assert done.json[0]["forcing"] == [{"char": "\ud83d", "index": 1}]


def test_a_stdin_that_is_no_text_is_told_plainly(cli: Any) -> None:
    done = cli("segments", stdin=b"a\xff")
    assert (done.code, done.err) == (2, "error: stdin is not UTF-8 text (byte 1)\n")


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.text(), max_size=5))
def test_one_line_out_for_every_text_in(cli: Any, texts: list[str]) -> None:
    done = cli("segments", "--json", "-", stdin="\n".join(map(json.dumps, texts)))
    assert len(done.json) == len(texts)
