"""Which kind of file is it? Found out by how it begins, not by what it is called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePath
from typing import Final

from smsnotify.events.csv_rows import looks_like_csv
from smsnotify.events.entries import MAX_ENTRY

_PACKED: Final = (".gz", ".zst")
_TABLES: Final = (".csv", ".tsv")
_SHORT: Final = 200
_ENOUGH: Final = 4 * MAX_ENTRY


class Kind(StrEnum):
    """`LINES`: one entry a line. `VALUES`: JSON laid out over lines, or one array. `CSV`."""

    LINES = "lines"
    VALUES = "values"
    CSV = "csv"


def kind_of(head: bytes, name: str, is_all: bool) -> Kind | None:
    """Return the kind of a file that begins with `head`, None while more of it must be seen.

    `is_all` says that `head` is the whole file. A file of lines whose first line is broken is
    still one of lines: JSON over several lines must go on in the second as JSON can.
    """
    text = head.lstrip()
    is_all = is_all or len(head) > _ENOUGH
    line, newline, rest = text.partition(b"\n")
    if not newline and not is_all and len(line) <= MAX_ENTRY:
        return None
    if text[:1] in (b"{", b"["):
        return _json_kind(line.rstrip(), rest.lstrip()[:1], is_all)
    if text and (_is_table(name) or looks_like_csv(line)):
        return Kind.CSV
    return Kind.LINES


def _is_table(name: str) -> bool:
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    plain = [suffix for suffix in suffixes if suffix not in _PACKED]
    return plain[-1:] != [] and plain[-1] in _TABLES


def _json_kind(line: bytes, following: bytes, is_all: bool) -> Kind | None:
    first, last = line[:1], line[-1:]
    if len(line) > MAX_ENTRY:
        return Kind.VALUES if first == b"[" else Kind.LINES
    if first == b"[" and last == b"]":
        if following:
            return Kind.VALUES if following == b"," else Kind.LINES
        return Kind.VALUES if is_all else None
    if first == b"{" and last == b"}":
        return Kind.LINES
    if not following:
        return Kind.LINES if is_all else None
    return Kind.VALUES if _goes_on(line, following) else Kind.LINES


def _goes_on(line: bytes, following: bytes) -> bool:
    """Say whether JSON that stops like `line` may go on with the byte `following`."""
    last = line[-1:]
    if following in (b",", b"]") or (following == b"}" and line[:1] == b"{"):
        return True
    if last == b"{":
        return following == b'"'
    if last == b"," and line[:1] == b"{":
        return following == b'"'
    if last in (b"[", b",", b":"):
        return following != b"{" or line[:1] == b"[" or len(line) < _SHORT
    return False
