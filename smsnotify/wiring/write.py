"""Writing settings: a new file, or one key of an old one with its comments kept."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smsnotify.base.errors import ConfigError
from smsnotify.model.problem import Problem
from smsnotify.wiring.problems import as_error, shown_path
from smsnotify.wiring.settings import check_text


def settings_text(answers: Mapping[str, Any]) -> str:
    """Return a settings file with the answers in their order."""
    import tomli_w

    return tomli_w.dumps(answers)


def write_private(file: Path, text: str) -> None:
    """Replace a file in one step; nobody but its owner can read it.

    Raises:
        ConfigError: the folder or the disk does not let us.
    """
    target = Path(os.path.realpath(file))
    try:
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            os.replace(draft, target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{shown_path(file)} cannot be written: {error.strerror}") from None


def set_value(file: Path, key: str, written: str) -> list[Problem]:
    """Change one key of a settings file and return the doubts that are left.

    `key` is dotted (`accounts.main.sender`); `written` is read as TOML where that makes the
    settings right (`true`, `50`, `["SG"]`, `{ env = "NAME" }`), else as text. Comments and order
    stay. Nothing is written unless the whole file is right afterwards.

    Raises:
        ConfigError: the key or the value is wrong, or the file cannot be written.
    """
    path = split_key(key)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{shown_path(file)} cannot be read: {reason}") from None
    first_problems: list[Problem] | None = None
    for value in _readings(written):
        changed = _changed(text, path, value, key)
        settings, problems = check_text(changed, file)
        if settings is not None:
            write_private(file, changed)
            return problems
        first_problems = first_problems or problems
    raise as_error(first_problems or [])


def split_key(key: str) -> list[str]:
    """Split `prices."8x8".SG` at its dots.

    Raises:
        ConfigError: it is no key.
    """
    try:
        table: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        table = {}
    path = []
    while isinstance(table, dict) and len(table) == 1:
        part, table = next(iter(table.items()))
        path.append(part)
    if not path or table != 0:
        raise ConfigError(
            f"{key!r} is no key of the settings",
            hint="write it with dots: accounts.main.sender",
        )
    return path


def _readings(written: str) -> list[Any]:
    """Return what the value may mean, the likelier first: a bare word is text, `50` a number."""
    try:
        value = tomllib.loads(f"value = {written}")
    except tomllib.TOMLDecodeError:
        return [written]
    return [value["value"], written] if len(value) == 1 else [written]


def _changed(text: str, path: list[str], value: Any, key: str) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
    except TOMLKitError:
        return text  # what is wrong with it is told by the check that follows
    table: Any = document
    for part in path[:-1]:
        if part not in table:
            table[part] = tomlkit.table()
        table = table[part]
        if not isinstance(table, dict):
            raise ConfigError(f"{key}: {part} is a value, not a table")
    table[path[-1]] = _inline(value)
    return _spaced(text, tomlkit.dumps(document))


def _spaced(before: str, after: str) -> str:
    """Leave a blank line on both sides of a table that is new; tomlkit puts it close to others."""
    old, lines = before.split("\n"), after.split("\n")
    pairs = enumerate(zip(old, lines, strict=False))
    at = next((index for index, (was, now) in pairs if was != now), len(old))
    while at < len(lines) - 1 and not lines[at].strip():
        at += 1  # sometimes it leaves the line above, and only that one
    if at < len(lines) and lines[at].startswith("["):
        if at + 2 < len(lines) and lines[at + 2].strip():
            lines.insert(at + 2, "")
        if at and lines[at - 1].strip():
            lines.insert(at, "")
    return "\n".join(lines)


def _inline(value: Any) -> Any:
    """Keep `{ env = "NAME" }` on one line; tomlkit would open a table for it."""
    import tomlkit

    if not isinstance(value, dict):
        return value
    table = tomlkit.inline_table()
    table.update(value)
    return table
