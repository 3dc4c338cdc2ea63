"""An alarm to the firm's own people, on its way to a chat, a pager or the like."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Alarm(msgspec.Struct, frozen=True, gc=False):
    """What the people behind every address of an account shall read; `title` may be `''`."""

    title: str
    body: str


class AlarmWord(StrEnum):
    """What became of an alarm at one address. The library behind it says only yes or no."""

    TOOK = "took"
    REFUSED = "refused"  # no, at once: refused, or nobody there
    SILENT = "silent"  # no, after as long as an answer may take: it may be there
    NO_ADDRESS = "no_address"  # the library cannot read the address, or has no such service
