"""Collects what is wrong in a file, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from smsnotify.model.problem import Problem
from smsnotify.rules.scalars import did_you_mean
from smsnotify.rules.yaml_nodes import Node, TextNode, find, find_word, locate

Path = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)

_PYDANTIC_WORDS: Final = {
    "list_type": ("a list", "write [one, two], or one a line with a dash"),
    "dict_type": ("a mapping", "write {key: value}"),
    "model_type": ("a mapping", "write {key: value}"),
    "string_type": ("a text", ""),
}
_HINTS: Final = {
    "subject": "only texts are sent by this version: take it out",
    "when": "conditions stand under where",
    "if": "conditions stand under where",
    "text": "did you mean body?",
    "message": "did you mean body?",
    "template": "did you mean body?",
    "event": "did you mean events?",
    "trigger": "did you mean events?",
    "phone_number": "did you mean to: {fields: [phone_number]}?",
}


class Reporter:
    """The problems of one file, in the order in which they were found."""

    def __init__(self, file: str, text: str, root: Node) -> None:
        """Keep the file's name, text and nodes, to find places in."""
        self.file = file
        self.text = text
        self.root = root
        self.problems: list[Problem] = []

    def at(
        self,
        line: int,
        column: int,
        code: str,
        message: str,
        hint: str = "",
        *,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """Add a problem at a place that is already known."""
        self.problems.append(
            Problem(
                severity=severity,
                file=self.file,
                line=line,
                column=column,
                code=code,
                message=message,
                hint=hint,
            )
        )

    def error(
        self, path: Path, code: str, message: str, hint: str = "", *, key: bool = False
    ) -> None:
        """Add an error at the node of a path, or at its key."""
        self.at(*locate(self.root, path, key=key), code, message, hint)

    def warn(
        self, path: Path, code: str, message: str, hint: str = "", *, key: bool = False
    ) -> None:
        """Add a warning at the node of a path, or at its key."""
        self.at(*locate(self.root, path, key=key), code, message, hint, severity="warning")

    def error_in_text(
        self, path: Path, line: int, word: str, code: str, message: str, hint: str = ""
    ) -> None:
        """Add an error at a word in a line of a scalar, as near as the YAML style allows."""
        node = find(self.root, path)
        assert isinstance(node, TextNode), "only a text has words"
        self.at(*find_word(self.text, node, word, line), code, message, hint)

    @property
    def errors(self) -> int:
        """How many errors there are so far."""
        return sum(problem.severity == "error" for problem in self.problems)

    def place(self, path: Path) -> tuple[int, int]:
        """Return line and column of a path."""
        return locate(self.root, path)


def validate(
    model: type[M],
    data: dict[str, Any],
    report: Reporter,
    base: Path,
    hints: Mapping[str, str] = _HINTS,
) -> M:
    """Validate a mapping, report every error, and return what is left without the bad parts.

    `data` loses its bad parts on the way, so that one mistake does not hide the next. `hints` are
    for keys that people write and that the model does not have; a key further down is dotted.
    """
    first = True
    while True:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            details = error.errors(include_url=False)
        for detail in details:
            # In a later round, a key is missing because it was dropped for its value.
            if first or detail["type"] != "missing":
                _report(detail, model, report, base, hints)
        for holder, key in [_bad_part(data, each["loc"], each["type"]) for each in details]:
            holder.pop(key, None)
        first = False


def _report(
    detail: Any,
    model: type[BaseModel],
    report: Reporter,
    base: Path,
    hints: Mapping[str, str],
) -> None:
    kind, loc = detail["type"], tuple(detail["loc"])
    path = base + loc
    name = _dotted(loc)
    if kind == "ours":
        ours = detail["ctx"]
        report.error(path, ours["code"], f"{name}: {ours['message']}", ours["hint"])
    elif kind == "extra_forbidden":
        hint = hints.get(name, "")
        hint = hint or did_you_mean(str(loc[-1]), _known_keys(model, loc[:-1]))
        report.error(path, "unknown_key", f"unknown key {loc[-1]!r}", hint, key=True)
    elif kind == "missing":
        parent = _dotted(loc[:-1])
        report.error(path[:-1], "missing_key", f"{parent} needs the key {loc[-1]!r}")
    else:
        wanted, hint = _PYDANTIC_WORDS.get(kind, ("something else", ""))
        report.error(path, "bad_type", f"{name} must be {wanted}", hint)


def _dotted(loc: tuple[int | str, ...]) -> str:
    words = [str(step) for step in loc if isinstance(step, str)]
    return ".".join(words) or "the file"


def _known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    for step in loc:
        inner = next(
            (
                part
                for name, field in model.model_fields.items()
                if (field.alias or name) == step
                for part in (field.annotation, *get_args(field.annotation))
                if isinstance(part, type) and issubclass(part, BaseModel)
            ),
            None,
        )
        model = inner or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _bad_part(
    data: dict[str, Any], loc: tuple[int | str, ...], kind: str
) -> tuple[dict[str, Any], str]:
    """Return the mapping and the key to take out; a bad entry of a list takes the list along.

    For a missing key that is the mapping that it is missing from.
    """
    holder, key = data, str(loc[0])
    for step in loc[1:-1] if kind == "missing" else loc[1:]:
        inner = holder[key]
        if not isinstance(inner, dict) or not isinstance(step, str) or step not in inner:
            break
        holder, key = inner, step
    return holder, key
