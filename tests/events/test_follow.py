"""A file that is still being written, and standard input as it comes."""

from __future__ import annotations

import gzip
import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smsnotify.base.errors import InputError
from smsnotify.events import follow
from smsnotify.events.read import Chunk, read_chunks


class Script:
    """Does one step of a story whenever the reader waits, and then ends it."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps: Iterator[Callable[[], object]] = iter(steps)

    def __call__(self) -> bool:
        step = next(self._steps, None)
        if step is None:
            return False
        step()
        return True


def append(path: Path, data: bytes) -> Callable[[], object]:
    def do() -> None:
        with path.open("ab") as file:
            file.write(data)

    return do


def replace(path: Path, data: bytes) -> Callable[[], object]:
    def do() -> None:
        fresh = path.with_suffix(".new")
        fresh.write_bytes(data)
        os.replace(fresh, path)

    return do


def followed(path: Path, *steps: Callable[[], object], **options: Any) -> list[Chunk]:
    return list(read_chunks(str(path), follow=True, wait=Script(*steps), **options))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\xef\xbb\xbfone\ntwo\n")
    return path


def test_lines_come_as_they_are_written(log: Path) -> None:
    assert followed(log, append(log, b"three\nfo"), append(log, b""), append(log, b"ur\r\n")) == [
        Chunk(1, [b"one", b"two"]),
        Chunk(3, [b"three"]),
        Chunk(4, [b"four"]),
    ]


def test_last_line_without_an_end_comes_when_waiting_ends(log: Path) -> None:
    assert followed(log, append(log, b"three"))[-1] == Chunk(3, [b"three"])


def test_chunks_are_no_longer_than_asked(log: Path) -> None:
    assert followed(log, size=1) == [Chunk(1, [b"one"]), Chunk(2, [b"two"])]


def test_file_that_is_cut_short_is_read_again_from_its_start(log: Path) -> None:
    assert followed(log, append(log, b"half"), lambda: log.write_bytes(b"new\n")) == [
        Chunk(1, [b"one", b"two"]),
        Chunk(3, [b"half"]),
        Chunk(1, [b"new"]),
    ]


def test_file_that_is_replaced_is_read_to_its_end_first(log: Path) -> None:
    def rotate() -> None:
        with log.open("ab") as old:
            os.replace(log, log.with_suffix(".1"))
            old.write(b"late\n")
        log.write_bytes(b"new\n")

    assert followed(log, rotate) == [
        Chunk(1, [b"one", b"two"]),
        Chunk(3, [b"late"]),
        Chunk(1, [b"new"]),
    ]


def test_what_is_written_while_the_file_is_replaced_is_not_lost(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = follow._is_over
    old = log.open("ab")

    def written_meanwhile(path: str, file: Any, position: int) -> bool:
        over = real(path, file, position)
        if over and not old.closed:
            old.write(b"late\n")
            old.close()
        return over

    monkeypatch.setattr(follow, "_is_over", written_meanwhile)
    chunks = followed(log, replace(log, b"new\n"))
    assert chunks[1:] == [Chunk(3, [b"late"]), Chunk(1, [b"new"])]


def test_file_that_was_moved_away_is_waited_for(log: Path) -> None:
    away = log.with_suffix(".1")
    assert followed(
        log, lambda: os.replace(log, away), lambda: None, lambda: log.write_bytes(b"new\n")
    ) == [Chunk(1, [b"one", b"two"]), Chunk(1, [b"new"])]


def test_packed_file_cannot_be_followed(log: Path) -> None:
    log.write_bytes(gzip.compress(b"one\n"))
    with pytest.raises(InputError, match="packed"):
        followed(log)


def test_missing_file_cannot_be_followed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        followed(tmp_path / "nowhere")


def test_disk_that_fails_while_following_is_said(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(io.BytesIO):
        def read(self, _: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(follow, "open_file", lambda _: Failing())
    with pytest.raises(InputError, match="cannot be read any more: Input/output error"):
        followed(log)


def test_reader_hears_how_much_was_read(log: Path) -> None:
    seen: list[int] = []
    followed(log, append(log, b"three\n"), on_read=seen.append)
    assert seen == [11, 6]


def test_without_a_wait_the_reader_sleeps(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class WokenError(Exception):
        pass

    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise WokenError

    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(WokenError):
        list(read_chunks(str(log), follow=True))
    assert pauses == [0.5, 0.5]


def test_standard_input_gives_lines_as_they_come() -> None:
    class Pipe(io.RawIOBase):
        blocks = iter([b'{"a":', b"1}\n{", b"}\n\n", b"last"])

        def read(self, _: int = -1) -> bytes:
            return next(self.blocks, b"")

    assert list(read_chunks("-", follow=True, stdin=Pipe())) == [  # type: ignore[arg-type]
        Chunk(1, [b'{"a":1}']),
        Chunk(2, [b"{}", b""]),
        Chunk(4, [b"last"]),
    ]
    assert list(read_chunks("-", follow=True, stdin=io.BytesIO(b"a\n"))) == [Chunk(1, [b"a"])]
