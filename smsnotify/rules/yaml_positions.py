"""YAML with the place of every word, and scalars left as the text that was written.

`NO`, `18:30`, `+6591230000` and `0123` stay what they are: typing is the schema's work. What
could blow up or hide a mistake is refused: deep nesting, aliases that multiply, tags, a doubled
key, a second document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import yaml

from smsnotify.rules.yaml_nodes import LINE_BREAK, ListNode, MapNode, Node, TextNode

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_DEPTH: Final = 32
MAX_ALIASED: Final = 100_000
"""How many nodes all aliases of a file may stand for, counted as if written out."""

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS: Final = frozenset({"", "~", "null"})


class YamlError(Exception):
    """A place in a YAML text that cannot be read. Lines and columns count from 1."""

    def __init__(
        self, message: str, line: int, column: int, *, hint: str = "", code: str = "yaml"
    ) -> None:
        """Say what is wrong, where, and what to do."""
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.hint = hint
        self.code = code


class Document(msgspec.Struct):
    """A whole file: its root (None when there is nothing in it) and the doubled keys."""

    root: Node | None
    problems: list[YamlError]


def decode_text(raw: bytes) -> str:
    """Decode a rule file: UTF-8, with or without a byte order mark.

    Raises:
        YamlError: too large, or not UTF-8, with the place of the first bad byte.
    """
    if len(raw) > MAX_BYTES:
        raise YamlError(
            f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB",
            1,
            1,
            hint="split it: a folder of rule files is read as a whole",
            code="too_large",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8-sig", "replace")
        line, column = _place(before)
        raise YamlError(
            f"byte 0x{error.object[error.start]:02x} is not UTF-8",
            line,
            column,
            hint="save the file as UTF-8",
            code="not_utf8",
        ) from None


def read_yaml(text: str) -> Document:
    """Read one document into nodes with places.

    Raises:
        YamlError: not YAML, or YAML of a kind that a rule file must not have.
    """
    builder = _Builder()
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    except yaml.reader.ReaderError as error:
        raise _character_error(error, text) from None
    return Document(root=builder.root, problems=builder.problems)


def _events(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


class _Open(msgspec.Struct):
    """A collection that is still being read, and the key that waits for its value."""

    node: ListNode | MapNode
    anchor: str | None
    key: TextNode | None = None


class _Builder:
    """Puts a stream of YAML events together without recursion."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.problems: list[YamlError] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._aliased = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._open(event, kind is yaml.MappingStartEvent)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            closed = self._stack.pop()
            if closed.anchor is not None:
                self._anchors[closed.anchor] = closed.node
            self._add(closed.node)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                mark = event.start_mark
                raise YamlError(
                    "a second document starts here",
                    mark.line + 1,
                    mark.column + 1,
                    hint="a rule file is one document; take the --- away or use two files",
                )

    def _scalar(self, event: Any) -> None:
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        _refuse_tag(event, line, column)
        style = event.style or None
        value: str | None = event.value
        if value in _NULLS and style is None:
            value = None
        node = TextNode(value, line, column, style, event.end_mark.line + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._add(node)

    def _open(self, event: Any, is_mapping: bool) -> None:
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        _refuse_tag(event, line, column)
        if len(self._stack) >= MAX_DEPTH:
            raise YamlError(
                f"this is nested deeper than {MAX_DEPTH} levels", line, column, code="too_deep"
            )
        if is_mapping:
            self._stack.append(_Open(MapNode(line, column, {}, {}), event.anchor))
        else:
            self._stack.append(_Open(ListNode(line, column, []), event.anchor))

    def _alias(self, event: Any) -> None:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        node = self._anchors.get(event.anchor)
        if node is None:
            inside = any(level.anchor == event.anchor for level in self._stack)
            raise YamlError(
                f"the alias *{event.anchor} stands inside its own anchor"
                if inside
                else f"there is no anchor &{event.anchor} before this alias",
                line,
                column,
            )
        self._aliased += node.size
        if self._aliased > MAX_ALIASED or len(self._stack) + _depth(node) > MAX_DEPTH:
            raise YamlError(
                "the aliases of this file stand for too much",
                line,
                column,
                hint="write the values out",
                code="alias_bomb",
            )
        self._add(node)

    def _add(self, node: Node) -> None:
        if not self._stack:
            self.root = node
            return
        level = self._stack[-1]
        parent = level.node
        parent.size += node.size
        if isinstance(parent, ListNode):
            parent.items.append(node)
        elif level.key is None:
            level.key = self._as_key(node)
        else:
            self._put(parent, level.key, node)
            level.key = None

    def _as_key(self, node: Node) -> TextNode:
        if not isinstance(node, TextNode):
            raise YamlError(
                "a key must be a word, not a list or a mapping",
                node.line,
                node.column,
                hint='a text that begins with { or [ needs quotes: "{{ … }}"',
            )
        return node

    def _put(self, parent: MapNode, key: TextNode, value: Node) -> None:
        name = "null" if key.value is None else key.value
        if name == "<<" and key.style is None:
            _merge(parent, key, value)
        elif name in parent.values and parent.keys[name].size:
            first = parent.keys[name]
            self.problems.append(
                YamlError(
                    f"the key {name!r} is here twice; it stands on line {first.line} already",
                    key.line,
                    key.column,
                    code="duplicate_key",
                )
            )
        else:
            parent.keys[name] = key
            parent.values[name] = value


def _merge(parent: MapNode, key: TextNode, value: Node) -> None:
    """Take over what `<<` names; keys that the mapping has of its own win, wherever they stand.

    A key that came by merging is kept with size 0, so that an own one may replace it.
    """
    sources = value.items if isinstance(value, ListNode) else [value]
    for source in sources:
        if not isinstance(source, MapNode):
            raise YamlError(
                "<< takes an alias of a mapping, or a list of them", key.line, key.column
            )
        for name, written in source.keys.items():
            if name not in parent.values:
                parent.keys[name] = TextNode(
                    written.value, written.line, written.column, written.style, size=0
                )
                parent.values[name] = source.values[name]


def _depth(node: Node) -> int:
    if isinstance(node, TextNode):
        return 0
    below = node.items if isinstance(node, ListNode) else node.values.values()
    return 1 + max((_depth(child) for child in below), default=0)


def _refuse_tag(event: Any, line: int, column: int) -> None:
    if event.tag is not None:
        written = event.tag.replace("tag:yaml.org,2002:", "!!")
        raise YamlError(
            f"the tag {written!r} has no place in a rule file",
            line,
            column,
            hint="write the value without it",
        )


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    hint = ""
    lines = LINE_BREAK.split(text)
    written = lines[line - 1] if line <= len(lines) else ""
    if "\t" in written[: column + 1]:
        hint = "indent with spaces; YAML does not take tabs"
    elif "mapping values" in str(error.problem):
        hint = 'a text with ": " in it needs quotes'
    elif error.context_mark is not None and error.context_mark.line + 1 < line:
        began = error.context_mark.line + 1
        hint = f"what was begun on line {began} is not closed, or indented otherwise"
    return YamlError(f"this is not YAML: {error.problem or error}", line, column, hint=hint)


def _character_error(error: yaml.reader.ReaderError, text: str) -> YamlError:
    character = error.character
    code = character if isinstance(character, int) else ord(character[:1])
    line, column = _place(text[: max(text.find(chr(code)), 0)])
    return YamlError(
        f"the character U+{code:04X} is not allowed in YAML",
        line,
        column,
        hint="take it out, or write it as an escape in double quotes",
    )


def _place(before: str) -> tuple[int, int]:
    lines = LINE_BREAK.split(before)
    return len(lines), len(lines[-1]) + 1
