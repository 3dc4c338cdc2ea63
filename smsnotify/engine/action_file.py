"""The file with one line for every `action` of a plan, for the firm's own system to read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

_BLOCK = 1 << 16


def write_action(path: Path, row: Mapping[str, Any], *, may_be_there: bool) -> bool:
    """Add a line, on the disk when this returns; False when it was there already.

    `may_be_there`: an earlier try may have written it and died before it could say so; then its
    `id` is looked for. A line that was cut off by a crash is taken away: it is written again.

    Raises:
        OSError: the file cannot be written.
    """
    line = msgspec.json.encode(row) + b"\n"
    with _locked(path) as file:
        _drop_half_line(file)
        if may_be_there and _has(file, b'"id":' + msgspec.json.encode(row["id"])):
            return False
        written = os.write(file, line)
        while written < len(line):
            written += os.write(file, line[written:])
        os.fsync(file)
        return True


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Open a file to append to; one process at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _drop_half_line(file: int) -> None:
    size = os.lseek(file, 0, os.SEEK_END)
    end = size
    while end > 0:
        start = max(end - _BLOCK, 0)
        os.lseek(file, start, os.SEEK_SET)
        block = os.read(file, end - start)
        found = block.rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end != size:
        os.ftruncate(file, end)


def _has(file: int, part: bytes) -> bool:
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(os.dup(file), "rb") as lines:
        return any(part in line for line in lines)
