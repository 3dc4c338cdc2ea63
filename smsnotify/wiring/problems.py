"""Mistakes in the settings file, each with its line and what to do next."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ValidationError

from smsnotify.base.errors import ConfigError
from smsnotify.model.problem import Problem
from smsnotify.wiring.positions import Path, Place

_PLAIN: Final = {
    "missing": "is missing",
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": 'must be a list, such as ["…"]',
    "tuple_type": 'must be a list, such as ["…"]',
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}

_SHOULD: Final = re.compile(r"^\w+ should ")


class Findings:
    """Collects problems of one settings file and knows where its keys stand."""

    def __init__(self, file: FilePath | None, places: Mapping[Path, Place] | None = None) -> None:
        """`places` is what `positions` read from the file's text."""
        self.file = shown_path(file) if file else ""
        self.places = places or {}
        self.problems: list[Problem] = []

    @property
    def failed(self) -> bool:
        """True once there is an error among the problems."""
        return any(problem.severity == "error" for problem in self.problems)

    def add(
        self,
        path: Path,
        code: str,
        message: str,
        hint: str = "",
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """Note a problem of the key at `path`, placed at the nearest key that is written."""
        line, column = self._place(path)
        told = f"{dotted(path)}: {message}" if path else message
        self.problems.append(
            Problem(
                severity=severity,
                file=self.file,
                line=line,
                column=column,
                code=code,
                message=told,
                hint=hint,
            )
        )

    def warn(self, path: Path, code: str, message: str, hint: str = "") -> None:
        """Note a doubt that stops nothing."""
        self.add(path, code, message, hint, "warning")

    def add_invalid(self, error: ValidationError, model: type[BaseModel], at: Path = ()) -> None:
        """Translate what pydantic found under `at` into plain words."""
        for found in error.errors(include_url=False, include_input=False):
            path = (*at, *_key_path(found["loc"]))
            if found["type"] == "extra_forbidden":
                self.unknown_key(path, _keys_at(model, path[len(at) : -1]))
            else:
                code = "missing" if found["type"] == "missing" else "bad_value"
                self.add(path, code, _plain(found))

    def unknown_key(self, path: Path, known: Collection[str]) -> None:
        """Note a key that means nothing, with the nearest one that does."""
        self.add(path, "unknown_key", "there is no such setting", did_you_mean(path[-1], known))

    def _place(self, path: Path) -> Place:
        for depth in range(len(path), 0, -1):
            if place := self.places.get(path[:depth]):
                return place
        return (1, 1) if self.file else (0, 0)


def did_you_mean(word: object, known: Collection[str]) -> str:
    """Return a hint with the nearest known word, or with all of them when none is near."""
    near = get_close_matches(str(word), known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(sorted(known))}" if known else ""


def dotted(path: Path) -> str:
    """Write a path as one would in the file: `accounts.main.countries[1]`."""
    told = ""
    for part in path:
        if isinstance(part, int):
            told += f"[{part}]"
        else:
            told += f".{part}" if told else part
    return told


def shown_path(file: FilePath) -> str:
    """Return a path as short as it can be told: from the working folder if it lies below."""
    try:
        return str(file.relative_to(FilePath.cwd()))
    except ValueError:
        return str(file)


def as_error(problems: Collection[Problem]) -> ConfigError:
    """Return one error that tells every mistake, each on its line."""
    wrong = [problem for problem in problems if problem.severity == "error"]
    if len(wrong) == 1 and wrong[0].hint:
        only = wrong[0]
        told = f"{only.place}: {only.message}" if only.place else only.message
        return ConfigError(told, hint=only.hint)
    return ConfigError("\n".join(str(problem) for problem in wrong))


def _plain(found: Any) -> str:
    kind = found["type"]
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in ("enum", "literal_error"):
        return f"must be {found['ctx']['expected']}"
    message = _SHOULD.sub("must ", str(found["msg"]).removeprefix("Value error, "))
    return message[:1].lower() + message[1:]


def _key_path(loc: tuple[int | str, ...]) -> Path:
    """Drop the step that pydantic adds for a mistake in a key itself."""
    return tuple(part for part in loc if part != "[key]")


def _keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that a table of the model may have."""
    for part in path:
        field = model.model_fields.get(str(part))
        inner = None if field is None else _model_in(field.annotation)
        if inner is None:
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
