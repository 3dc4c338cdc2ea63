"""Writes keys of steps anew in a test file, and leaves every other character as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from smsnotify.base.errors import RuleError
from smsnotify.rules.write import flow_yaml

Changes = Mapping[tuple[int, int], Mapping[str, Any]]
"""What steps shall say, by (place of the test, place of the step): their keys and values."""

_WIDE: Final = 100
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Edit = tuple[int, int, str]
"""From a character to another stands something else."""


def edited(text: str, changes: Changes) -> str:
    """Return a test file with keys of some steps written anew. A comment inside one goes.

    The file has been read before (`read_cases`), so it is known to be YAML of the right shape.

    Raises:
        RuleError: a step stands behind an alias; another test would change too.
    """
    root = yaml.compose(text, Loader=_LOADER)
    tests = _values(root)["tests"].value
    shared = _shared(root)
    edits: list[Edit] = []
    for (test, place), keys in sorted(changes.items()):
        step = _values(tests[test])["steps"].value[place]
        if id(step) in shared or any(id(value) in shared for value in _values(step).values()):
            line = step.start_mark.line + 1
            raise RuleError(
                f"line {line}: what stands there is used in several places (& and *)",
                hint="change it by hand",
            )
        edits += _edits(text, step, keys)
    for start, end, written in sorted(edits, reverse=True):
        text = text[:start] + written + text[end:]
    return text


def _edits(text: str, step: Any, keys: Mapping[str, Any]) -> Iterator[Edit]:
    """Yield an edit for each key that stands there, and one for all that are new."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    indent = step.start_mark.column
    entries = {key.value: (key, value) for key, value in step.value}
    new = []
    for name, value in keys.items():
        lines = _entry(name, value, indent, in_one_line=bool(step.flow_style))
        written = line_end.join(lines)
        if name in entries:
            key, old = entries[name]
            yield key.start_mark.index, _end(text, old), written
        else:
            new.append(written)
    if new:
        at = max(_end(text, value) for _, value in step.value)
        between = ", " if step.flow_style else line_end + " " * indent
        yield at, at, "".join(between + each for each in new)


def _entry(name: str, value: Any, indent: int, *, in_one_line: bool) -> list[str]:
    """Return the lines of one key, all but the first indented."""
    if isinstance(value, list) and len(value) == 1 and name == "expect":
        value = value[0]
    whole = f"{name}: {flow_yaml(value)}"
    if in_one_line or indent + len(whole) <= _WIDE or not isinstance(value, list | dict):
        return [whole]
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        return [f"{name}:", *(f"{inner}{key}: {flow_yaml(one)}" for key, one in value.items())]
    return [f"{name}:", *(f"{inner}- {flow_yaml(one)}" for one in value)]


def _values(mapping: Any) -> dict[str, Any]:
    return {key.value: value for key, value in mapping.value}


def _end(text: str, node: Any) -> int:
    """Return where a value ends: PyYAML lets a block reach to the next word that follows it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    end = int(node.end_mark.index)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return len(text[:end].rstrip())
    return end


def _shared(root: Any) -> set[int]:
    """Return the nodes that stand in several places."""
    seen, shared, waiting = set[int](), set[int](), [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            shared.add(id(node))
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            waiting += [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
    return shared
