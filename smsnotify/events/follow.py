"""Lines of a file that is still being written."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from smsnotify.base.errors import InputError
from smsnotify.events.blocks import BLOCK, STDIN, open_file, read_blocks, title
from smsnotify.events.entries import LineSplitter
from smsnotify.events.loose_json import BOM

_PAUSE_S: Final = 0.5
_PACKED: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")

Lines = tuple[int, list[bytes]]


def follow_lines(
    source: str,
    stdin: BinaryIO | None,
    wait: Callable[[], bool] | None,
    on_read: Callable[[int], object] | None,
) -> Iterator[Lines]:
    """Give (number of the first line, lines) whenever lines were finished.

    Standard input ends when its writer does; a file when `wait` says so. See `read.read_chunks`.

    Raises:
        InputError: the source cannot be opened or read, or it is packed.
    """
    if source == STDIN:
        first, splitter = 1, LineSplitter()
        for block in read_blocks(source, stdin, on_read):
            first, lines = _fed(splitter, block, first)
            if lines:
                yield first - len(lines), lines
        if last := splitter.finish():
            yield first, last
        return
    yield from _follow_file(source, wait or _sleep, on_read)


def _sleep() -> bool:
    time.sleep(_PAUSE_S)
    return True


def _fed(splitter: LineSplitter, block: bytes, first: int) -> tuple[int, list[bytes]]:
    lines = splitter.feed(block)
    return first + len(lines), lines


def _follow_file(
    path: str, wait: Callable[[], bool], on_read: Callable[[int], object] | None
) -> Iterator[Lines]:
    file = open_file(path)
    splitter, first, position = LineSplitter(), 1, 0
    try:
        while True:
            block = _read(path, file)
            if not block:
                over = _is_over(path, file, position)
                block = _read(path, file) if over else b""  # written before it was replaced
                if over and not block:
                    if last := splitter.finish():
                        yield first, last
                    fresh = open_file(path)
                    file.close()
                    file, splitter, first, position = fresh, LineSplitter(), 1, 0
                    continue
            if not block:
                if wait():
                    continue
                if last := splitter.finish():
                    yield first, last
                return
            if on_read is not None:
                on_read(len(block))
            if position == 0:
                _refuse_packed(path, block)
            position += len(block)
            first, lines = _fed(
                splitter, block.removeprefix(BOM) if position == len(block) else block, first
            )
            if lines:
                yield first - len(lines), lines
    finally:
        file.close()


def _read(path: str, file: BinaryIO) -> bytes:
    try:
        return file.read(BLOCK)
    except OSError as error:
        raise InputError(
            f"{title(path)} cannot be read any more: {error.strerror or 'the disk refuses'}",
            hint="check the disk and start again: events that were done are not done twice",
        ) from None


def _refuse_packed(path: str, block: bytes) -> None:
    if block.startswith(_PACKED):
        raise InputError(
            f"{path} is packed, and a packed file cannot be followed", hint="leave out --follow"
        )


def _is_over(path: str, file: BinaryIO, position: int) -> bool:
    here = os.fstat(file.fileno())
    return here.st_size < position or _is_replaced(path, here)


def _is_replaced(path: str, here: os.stat_result) -> bool:
    try:
        there = os.stat(path)
    except OSError:
        return False  # moved away; the new file is not there yet
    return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)
