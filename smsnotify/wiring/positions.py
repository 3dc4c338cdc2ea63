"""Where each key of a TOML file stands, so that a problem can name its line.

`tomllib` gives values without places. This reads a text that `tomllib` has already accepted, so
it only has to find its way, not to judge.
"""

from __future__ import annotations

import tomllib
from typing import Final

Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, both from 1."""

_BARE_END: Final = frozenset(" \t=.]\n\r")


def positions(text: str) -> dict[Path, Place]:
    """Return the place of every key, table and array entry: `('accounts', 'main', 'sender')`."""
    return _Walker(text).walk()


class _Walker:
    """Steps through the text once and notes where keys begin."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.found: dict[Path, Place] = {}
        self.tables: dict[Path, int] = {}
        self._line, self._line_start = 1, 0
        self._counted = 0

    def walk(self) -> dict[Path, Place]:
        table: Path = ()
        while self._skip_blank():
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.found

    def _note(self, path: Path, at: int) -> None:
        self._line += self.text.count("\n", self._counted, at)
        self._line_start = self.text.rfind("\n", 0, at) + 1
        self._counted = at
        for depth in range(1, len(path)):
            self.found.setdefault(path[:depth], (self._line, at - self._line_start + 1))
        self.found[path] = (self._line, at - self._line_start + 1)

    def _skip_blank(self) -> bool:
        """Go to the next key, header or value; False at the end of the text."""
        text = self.text
        while self.at < len(text):
            if text[self.at] in " \t\n\r,\ufeff":
                self.at += 1
            elif text[self.at] == "#":
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end
            else:
                return True
        return False

    def _header(self) -> Path:
        start = self.at
        is_array = self.text.startswith("[[", start)
        self.at += 2 if is_array else 1
        path = self._below_entries(self._key(), is_array)
        self.at = self.text.index("]", self.at) + (2 if is_array else 1)
        if is_array:
            count = self.tables.get(path, 0)
            self.tables[path] = count + 1
            path = (*path, count)
        self._note(path, start)
        return path

    def _below_entries(self, key: list[str], is_array: bool) -> Path:
        """Say which entry of a `[[list]]` a header below it belongs to: the last one so far."""
        path: Path = ()
        for depth, part in enumerate(key, 1):
            path = (*path, part)
            if path in self.tables and not (is_array and depth == len(key)):
                path = (*path, self.tables[path] - 1)
        return path

    def _key(self) -> list[str]:
        """Read a dotted key and stop behind it."""
        parts = []
        while True:
            self._spaces()
            start = self.at
            if self.text[start] in "\"'":
                self._string()
                parts.append(_unquote(self.text[start : self.at]))
            else:
                while self.text[self.at] not in _BARE_END:
                    self.at += 1
                parts.append(self.text[start : self.at])
            self._spaces()
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _spaces(self) -> None:
        while self.text[self.at] in " \t":
            self.at += 1

    def _pair(self, table: Path) -> None:
        start = self.at
        path = (*table, *self._key())
        self._note(path, start)
        self.at = self.text.index("=", self.at) + 1
        self._skip_blank()
        self._value(path)

    def _value(self, path: Path) -> None:
        first = self.text[self.at]
        if first in "\"'":
            self._string()
        elif first == "[":
            self._array(path)
        elif first == "{":
            self._inline(path)
        else:
            while self.at < len(self.text) and self.text[self.at] not in ",]}\n#":
                self.at += 1

    def _array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self._skip_blank() and self.text[self.at] != "]":
            self._note((*path, index), self.at)
            self._value((*path, index))
            index += 1
        self.at += 1

    def _inline(self, path: Path) -> None:
        self.at += 1
        while self._skip_blank() and self.text[self.at] != "}":
            self._pair(path)
        self.at += 1

    def _string(self) -> None:
        """Step over a string of any of the four kinds."""
        text, quote = self.text, self.text[self.at]
        if text.startswith(quote * 3, self.at):
            self.at += 3
            while not text.startswith(quote * 3, self.at):
                self.at += 2 if quote == '"' and text[self.at] == "\\" else 1
            self.at += 3
            while text.startswith(quote, self.at):  # up to two quotes may precede the closing three
                self.at += 1
            return
        self.at += 1
        while text[self.at] != quote:
            self.at += 2 if quote == '"' and text[self.at] == "\\" else 1
        self.at += 1


def _unquote(written: str) -> str:
    return str(tomllib.loads(f"key = {written}")["key"])
