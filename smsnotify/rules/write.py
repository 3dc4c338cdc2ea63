"""Writes one rule as YAML, and puts it into a rule file without touching the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from smsnotify.base.errors import RuleError
from smsnotify.rules.schema import RuleKeys
from smsnotify.rules.yaml_nodes import ListNode, MapNode, TextNode
from smsnotify.rules.yaml_positions import YamlError, read_yaml

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[ -]+[A-Za-z0-9_]+)*")
_NOT_PLAIN: Final = frozenset(["true", "false", "yes", "no", "on", "off", "null", "none", "y", "n"])
_ESCAPED: Final = re.compile('[\\\\"\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]')
_NEW_FILE: Final = "version: 1\n\nrules:\n"
_ORDER: Final = tuple(field.alias or name for name, field in RuleKeys.model_fields.items())


def rule_yaml(answers: Mapping[str, Any]) -> str:
    """Return one rule as an entry of `rules`, two spaces in, ending with a line end.

    `answers` has the keys of a rule with texts, numbers, booleans, lists and mappings as values;
    keys whose value is None, `""`, `[]` or `{}` are left out.
    """
    written = [(key, answers[key]) for key in _ORDER if _says_something(answers.get(key))]
    unknown = sorted(set(answers) - set(_ORDER))
    if unknown:
        raise RuleError(f"a rule has no key {unknown[0]!r}")
    lines = []
    for key, value in written:
        lines += _entry(key, value)
    return "".join(
        f"{'  - ' if number == 0 else '    '}{line}\n" if line else "\n"
        for number, line in enumerate(lines)
    )


def append_rule(existing: str, rule: str) -> str:
    """Return a rule file with a rule (as `rule_yaml` writes it) after its last one.

    Comments, order and line ends of the file stay. An empty text becomes a new file.

    Raises:
        RuleError: the file is not YAML, or its rules stand in one line.
    """
    try:
        root = read_yaml(existing).root
    except YamlError as error:
        raise RuleError(
            f"line {error.line}: {error.message}", hint=error.hint or "mend the file first"
        ) from None
    if root is None:
        return (existing.rstrip() + "\n\n" if existing.strip() else "") + _NEW_FILE + rule
    if not isinstance(root, MapNode):
        raise RuleError("this is no rule file", hint="it begins with rules:")
    line_end = "\r\n" if "\r\n" in existing else "\n"
    lines = existing.replace("\r\n", "\n").rstrip("\n").split("\n")
    at, indent = _where_to_put(lines, root)
    new = [(" " * indent + line[2:]).rstrip() for line in rule.rstrip("\n").split("\n")]
    blank = [""] if at and lines[at - 1].strip() and not lines[at - 1].startswith("rules:") else []
    after = [""] if at < len(lines) and lines[at].strip() else []
    return line_end.join([*lines[:at], *blank, *new, *after, *lines[at:]]) + line_end


def _where_to_put(lines: list[str], root: MapNode) -> tuple[int, int]:
    """Return the index of the line to put the rule before, and its indentation."""
    rules = root.values.get("rules")
    if rules is None:
        lines.append("")
        lines.append("rules:")
        return len(lines), 2
    key_line = root.keys["rules"].line
    later = [key.line for key in root.keys.values() if key.line > key_line]
    end = min(later) - 1 if later else len(lines)
    if isinstance(rules, ListNode) and rules.items:
        if lines[rules.line - 1][rules.column - 1] != "-":
            raise RuleError(
                "the rules of this file stand in one line", hint="write them one below the other"
            )
        return _above_comments(lines, end) if later else end, rules.column - 1
    if isinstance(rules, MapNode) or (isinstance(rules, TextNode) and rules.value is not None):
        raise RuleError("the rules of this file are no list", hint="begin each with - name:")
    lines[key_line - 1] = re.sub(r":\s*(\[\s*\]|~|null)", ":", lines[key_line - 1], count=1)
    return key_line, 2


def _above_comments(lines: list[str], end: int) -> int:
    """Step back over blank lines and comments that belong to the key below."""
    while end > 0 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return end


def _says_something(value: object) -> bool:
    return not (value is None or value in ("", [], {}, ()))


def _entry(key: str, value: object) -> list[str]:
    if isinstance(value, str) and "\n" in value and _fits_block(value):
        ending = "" if value.endswith("\n") else "-"
        body = value.removesuffix("\n").split("\n")
        return [f"{key}: |{ending}", *(f"  {line}" if line else "" for line in body)]
    return [f"{key}: {flow_yaml(value)}"]


def _fits_block(text: str) -> bool:
    """Tell whether a literal block gives back exactly this text."""
    lines = text.removesuffix("\n").split("\n")
    return (
        bool(lines[0].strip())
        and not lines[0].startswith(" ")
        and bool(lines[-1])
        and all(line == line.rstrip() for line in lines)
        and not _ESCAPED.search(text.replace("\n", "").replace("\\", "").replace('"', ""))
    )


def flow_yaml(value: object) -> str:
    """Return a value as YAML on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        inner = ", ".join(
            f"{flow_yaml(str(key))}: {flow_yaml(each)}" for key, each in value.items()
        )
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(flow_yaml(each) for each in value)}]"
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_PLAIN:
        return text
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if character in '\\"':
        return "\\" + character
    return {"\n": "\\n", "\t": "\\t"}.get(character, f"\\u{ord(character):04x}")
