"""What happened between a person and the firm, on any channel: kept once each."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from smsnotify.model.contact import Interaction
from smsnotify.store.instants import to_micros
from smsnotify.store.reader import Reader
from smsnotify.store.rowset import (
    among,
    execute,
    is_postgres,
    packed,
    statement,
)
from smsnotify.store.statements import write_rows

_KINDS: Final = {
    "id": "text",
    "contact_id": "text",
    "channel": "text",
    "event": "text",
    "at": "int",
    "value": "float",
    "data": "text",
    "ref": "text",
    "outside_id": "text",
}


_ADD: Final = (
    f"INSERT INTO interactions ({', '.join(_KINDS)}) "
    f"SELECT {', '.join(f'r.{name}' for name in _KINDS)} "
    "FROM {rows} WHERE true ON CONFLICT DO NOTHING"
)


def note_interactions(connection: Connection, interactions: Sequence[Interaction]) -> set[str]:
    """Keep interactions, each outside id once; return the ids of those that were new."""
    rows = [
        (
            one.id,
            one.contact_id,
            one.channel,
            one.event,
            to_micros(one.at),
            one.value,
            packed(dict(one.data)) if one.data else "{}",
            one.ref,
            one.outside_id,
        )
        for one in interactions
    ]
    ids = {one.id for one in interactions}
    if write_rows(connection, _ADD, _KINDS, rows) == len(rows):
        return ids
    postgres = is_postgres(connection)
    asking = statement(
        postgres, f"SELECT id FROM interactions WHERE {among(postgres, 'id', 'ids')}"
    )
    kept = execute(connection, asking, {"ids": packed(sorted(ids))}).fetchall()
    return {str(row[0]) for row in kept}


_INTERACTIONS: Final = Reader("interactions", Interaction)


def interactions_of(connection: Connection, contact_id: str, limit: int) -> list[Interaction]:
    """Return what happened with a contact, the newest first."""
    rest = "WHERE contact_id = :contact ORDER BY id DESC LIMIT :limit"
    return _INTERACTIONS.read(connection, rest, {"contact": contact_id, "limit": limit})
