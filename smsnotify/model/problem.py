"""One thing wrong in a file that a person wrote."""

from __future__ import annotations

from typing import Literal

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A mistake or a doubt in a rule or settings file, with its place. Lines count from 1."""

    severity: Literal["error", "warning"] = "error"
    file: str = ""
    line: int = 0
    column: int = 0
    code: str
    message: str
    hint: str = ""

    @property
    def place(self) -> str:
        """`file:line:column`, as editors and terminals make clickable."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        """`file:line:column: message (hint)`."""
        told = f"{self.place}: {self.message}" if self.place else self.message
        return f"{told} ({self.hint})" if self.hint else told
