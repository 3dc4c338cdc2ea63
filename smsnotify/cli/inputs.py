"""What can be said of inputs before anything is opened, made or sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smsnotify.base.errors import UsageError


def known_format(format: str) -> str:
    """Refuse a format that nothing is written in.

    Raises:
        UsageError: there is no such format.
    """
    from smsnotify.events.shapes import FORMATS

    if format not in FORMATS:
        raise UsageError(f"--format {format!r} is none", hint=f"it is one of {', '.join(FORMATS)}")
    return format


def readable(sources: Sequence[str]) -> Sequence[str]:
    """Look whether every input can be opened, so that a mistyped last name stops the first.

    Raises:
        InputError: one is missing, a folder, or may not be read.
    """
    from smsnotify.events.blocks import STDIN, open_file

    for source in sources:
        if source != STDIN and not _is_pipe(source):
            open_file(source).close()
    return sources


def _is_pipe(source: str) -> bool:
    """Say whether opening it would take something away from whoever reads it later."""
    path = Path(source)
    try:
        return path.exists() and not path.is_file() and not path.is_dir()
    except (OSError, ValueError):
        return False
