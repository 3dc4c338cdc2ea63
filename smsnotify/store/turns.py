"""Whose turn it is to do what one process at a time should do: a lease in `meta`.

It saves work, no more: whatever is done under it must be safe to do twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from smsnotify.store.instants import to_micros

_FARTHEST: Final = timedelta(minutes=10)  # a lease beyond it was given before the clock jumped back


def take_turn(
    connection: Connection, name: str, owner: str, now: datetime, lasting: timedelta
) -> bool:
    """Take the turn until `now + lasting`, or hold on to it; False while another owner has it."""
    done = connection.execute(
        text(
            "INSERT INTO meta (name, value) VALUES (:name, :value) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value "
            "WHERE substr(meta.value, 22) = :owner "
            "OR substr(meta.value, 1, 20) <= :now OR substr(meta.value, 1, 20) > :farthest"
        ),
        {
            "name": f"turn:{name}",
            "value": f"{_digits(now + lasting)} {owner}",
            "owner": owner,
            "now": _digits(now),
            "farthest": _digits(now + _FARTHEST),
        },
    )
    return done.rowcount > 0


def end_turn(connection: Connection, name: str, owner: str) -> None:
    """Give the turn back, if it is still the owner's."""
    connection.execute(
        text("DELETE FROM meta WHERE name = :name AND substr(value, 22) = :owner"),
        {"name": f"turn:{name}", "owner": owner},
    )


def _digits(at: datetime) -> str:
    """Microseconds as 20 digits: texts that sort as the instants do."""
    return f"{to_micros(at):020d}"
