"""The lines that events came in, once each and in order, to go through them again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from sqlalchemy import Connection, text

from smsnotify.store.instants import from_micros
from smsnotify.store.order import first_id

PAGE = 1000


class StoredLine(msgspec.Struct, frozen=True, gc=False):
    """A line as it came, and when it reached us. `id` is its first event's."""

    id: str
    raw: bytes
    received_at: datetime


def lines_page(connection: Connection, after: str) -> list[StoredLine]:
    """Return the rows behind an id; a line that told of several events has several."""
    rows = connection.execute(
        text(
            f"SELECT id, raw, received_at FROM events WHERE id > :after ORDER BY id LIMIT {PAGE}"  # noqa: S608 - our own number
        ),
        {"after": after},
    )
    return [StoredLine(id, bytes(raw), from_micros(at)) for id, raw, at in rows]


def distinct(lines: Iterator[StoredLine]) -> Iterator[StoredLine]:
    """Leave out rows that repeat the line before them at the same instant."""
    last: StoredLine | None = None
    for line in lines:
        if last is None or line.raw != last.raw or line.received_at != last.received_at:
            yield line
        last = line


def start_of(since: datetime) -> str:
    """Return the id to begin behind."""
    return first_id(since)
