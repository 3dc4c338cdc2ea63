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


class NamedLine(msgspec.Struct, frozen=True, gc=False):
    """A line that told of an event, the event's name, and the number of its job."""

    id: str
    name: str
    job: str
    raw: bytes
    received_at: datetime


def newest_lines(connection: Connection, limit: int) -> list[NamedLine]:
    """Return the newest lines, each once, the newest first."""
    rows = connection.execute(
        text(
            "SELECT events.id, events.name, COALESCE(jobs.do_number, ''), raw, received_at "  # noqa: S608 - our own number
            "FROM events LEFT JOIN jobs ON jobs.subject = events.subject "
            f"WHERE length(raw) > 0 ORDER BY events.id DESC LIMIT {int(limit) * 2}"
        )
    )
    found = [
        NamedLine(id, name, job, bytes(raw), from_micros(at)) for id, name, job, raw, at in rows
    ]
    return list({line.raw: line for line in reversed(found)}.values())[::-1][:limit]


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
