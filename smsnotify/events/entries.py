"""Bytes cut into lines, and JSON texts cut into values, without reading either."""

from __future__ import annotations

import io
import re
from typing import Final

MAX_ENTRY: Final = (1 << 20) + 1
"""What is kept of a longer line or value: one byte more than is ever read."""

LINE_END: Final = b"\r\n"
"""What is cut off at the end of a line."""


class LineSplitter:
    """Cuts blocks into lines."""

    def __init__(self, *, ends: bool = False) -> None:
        """Begin at the start of a line; with `ends` the lines keep theirs."""
        self._tail = b""
        self._ends = ends

    def feed(self, block: bytes) -> list[bytes]:
        """Return the lines that end in this block."""
        # A stream looks for line ends with memchr; bytes.split takes five times as long.
        lines = io.BytesIO(block).readlines()
        rest = b"" if not lines or lines[-1].endswith(b"\n") else lines.pop()
        if not lines:
            self._tail = (self._tail + rest)[:MAX_ENTRY]
            return []
        if self._tail:
            lines[0] = self._tail + lines[0]
        self._tail = rest
        found = lines if self._ends else [line.rstrip(LINE_END) for line in lines]
        if len(found[0]) > MAX_ENTRY:
            found[0] = found[0][:MAX_ENTRY]
        return found

    def finish(self) -> list[bytes]:
        """Return the last line when nothing ended it."""
        last, self._tail = self._tail, b""
        return [last.rstrip(LINE_END)] if last else []


_IN_TEXT = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_TEXT = rb'"(?:[^"\\]++|\\.)*+"'
_NESTED = re.compile(rb'(?:[^"{}\[\]]++|' + _TEXT + rb")*+", re.DOTALL)
_LISTED = re.compile(rb'(?:[^"{}\[\],]++|' + _TEXT + rb")*+", re.DOTALL)
_QUOTE, _BACKSLASH, _COMMA = b'"\\,'
_OPENING, _CLOSING = b"{[", b"}]"


class ValueSplitter:
    """Cuts blocks into JSON values: the entries of an array, or values that follow one another.

    It looks at quotes and brackets alone, so that a broken entry costs only itself as a rule.
    """

    def __init__(self) -> None:
        """Begin before the first value."""
        self._buffer = b""
        self._at = 0
        self._depth = 0
        self._in_text = False
        self._in_array = False
        self._kept: bytes | None = None

    def feed(self, block: bytes) -> list[bytes]:
        """Return the values that end in this block, each on one line."""
        data = self._buffer + block
        at, start, end = self._at, 0, len(data)
        found: list[bytes] = []
        while at < end:
            if self._in_text:
                at = self._text_end(data, at)
                if at >= end or data[at] == _BACKSLASH:
                    break  # what the last backslash escapes is in the next block
                self._in_text = False
                at += 1
                continue
            listed = self._in_array and self._depth == 1
            at = (_LISTED if listed else _NESTED).match(data, at).end()  # type: ignore[union-attr]
            if at >= end:
                break
            sign = data[at]
            at += 1
            if sign == _QUOTE:
                self._in_text = True
            elif sign in _OPENING:
                if self._depth == 0:
                    found += self._value(data[start : at - 1])
                    start = at - 1
                    self._in_array = sign == _OPENING[1]
                    start += self._in_array
                self._depth += 1
            elif sign == _COMMA:
                found += self._value(data[start : at - 1])
                start = at
            elif self._depth > 0:
                self._depth -= 1
                if self._depth == 0:
                    found += self._value(data[start : at - self._in_array])
                    start = at
                    self._in_array = False
        self._keep(data[start:], at - start)
        return found

    def finish(self) -> list[bytes]:
        """Return what is left when the input ends in the middle of a value."""
        found = self._value(self._buffer)
        self._buffer = b""
        return found

    @staticmethod
    def _text_end(data: bytes, at: int) -> int:
        return _IN_TEXT.match(data, at).end()  # type: ignore[union-attr]

    def _value(self, data: bytes) -> list[bytes]:
        if self._kept is not None:
            data, self._kept = self._kept, None
        value = data.strip()
        if b"\n" in value or b"\r" in value:
            value = value.replace(b"\r", b" ").replace(b"\n", b" ")
        return [value[:MAX_ENTRY]] if value else []

    def _keep(self, rest: bytes, at: int) -> None:
        if self._kept is None and len(rest) > MAX_ENTRY:
            self._kept = rest[:MAX_ENTRY]
        if self._kept is not None:
            rest, at = rest[at:], 0
        self._buffer, self._at = rest, at
