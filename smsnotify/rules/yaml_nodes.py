"""What a YAML file is read into: nodes that know where they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""Everything that YAML takes for the end of a line."""


class TextNode(msgspec.Struct, gc=False):
    """A scalar. `value` is None for a plain `null`, `~` or nothing; `style` as in PyYAML."""

    value: str | None
    line: int
    column: int
    style: str | None = None
    end_line: int = 0
    size: int = 1


class ListNode(msgspec.Struct):
    """A sequence. `size` counts the nodes below it with aliases written out, itself included."""

    line: int
    column: int
    items: list[Node]
    size: int = 1


class MapNode(msgspec.Struct):
    """A mapping: its keys in order, each with the node that it was written as."""

    line: int
    column: int
    keys: dict[str, TextNode]
    values: dict[str, Node]
    size: int = 1


Node = TextNode | ListNode | MapNode


def plain(node: Node) -> Any:
    """Return the node as dict, list, str and None; what is aliased is copied."""
    if isinstance(node, TextNode):
        return node.value
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, value in node.values.items()}


def as_node(value: Any) -> Node:
    """Return plain data as nodes, all of them at line 1: what was no file has no places."""
    if isinstance(value, dict):
        keys = {key: TextNode(key, 1, 1) for key in value}
        return MapNode(1, 1, keys, {key: as_node(each) for key, each in value.items()})
    if isinstance(value, list):
        return ListNode(1, 1, [as_node(each) for each in value])
    return TextNode(value, 1, 1)


def locate(root: Node, path: Sequence[str | int], *, key: bool = False) -> tuple[int, int]:
    """Return line and column of the node at a path, or of the nearest one above it.

    With `key`, the place of the last step's key instead of its value.
    """
    node = root
    for depth, step in enumerate(path):
        if isinstance(node, MapNode) and isinstance(step, str) and step in node.values:
            if key and depth == len(path) - 1:
                written = node.keys[step]
                return written.line, written.column
            node = node.values[step]
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            break
    return node.line, node.column


def find(root: Node, path: Sequence[str | int]) -> Node | None:
    """Return the node at a path, None when there is none."""
    node: Node | None = root
    for step in path:
        if isinstance(node, MapNode) and isinstance(step, str):
            node = node.values.get(step)
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node


def find_word(text: str, node: TextNode, word: str, line: int) -> tuple[int, int]:
    """Return where a word of a scalar stands in the file, else where that line of it begins.

    `line` counts from 1 inside the scalar. In a literal block it tells the line of the file; in
    any other style lines were folded, so the first occurrence is taken.
    """
    literal = node.style == "|"
    first = node.line + line if literal else node.line
    last = first if literal else max(node.end_line, node.line)
    lines = LINE_BREAK.split(text)
    if word:
        pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
        for number in range(first, min(last, len(lines)) + 1):
            start = node.column - 1 if number == node.line else 0
            found = pattern.search(lines[number - 1], start)
            if found:
                return number, found.start() + 1
    if literal and first <= len(lines):
        written = lines[first - 1]
        return first, len(written) - len(written.lstrip(" ")) + 1
    return node.line, node.column
