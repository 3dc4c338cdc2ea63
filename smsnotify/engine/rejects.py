"""Lines that were no events, kept beside the input so that nothing is lost."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO

from smsnotify.base.errors import StoppedError
from smsnotify.engine.intake import Rejected


def rejects_path(source: str, now: datetime) -> Path:
    """Return where the rejected lines of an input go: `FILE.rejected.jsonl`.

    Standard input has no name to lean on and cannot be read twice, so its file carries the time.
    """
    if source == "-":
        return Path(f"stdin-{now:%Y%m%dT%H%M%S}.rejected.jsonl")
    return Path(f"{source}.rejected.jsonl")


class RejectFile:
    """Writes rejected lines; the file appears with the first one, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        """Remember where; nothing is opened yet."""
        self.path = path
        self.count = 0
        self._file: IO[str] | None = None

    def add(self, rejected: Iterable[Rejected]) -> None:
        """Keep lines with number and reason; a line that is not UTF-8 is kept as base64.

        Raises:
            StoppedError: the file cannot be written, so going on would lose lines.
        """
        for line in rejected:
            try:
                self._opened().write(json.dumps(_row(line), ensure_ascii=False) + "\n")
            except OSError as error:
                raise StoppedError(
                    f"cannot write the rejected lines to {self.path}: {error.strerror}",
                    hint="make room or give the folder write permission, then repeat the command",
                ) from None
            self.count += 1

    def close(self) -> None:
        """Put everything on the disk.

        Raises:
            StoppedError: the disk is full.
        """
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                raise StoppedError(f"cannot write {self.path}: {error.strerror}") from None

    def _opened(self) -> IO[str]:
        if self._file is None:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(handle, "w", encoding="utf-8")
        return self._file


def _row(line: Rejected) -> dict[str, object]:
    row = line.as_json()
    try:
        row["raw"] = line.raw.decode("utf-8")
    except UnicodeDecodeError:
        row["raw_base64"] = base64.b64encode(line.raw).decode("ascii")
    return row
