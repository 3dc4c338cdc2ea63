"""Reading the settings: every mistake in one run, each with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from smsnotify.base.errors import ConfigError
from smsnotify.model.problem import Problem
from smsnotify.wiring import values
from smsnotify.wiring.accounts import read_accounts
from smsnotify.wiring.crosscheck import cross_check
from smsnotify.wiring.find import find_settings
from smsnotify.wiring.models import Settings
from smsnotify.wiring.positions import positions
from smsnotify.wiring.problems import Findings, as_error, shown_path

_AT: Final = re.compile(r" ?\(at line (\d+), column (\d+)\)| ?\(at end of document\)")


def load_settings(config: Path | None = None) -> Settings:
    """Return the settings that count here; the built-in ones when there is no file anywhere.

    Raises:
        ConfigError: the file is not where it was said to be, or something in it is wrong; the
            message tells every mistake.
    """
    settings, problems = check_settings(config)
    if settings is None:
        raise as_error(problems)
    return settings


def check_settings(config: Path | None = None) -> tuple[Settings | None, list[Problem]]:
    """Return the settings, None when there are errors, and everything wrong or doubtful.

    Raises:
        ConfigError: a file was named that is not there.
    """
    file = find_settings(config)
    if file is None:
        return Settings().place(None, Path.cwd()), []
    return check_text(_read(file), file)


def check_text(text: str, file: Path) -> tuple[Settings | None, list[Problem]]:
    """Check what shall stand in a settings file, without reading the file itself."""
    findings = Findings(file)
    try:
        written = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax_problem(error, text, file)]
    findings.places = positions(text)
    settings = _validate(written, file, findings)
    cross_check(settings, written, findings)
    return (None if findings.failed else settings), _in_order(findings.problems)


def with_database(settings: Settings, url: str) -> Settings:
    """Return the settings with another database, as `--database` says it.

    Raises:
        ConfigError: it is no address of a database.
    """
    try:
        read = values.database_url(url)
    except ValueError as error:
        raise ConfigError(f"--database: {error}") from None
    return settings.model_copy(update={"database": values.absolute_database(read, Path.cwd())})


def _validate(written: dict[str, Any], file: Path, findings: Findings) -> Settings:
    folder = file.parent
    tables = dict(written)
    accounts = read_accounts(tables.pop("accounts", {}), folder, findings)
    try:
        settings = Settings.model_validate(tables, context={"base": folder})
    except ValidationError as error:
        findings.add_invalid(error, Settings)
        wrong = {found["loc"][0] for found in error.errors() if found["loc"]}
        rest = {key: value for key, value in tables.items() if key not in wrong}
        settings = Settings.model_validate(rest, context={"base": folder})
    database = values.absolute_database(settings.database, folder)
    update: Mapping[str, Any] = {"accounts": accounts, "database": database}
    return settings.model_copy(update=update).place(file, folder)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{shown_path(file)} is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{shown_path(file)} cannot be read: {error.strerror}") from None


def _syntax_problem(error: tomllib.TOMLDecodeError, text: str, file: Path) -> Problem:
    message = str(error)
    found = _AT.search(message)
    if found and found.group(1):
        line, column = int(found.group(1)), int(found.group(2))
    else:
        line, column = text.count("\n") + 1, 1
    told = _AT.sub("", message)
    return Problem(
        file=shown_path(file),
        line=line,
        column=column,
        code="syntax",
        message=f"this is not TOML: {told[:1].lower()}{told[1:]}",
        hint='text stands in quotes: country = "SG"',
    )


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.line, problem.column))
