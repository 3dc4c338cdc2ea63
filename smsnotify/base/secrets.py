"""Secrets as settings write them: from the environment, from a file, or plain."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from smsnotify.base.errors import ConfigError


class Secret:
    """A secret that is read when it is used and that never prints itself.

    Written as `{ env = "NAME" }`, `{ file = "PATH" }` (relative to the settings file) or a plain
    string. `reveal()` is the only way to the value.
    """

    __slots__ = ("_base", "_kind", "_value")

    def __init__(self, kind: str, value: str, base: Path | None = None) -> None:
        """Make one by hand: `kind` is `env`, `file` or `plain`."""
        self._kind = kind
        self._value = value
        self._base = base or Path()

    @classmethod
    def parse(cls, written: Any, base: Path | None = None) -> Secret:
        """Read what stands in the settings file.

        Raises:
            ConfigError: neither a string nor a table with one of `env` and `file`.
        """
        if isinstance(written, Secret):
            return written
        if isinstance(written, str) and written:
            return cls("plain", written)
        if isinstance(written, dict) and len(written) == 1:
            kind, value = next(iter(written.items()))
            if kind in ("env", "file") and isinstance(value, str) and value:
                return cls(kind, value, base)
        raise ConfigError(
            'a secret is written as text, { env = "NAME" } or { file = "PATH" }',
        )

    @property
    def is_plain(self) -> bool:
        """True when the value itself stands in the settings file (accepted, warned about)."""
        return self._kind == "plain"

    @property
    def file(self) -> Path | None:
        """The file that the value comes from; None for the other two kinds."""
        return self._base / Path(self._value).expanduser() if self._kind == "file" else None

    def reveal(self) -> str:
        """Return the value.

        Raises:
            ConfigError: the variable is not set, or the file cannot be read or is empty.
        """
        if self._kind == "plain":
            return self._value
        if self._kind == "env":
            value = os.environ.get(self._value, "")
            if not value:
                raise ConfigError(
                    f"the environment variable {self._value} is not set",
                    hint=f"export {self._value}=…, or use {{ file = … }}: cron sets no variables",
                )
            return value
        path = self._base / Path(self._value).expanduser()
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            problem = getattr(error, "strerror", None) or "is not text"
            raise ConfigError(f"the secret file {path} cannot be read: {problem}") from None
        if not value:
            raise ConfigError(f"the secret file {path} is empty")
        return value

    def describe(self) -> str:
        """Say where the value comes from without showing it: `env NAME`, `file PATH`, `***`."""
        return "***" if self.is_plain else f"{self._kind} {self._value}"

    def __repr__(self) -> str:
        """Never show the value."""
        return f"Secret({self.describe()})"

    __str__ = __repr__
