"""Things that are known once, and how far a search has come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from smsnotify.store.instants import from_micros, to_micros


def get_meta(connection: Connection, name: str) -> str:
    """Return the value noted under a name, `''` when there is none."""
    found = connection.execute(text("SELECT value FROM meta WHERE name = :name"), {"name": name})
    return str(found.scalar() or "")


def set_meta(connection: Connection, name: str, value: str) -> None:
    """Note a value under a name, in place of the one before."""
    connection.execute(
        text(
            "INSERT INTO meta (name, value) VALUES (:name, :value) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        {"name": name, "value": value},
    )


def get_watermark(connection: Connection, name: str) -> datetime | None:
    """Return how far something has come, None when it never began."""
    found = connection.execute(text("SELECT at FROM watermarks WHERE name = :name"), {"name": name})
    return from_micros(found.scalar())


def set_watermark(connection: Connection, name: str, at: datetime) -> None:
    """Note how far something has come."""
    connection.execute(
        text(
            "INSERT INTO watermarks (name, at) VALUES (:name, :at) "
            "ON CONFLICT (name) DO UPDATE SET at = excluded.at"
        ),
        {"name": name, "at": to_micros(at)},
    )
