"""Lines that were no events, kept beside the input so that nothing is lost."""

from __future__ import annotations

import base64
import errno
import json
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import IO, Final

from smsnotify.base.errors import StoppedError
from smsnotify.engine.intake import Rejected

ENDING: Final = ".rejected.jsonl"
STDIN: Final = "-"


def rejects_path(source: str, now: datetime) -> Path:
    """Return where the rejected lines of an input go: `FILE.rejected.jsonl`.

    What cannot be read twice (standard input, a pipe, a provider's list) has no file to stand
    beside: its lines go to the working folder, under the time of the run.
    """
    if source == STDIN:
        return _of_moment("stdin", now)
    if not Path(source).is_file():
        return _of_moment(Path(source).name, now)
    return Path(f"{source}{ENDING}")


def _of_moment(name: str, now: datetime) -> Path:
    """Return a name that no other run has: an earlier run's lines are nowhere else any more."""
    stem = f"{name}-{now:%Y%m%dT%H%M%S}"
    tries = (Path(f"{stem}{'' if n == 1 else f'-{n}'}{ENDING}") for n in count(1))
    return next(path for path in tries if not path.exists())


class RejectFile:
    """Writes rejected lines; the file appears with the first one, readable by its owner only.

    In a folder that does not let us write, it appears in the working folder instead. `path` is
    where it really is.
    """

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
        rows = [json.dumps(_row(line), ensure_ascii=False) + "\n" for line in rejected]
        try:
            file = self._file or self._open()
            file.writelines(rows)
            file.flush()  # the lines of a pipe are gone if we are killed now
        except OSError as error:
            raise StoppedError(
                f"cannot write the rejected lines to {self.path}: {error.strerror}",
                hint="make room or give the folder write permission, then repeat the command",
            ) from None
        self.count += len(rows)

    def close(self) -> None:
        """Close the file; what was added is in it already."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _open(self) -> IO[str]:
        try:
            self._file = _open_private(self.path)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT):
                raise
            self.path = Path(self.path.name)
            self._file = _open_private(self.path)
        return self._file


def _open_private(path: Path) -> IO[str]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    if os.name == "posix" and stat.S_ISREG(os.fstat(handle).st_mode):
        os.fchmod(handle, 0o600)  # one from an earlier run may be open to others
    # A file name may hold bytes that are no text; escaped, they are still JSON.
    return os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace")


def _row(line: Rejected) -> dict[str, object]:
    row = line.as_json()
    try:
        row["raw"] = line.raw.decode("utf-8")
    except UnicodeDecodeError:
        row["raw_base64"] = base64.b64encode(line.raw).decode("ascii")
    return row
