"""Events that somebody posts: a body to lines, and what taking them in came to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

import msgspec

from smsnotify.base.clock import Clock
from smsnotify.base.errors import StoppedError
from smsnotify.engine.intake import Intake, Rejected
from smsnotify.engine.tally import Tally
from smsnotify.events.entries import LineSplitter, ValueSplitter

MOST_TOLD: Final = 100
"""So many rejected entries are listed in an answer; the rest is counted."""

_AT_ONCE: Final = 1000
_PIECE: Final = 1 << 18  # bytes
_BOM: Final = b"\xef\xbb\xbf"
_ATTRIBUTES: Final = ("specversion", "type", "id", "source", "time", "subject")


class Layout(StrEnum):
    """How entries lie in a body."""

    VALUES = "values"  # one JSON value, an array of them, or several one after another
    LINES = "lines"  # one JSON value a line
    WHOLE = "whole"  # the body is one entry


class Posted(msgspec.Struct, frozen=True):
    """What became of a body: entries taken and refused, and what was decided about their events.

    `rejected` holds the first MOST_TOLD of `rejected_count`.
    """

    accepted: int
    rejected: list[Rejected]
    rejected_count: int
    tally: Tally

    def as_json(self) -> dict[str, object]:
        """`{"accepted", "events", "rejected": [{line, reason, message, hint}], "decisions", …}`."""
        tally = self.tally
        return {
            "accepted": self.accepted,
            "events": tally.events,
            "rejected": told_rejected(self.rejected),
            "rejected_count": self.rejected_count,
            "decisions": tally.decided(),
        }


def told_rejected(rejected: Sequence[Rejected]) -> list[dict[str, object]]:
    """Return what a caller is told of refused entries: not what stood in them."""
    return [
        {"line": one.line, "reason": one.reason, "message": one.message, "hint": one.hint}
        for one in rejected
    ]


def split_body(
    body: bytes, layout: Layout, go_on: Callable[[], bool] = lambda: True
) -> list[bytes]:
    """Cut a body into entries; blank lines stay in where line numbers count them.

    A body of nothing but brackets takes a while: not for an event loop.

    Raises:
        StoppedError: `go_on` said no in the middle of it.
    """
    body = body.removeprefix(_BOM)
    if layout is Layout.WHOLE:
        return [body]
    splitter = LineSplitter() if layout is Layout.LINES else ValueSplitter()
    entries: list[bytes] = []
    for start in range(0, len(body), _PIECE):
        if not go_on():
            raise StoppedError("the desk is closing; post it again")
        entries += splitter.feed(body[start : start + _PIECE])
    return entries + splitter.finish()


def cloud_event_line(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a CloudEvent in binary mode (`ce-…` headers, the data as body) as one JSON line.

    Header values are percent-encoded UTF-8.
    Source: CloudEvents 1.0.2, HTTP protocol binding, section 3.1 (checked August 2026).
    """
    envelope = {
        name: unquote(headers[f"ce-{name}"]) for name in _ATTRIBUTES if f"ce-{name}" in headers
    }
    head = msgspec.json.encode(envelope)
    return head[:-1] + b',"data":' + (body.strip() or b"null") + b"}"


def take_posted(
    intake: Intake, lines: Sequence[bytes], clock: Clock, *, go_on: Callable[[], bool]
) -> Posted:
    """Take entries in; everything that is counted as accepted is stored when this returns.

    Raises:
        StoppedError: `go_on` said no between two portions; what was taken in before it stays, and
            the same body again makes duplicates of it.
        StoreError: likewise.
    """
    tally = Tally()
    told: list[Rejected] = []
    accepted = refused = 0
    for start in range(0, len(lines), _AT_ONCE):
        if not go_on():
            raise StoppedError("the desk is closing; post it again")
        portion = lines[start : start + _AT_ONCE]
        taken = intake.take(start + 1, portion, clock())
        tally.events += taken.events
        tally.add(taken.decisions)
        refused += len(taken.rejected)
        told += taken.rejected[: MOST_TOLD - len(told)]
        accepted += sum(1 for line in portion if line.strip()) - len(taken.rejected)
    tally.rejected = refused
    return Posted(accepted, told, refused, tally)
