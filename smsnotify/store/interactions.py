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
    as_json,
    as_one,
    execute,
    is_postgres,
    packed,
    source,
    statement,
)

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


@cache
def _add_statement(postgres: bool) -> str:
    names = ", ".join(_KINDS)
    read = ", ".join(f"r.{name}" for name in _KINDS)
    return statement(
        postgres,
        f"INSERT INTO interactions ({names}) SELECT {read} "
        f"FROM {source(postgres, _KINDS)} WHERE true ON CONFLICT DO NOTHING RETURNING id",
    )


def note_interactions(connection: Connection, interactions: Sequence[Interaction]) -> set[str]:
    """Keep interactions, each outside id once; return the ids of those that were new."""
    if not interactions:
        return set()
    rows = [
        {
            "id": one.id,
            "contact_id": one.contact_id,
            "channel": one.channel,
            "event": one.event,
            "at": to_micros(one.at),
            "value": one.value,
            "data": dict(one.data),
            "ref": one.ref,
            "outside_id": one.outside_id,
        }
        for one in interactions
    ]
    done = execute(connection, _add_statement(is_postgres(connection)), {"rows": packed(rows)})
    if done.rowcount == len(rows):
        return {one.id for one in interactions}
    return {str(row[0]) for row in done.fetchall()}


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
