"""The trail of what people changed, and the count of tries to log in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from smsnotify.model.user import AuditEntry
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.statements import insert_rows
from smsnotify.store.unstorable import storable

_COLUMNS: Final = ("id", "at", "who", "door", "what", "about", "before", "after")


def note_change(connection: Connection, entry: AuditEntry) -> None:
    """Keep an entry."""
    told = (entry.who, entry.door, entry.what, entry.about, entry.before, entry.after)
    row = (entry.id, to_micros(entry.at), *map(storable, told))
    insert_rows(connection, "audit", _COLUMNS, [row], "DO NOTHING")


def note_outcome(connection: Connection, entry_id: str, after: str) -> None:
    """Write what a change came to."""
    connection.execute(
        text("UPDATE audit SET after = :after WHERE id = :id"),
        {"after": storable(after), "id": entry_id},
    )


def list_changes(
    connection: Connection, *, who: str = "", about: str = "", before: str = "", limit: int = 100
) -> list[AuditEntry]:
    """Return entries, the newest first: of one person, about one thing, older than an id."""
    parts, values = ["1 = 1"], dict[str, object]()
    for name, value in (("who", who), ("about", about)):
        if value:
            parts.append(f"{name} = :{name}")
            values[name] = storable(value)
    if before:
        parts.append("id < :last")
        values["last"] = storable(before)
    rows = connection.execute(
        text(
            f"SELECT {', '.join(_COLUMNS)} FROM audit WHERE {' AND '.join(parts)} "  # noqa: S608 - constants
            f"ORDER BY id DESC LIMIT {int(limit)}"
        ),
        values,
    )
    return [
        AuditEntry(
            id=row.id,
            at=from_micros(row.at),
            who=row.who,
            door=row.door,
            what=row.what,
            about=row.about,
            before=row.before,
            after=row.after,
        )
        for row in rows
    ]


def count_try(
    connection: Connection, limits: Mapping[str, int], now: datetime, span: timedelta
) -> datetime | None:
    """Count one more try of each of these; return until when they must wait, None if not.

    A try counts before its password is looked at, so that many at once are many tries. Counting
    begins anew `span` after the first one.
    """
    at, begin = to_micros(now), to_micros(now - span)
    connection.execute(text("DELETE FROM login_tries WHERE since <= :begin"), {"begin": begin})
    rows = [(who, 1, at) for who in sorted(limits)]
    insert_rows(
        connection,
        "login_tries",
        ("who", "tries", "since"),
        rows,
        "(who) DO UPDATE SET tries = login_tries.tries + 1",
    )
    until: datetime | None = None
    for who, most in limits.items():
        tries, since = connection.execute(
            text("SELECT tries, since FROM login_tries WHERE who = :who"), {"who": who}
        ).one()
        if tries > most:
            over = from_micros(int(since)) + span
            until = over if until is None else max(until, over)
    return until


def forget_tries(connection: Connection, whose: Collection[str]) -> None:
    """Begin to count anew: somebody knew the password."""
    for who in whose:
        connection.execute(text("DELETE FROM login_tries WHERE who = :who"), {"who": who})
