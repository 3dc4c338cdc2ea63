"""Files of every kind to chunks of lines."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import EventError, InputError
from smsnotify.events.blocks import standard_input
from smsnotify.events.decode import MAX_LINE, Decoder
from smsnotify.events.entries import LineSplitter, ValueSplitter
from smsnotify.events.kinds import Kind, kind_of
from smsnotify.events.read import Chunk, read_chunks


def chunks(data: bytes, **options: Any) -> list[Chunk]:
    return list(read_chunks("-", stdin=io.BytesIO(data), **options))


def lines(data: bytes, **options: Any) -> list[bytes]:
    return [line for chunk in chunks(data, **options) for line in chunk.lines]


def test_lines_come_in_numbered_chunks() -> None:
    assert chunks(b"a\nb\n\nd\ne\n", size=2) == [
        Chunk(1, [b"a", b"b"]),
        Chunk(3, [b"", b"d"]),
        Chunk(5, [b"e"]),
    ]


@pytest.mark.parametrize(
    "data",
    [b"{}\n[5]\n", b"{}\n[5]", b"{}\r\n[5]\r\n", b"\xef\xbb\xbf{}\n[5]\n"],
    ids=["plain", "no last line end", "CRLF", "BOM"],
)
def test_line_ends_and_bom_are_no_matter(data: bytes) -> None:
    assert lines(data) == [b"{}", b"[5]"]


def test_utf16_as_powershell_writes_it_is_read() -> None:
    text = '{"do_number":"é"}\r\n{"do_number":"美"}\r\n'
    expected = ['{"do_number":"é"}'.encode(), '{"do_number":"美"}'.encode()]
    assert lines(text.encode("utf-16")) == expected
    assert lines(b"\xfe\xff" + text.encode("utf-16-be")) == expected


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_empty_source_gives_no_chunk(data: bytes) -> None:
    assert chunks(data) == []


def test_blank_lines_stay_in_so_that_numbers_are_right() -> None:
    assert chunks(b"\n\n{}\n\n") == [Chunk(1, [b"", b"", b"{}", b""])]
    assert chunks(b" \n\n") == [Chunk(1, [b" ", b""])]


def test_endless_blanks_are_no_reason_to_wait() -> None:
    assert all(not line.strip() for line in lines((b" " * 99 + b"\n") * (60 << 10)))


@pytest.mark.parametrize(
    "data",
    [
        b'[{"a":1},{"b":[2]}]',
        b'[\n  {"a":1},\n  {"b":[2]}\n]\n',
        b'[\n  {\n    "a":1\n  },\n  {"b":[2]}\n]\n',
        b'[{"a":1},\n{"b":[2]}\n]',
        b'[{"a":1}\n,{"b":[2]}]',
        b'[{"a":1},{"b":[2]}]   \n\n\n',
        b'[\r\n{"a":1},\r\n{"b":[2]},\r\n]',
    ],
)
def test_array_is_one_line_for_every_entry(data: bytes) -> None:
    assert [json.loads(line) for line in lines(data)] == [{"a": 1}, {"b": [2]}]
    assert chunks(data)[0].first == 1


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"b":["}"]}',
        b'{\n  "a": 1,\n  "b": [\n    "}"\n  ]\n}\n',
        b'{ "a": 1,\n  "b": ["}"] }',
        b'{ "a": 1\n, "b": ["}"] }',
        b'{"a":1,"b":[\n"}"]}',
        b'{"a":\n1,"b":["}"]}',
    ],
)
def test_object_may_be_laid_out_over_lines(data: bytes) -> None:
    [line] = lines(data)
    assert b"\n" not in line
    assert json.loads(line) == {"a": 1, "b": ["}"]}


def test_values_laid_out_over_lines_may_follow_one_another() -> None:
    data = b'{\n "a": 1\n}\n{\n "a": [\n2]\n}\nnonsense\n[\n{"a":3}, [4], 5]\n'
    assert lines(data) == [b'{  "a": 1 }', b'{  "a": [ 2] }', b"nonsense", b'{"a":3}', b"[4]", b"5"]


@pytest.mark.parametrize(
    "first",
    [b'{"event":"failed","job":{', b'{"event":"failed",', b'{"a', b"[5", b"[5]", b"nonsense", b"5"],
)
def test_broken_first_line_costs_only_itself(first: bytes) -> None:
    good = b'{"event":"failed","job":{"do_number":"D"}}'
    assert lines(first + b"\n" + good + b"\n" + good) == [first, good, good]


def test_stray_brackets_between_values_cost_nothing_else() -> None:
    assert lines(b'{\n"a":1}\n}]\n{"b":2}') == [b'{ "a":1}', b"}]", b'{"b":2}']


def test_broken_entry_of_an_array_costs_only_itself() -> None:
    assert lines(b'[{"a":1}, {broken}, , "te\\"xt,]", {"b":2}]') == [
        b'{"a":1}',
        b"{broken}",
        b'"te\\"xt,]"',
        b'{"b":2}',
    ]


@pytest.mark.parametrize("data", [b"[", b"{", b"{,", b"[1,", b'{"a":', b'{"a":"\\', b"]", b'"'])
def test_json_that_stops_gives_what_there_is(data: bytes) -> None:
    assert len(lines(data)) <= 1
    assert len(lines(data + b"\n")) <= 1


def test_line_over_one_mebibyte_is_cut_and_then_refused() -> None:
    good = b'{"do_number":"D"}'
    long = b'{"do_number":"' + b"x" * (3 * MAX_LINE) + b'"}'
    for data in (good + b"\n" + long + b"\n" + good, long + b"\n" + good, good + b"\n" + long):
        found = lines(data)
        assert len(found) == data.count(b"\n") + 1
        assert {len(line) for line in found} == {len(good), MAX_LINE + 1}


@pytest.mark.parametrize("inner", [b"x" * (3 * MAX_LINE), b'x\\"' * MAX_LINE])
def test_long_entry_of_an_array_is_cut(inner: bytes) -> None:
    good = b'{"do_number":"D"}'
    found = lines(b"[" + good + b',{"a":"' + inner + b'"},' + good + b"]")
    assert [len(line) for line in found] == [len(good), MAX_LINE + 1, len(good)]
    found = lines(b'[{"a":"' + inner + b'"},' + good + b"]")
    assert [len(line) for line in found] == [MAX_LINE + 1, len(good)]


def test_memory_does_not_grow_with_a_line_that_never_ends(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes(b'{"a":"' + b"x" * (40 << 20))
    tracemalloc.start()
    found = [len(line) for chunk in read_chunks(str(path)) for line in chunk.lines]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [MAX_LINE + 1]
    assert peak < 12 << 20


def test_chunk_of_long_lines_has_fewer_of_them() -> None:
    data = (b"x" * (1 << 20) + b"\n") * 20
    sizes = [len(chunk.lines) for chunk in chunks(data)]
    assert sum(sizes) == 20
    assert max(sizes) < 20


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz", "events.jsonl.zst", "e"])
def test_packed_files_are_known_by_their_bytes(pack: Any, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    first, second = b'{"a":1}\n' * 9, b"\n".join(b'{"n":%d}' % n for n in range(60000))
    path.write_bytes(pack(first) + pack(second))
    found = [line for chunk in read_chunks(str(path)) for line in chunk.lines]
    assert len(found) == 60009
    assert found[-1] == b'{"n":59999}'


def test_gzip_may_be_padded_with_zeros() -> None:
    assert lines(gzip.compress(b"{}\n", mtime=0) + b"\0" * 2000) == [b"{}"]


def test_well_packed_file_unfolds_bit_by_bit() -> None:
    packed = gzip.compress((b"x" * 1023 + b"\n") * (30 << 10))
    tracemalloc.start()
    count = sum(len(chunk.lines) for chunk in read_chunks("-", stdin=io.BytesIO(packed)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 30 << 10
    assert peak < 12 << 20


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (gzip.compress(b"{}\n" * 900, mtime=0)[:-6], "gzip"),
        (gzip.compress(b"{}\n" * 900, mtime=0)[:-6] + b"\0" * 6, "gzip"),
        (gzip.compress(b"{}\n" * 900, mtime=0) + b"garbage", "gzip"),
        (zstandard.ZstdCompressor().compress(os.urandom(99).hex().encode() + b"\n")[:-9], "zstd"),
        (zstandard.ZstdCompressor().compress(b"{}\n" * 900) + b"garbage", "zstd"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 99, "zstd"),
        (b"\x1f\x8b" + b"\xff" * 99, "gzip"),
    ],
)
def test_broken_packing_is_said_after_what_could_be_read(data: bytes, word: str) -> None:
    with pytest.raises(InputError, match=f"standard input is broken {word}") as caught:
        lines(data)
    assert "not done twice" in caught.value.hint


def test_what_came_before_broken_packing_is_given() -> None:
    data = gzip.compress(b"\n".join(b'{"n":%d}' % n for n in range(30000)))
    found: list[bytes] = []
    reading = read_chunks("-", stdin=io.BytesIO(data[: len(data) // 2]))
    with pytest.raises(InputError):
        found.extend(line for chunk in reading for line in chunk.lines)
    assert found[0] == b'{"n":0}'
    assert len(found) > 9000


def test_missing_file_is_said_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.jsonl does not exist"):
        list(read_chunks(str(tmp_path / "nowhere.jsonl")))


def test_folder_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder") as caught:
        list(read_chunks(str(tmp_path)))
    assert "*.jsonl" in caught.value.hint


def test_file_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="may not be read"):
        list(read_chunks(str(tmp_path / "secret.jsonl")))


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_path_that_cannot_be_one_is_said(path: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        list(read_chunks(path))


def test_disk_that_fails_is_said() -> None:
    class Failing(io.RawIOBase):
        def read(self, _: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match="standard input cannot be read: Input/output error"):
        list(read_chunks("-", stdin=Failing()))  # type: ignore[arg-type]


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}\n")))
    assert [chunk.lines for chunk in read_chunks("-")] == [[b"{}"]]
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="no standard input"):
        standard_input()


def test_reader_hears_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl.gz"
    path.write_bytes(gzip.compress(b"{}\n" * 9999, mtime=0))
    seen: list[int] = []
    assert list(read_chunks(str(path), on_read=seen.append))
    assert sum(seen) == path.stat().st_size


DECODER = Decoder()
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('a"\\{[,', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.just("k"), VALUES), max_size=4),
    st.sampled_from([None, 1, 4]),
    st.integers(1, 9),
)
def test_array_is_cut_alike_however_it_is_laid_out_and_arrives(
    values: list[object], indent: int | None, step: int
) -> None:
    data = json.dumps(values, indent=indent).encode()
    splitter = ValueSplitter()
    found = []
    for start in range(0, len(data), step):
        found += splitter.feed(data[start : start + step])
    found += splitter.finish()
    assert [json.loads(line) for line in found] == values


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=6).map(lambda b: b.replace(b"\r", b"")), max_size=9))
def test_lines_are_cut_alike_however_they_arrive(blocks: list[bytes]) -> None:
    splitter = LineSplitter()
    found = [line for block in blocks for line in splitter.feed(block)] + splitter.finish()
    whole = b"".join(blocks).split(b"\n")
    assert found == (whole if whole[-1] else whole[:-1])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text('{}[]",\n ae:1', max_size=40).map(str.encode))
def test_any_bytes_can_be_read_and_decoded(data: bytes) -> None:
    found: list[bytes] = []
    with contextlib.suppress(InputError):
        found = lines(data)
    for line in found:
        with contextlib.suppress(EventError):
            DECODER.decode(line)


@settings(max_examples=60, deadline=None)
@given(st.text('{}[]",\n ae:1', max_size=30).map(str.encode), st.integers(0, 30))
def test_kind_does_not_change_when_more_is_seen(data: bytes, cut: int) -> None:
    early = kind_of(data[:cut], "-", False)
    if early is not None:
        assert kind_of(data, "-", True) in (early, Kind.VALUES, Kind.LINES)
    assert kind_of(data, "-", True) is not None
