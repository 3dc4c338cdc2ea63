"""What a call of a command is, and what it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple


class Done(NamedTuple):
    """What a command left: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[dict[str, Any]]:
        """The lines of stdout as objects."""
        return [json.loads(line) for line in self.out.splitlines()]


Cli = Callable[..., Done]
