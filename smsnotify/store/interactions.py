"""What happened between a person and the firm, on any channel: kept once each."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from smsnotify.model.contact import Interaction
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.rowset import (
    among,
    as_json,
    as_one,
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


class _Row(msgspec.Struct, array_like=True, gc=False):
    id: str
    contact_id: str
    channel: str
    event: str
    at: int
    value: float | None
    data: dict[str, Any]
    ref: str
    outside_id: str


_decode: Final = msgspec.json.Decoder(list[_Row]).decode


@cache
def _select(postgres: bool) -> str:
    listed = [as_json(postgres, name) if name == "data" else name for name in _KINDS]
    return statement(
        postgres,
        as_one(
            postgres,
            listed,
            "SELECT * FROM interactions WHERE contact_id = :contact ORDER BY id DESC LIMIT :limit",
        ),
    )


def interactions_of(connection: Connection, contact_id: str, limit: int) -> list[Interaction]:
    """Return what happened with a contact, the newest first."""
    values = {"contact": contact_id, "limit": limit}
    found = execute(connection, _select(is_postgres(connection)), values).fetchone()
    return [
        Interaction(
            id=row.id,
            contact_id=row.contact_id,
            channel=row.channel,
            event=row.event,
            at=from_micros(row.at),
            value=row.value,
            data=row.data,
            ref=row.ref,
            outside_id=row.outside_id,
        )
        for row in _decode(found[0])
    ]
