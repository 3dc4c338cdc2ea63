"""CSV with Detrack's field names as headings."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from smsnotify.base.errors import EventError, InputError
from smsnotify.events.decode import Decoder
from smsnotify.events.read import Chunk, read_chunks


def chunks(text: str | bytes, **options: Any) -> list[Chunk]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(read_chunks("-", stdin=io.BytesIO(data), **options))


def rows(text: str | bytes) -> list[Any]:
    return [json.loads(line) if line else None for chunk in chunks(text) for line in chunk.lines]


def test_row_is_a_job_and_numbers_count_rows() -> None:
    text = "do_number,date,phone_number\nD-1,2026-03-02,91230001\n\nD-2,2026-03-03,+6591230002\n"
    assert chunks(text, size=2)[0].first == 2
    assert rows(text) == [
        {"do_number": "D-1", "date": "2026-03-02", "phone_number": "91230001"},
        None,
        {"do_number": "D-2", "date": "2026-03-03", "phone_number": "+6591230002"},
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_out(delimiter: str) -> None:
    text = "do_number,status\nD-1,failed\n".replace(",", delimiter)
    assert rows(text) == [{"do_number": "D-1", "status": "failed"}]


def test_headings_are_known_in_any_case_with_spaces_or_dashes() -> None:
    text = (
        "\ufeffDO Number, Deliver-to collect FROM ,Customer Tier,phone_number,\n"
        "D-1,Mei Tan,gold,9,\n"
    )
    assert rows(text) == [
        {
            "do_number": "D-1",
            "deliver_to_collect_from": "Mei Tan",
            "Customer Tier": "gold",
            "phone_number": "9",
        }
    ]


def test_event_column_makes_events() -> None:
    text = (
        "event,event_id,time,id,do_number\n"
        "Completed,e-1,2026-03-02T14:00:00+08:00,65f,D-1\n"
        ",,2026-03-02T14:00:00+08:00,66f,D-2\n"
    )
    assert rows(text) == [
        {
            "event": "Completed",
            "id": "e-1",
            "time": "2026-03-02T14:00:00+08:00",
            "job": {"id": "65f", "do_number": "D-1"},
        },
        {"time": "2026-03-02T14:00:00+08:00", "id": "66f", "do_number": "D-2"},
    ]
    [chunk] = chunks(text)
    [parsed] = Decoder().decode(chunk.lines[0])
    assert (parsed.event, parsed.id, parsed.job.id) == ("completed", "e-1", "65f")


def test_cells_get_the_type_of_their_field() -> None:
    text = (
        "do_number,attempt,weight,job_price,on_demand,insurance_coverage,milestones,items,postal_code\n"
        '0012,2,1.5,about 5,TRUE,maybe,"[{""status"":""failed""}]",three,049321\n'
    )
    assert rows(text) == [
        {
            "do_number": "0012",
            "attempt": 2,
            "weight": 1.5,
            "job_price": "about 5",
            "on_demand": True,
            "insurance_coverage": "maybe",
            "milestones": [{"status": "failed"}],
            "items": "three",
            "postal_code": "049321",
        }
    ]


def test_quoted_cells_hold_delimiters_quotes_and_line_ends() -> None:
    text = 'do_number,remarks\r\nD-1,"one, ""two""\r\nthree"\r\nD-2,x\r\n'
    assert rows(text) == [
        {"do_number": "D-1", "remarks": 'one, "two"\nthree'},
        {"do_number": "D-2", "remarks": "x"},
    ]


def test_short_row_has_no_value_for_the_rest_and_empty_row_is_blank() -> None:
    assert rows("do_number,status,date\nD-1\n,,\n") == [{"do_number": "D-1"}, None]


def test_row_with_too_many_cells_is_refused_because_its_cells_have_moved() -> None:
    [chunk] = chunks("do_number,address,phone_number\nD-1,1 Main St, #02,91230001\nD-2,x,9,,\n")
    with pytest.raises(EventError):
        Decoder().decode(chunk.lines[0])
    assert Decoder().decode(chunk.lines[1])[0].job.number == "D-2"


def test_version_1_headings_are_read() -> None:
    [chunk] = chunks("do,phone,status\nD-1,9123,Delivered\n")
    [parsed] = Decoder().decode(chunk.lines[0])
    assert (parsed.job.number, parsed.job.status) == ("D-1", "completed")


def test_row_that_is_no_utf8_is_refused_alone() -> None:
    [chunk] = chunks("do_number,assign_to\nD-1,S\xf8ren\nD-2,Mei\n".encode("latin-1"))
    with pytest.raises(EventError) as caught:
        Decoder().decode(chunk.lines[0])
    assert caught.value.reason == "not_utf8"
    assert Decoder().decode(chunk.lines[1])[0].job.assign_to == "Mei"


def test_name_of_the_file_makes_csv_of_one_column(tmp_path: Path) -> None:
    path = tmp_path / "jobs.CSV.gz"
    path.write_bytes(gzip.compress(b"do_number\nD-1\n"))
    assert [chunk.lines for chunk in read_chunks(str(path))] == [[b'{"do_number":"D-1"}']]


def test_json_in_a_file_called_csv_is_json(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_bytes(b'{"do_number":"D-1"}\n{"do_number":"D-2"}\n')
    assert [len(chunk.lines) for chunk in read_chunks(str(path))] == [2]


@pytest.mark.parametrize(
    "text", ["hello, world\nfoo", "json=%7B%7D&key=a", 'a"b,c"\n', "status\nx"]
)
def test_other_text_is_not_taken_for_csv(text: str) -> None:
    assert [line for chunk in chunks(text) for line in chunk.lines] == [
        line.encode() for line in text.split("\n") if line
    ]


def test_headings_without_a_job_field_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("Auftrag;Telefon\n1;2\n")
    with pytest.raises(InputError, match=r"jobs\.csv: no heading") as caught:
        list(read_chunks(str(path)))
    assert "do_number" in caught.value.hint


def test_heading_that_comes_twice_is_refused() -> None:
    with pytest.raises(InputError, match="the heading phone_number comes twice"):
        chunks("do_number,Phone Number,phone-number\nD-1,1,2\n")


def test_quote_that_is_never_closed_is_said_after_the_rows_before_it() -> None:
    text = 'do_number,remarks\nD-1,x\nD-2,"' + ("y" * 99 + "\n") * 12_000
    found: list[bytes] = []
    reading = read_chunks("-", stdin=io.BytesIO(text.encode()))
    with pytest.raises(InputError, match=r"line .*no CSV that can be read"):
        found.extend(line for chunk in reading for line in chunk.lines)
    assert found == [b'{"do_number":"D-1","remarks":"x"}']


def test_broken_header_of_a_csv_is_no_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    before = csv.field_size_limit(10)
    try:
        assert chunks("do_number_do_number,status\n")[0].first == 1
    finally:
        csv.field_size_limit(before)
