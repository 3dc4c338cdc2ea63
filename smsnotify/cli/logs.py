"""The log on stderr: levels by `-q` and `-v`, numbers and secrets masked once more on the way."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from smsnotify.base.redact import scrub


class _Scrubbed(logging.Formatter):
    """The last line of defence: whatever a library logs, no number or secret gets through."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def start_logging(*, quiet: bool, verbosity: int) -> None:
    """Send the log to stderr: warnings; with `-q` errors, `-v` what is done, `-vv` everything."""
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _Stderr)]:
        root.removeHandler(old)
    handler = _Stderr()
    shape = "%(levelname)s %(message)s"
    if verbosity > 1:
        shape = "%(asctime)s %(levelname)s %(name)s %(message)s"
    handler.setFormatter(_Scrubbed(shape))
    root.addHandler(handler)
    if quiet:
        level = logging.ERROR
    else:
        level = {0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    logging.getLogger("smsnotify").setLevel(level)
