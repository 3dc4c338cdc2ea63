"""Contacts: people with their addresses, tags and facets."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from smsnotify.model.contact import Contact, Facet
from smsnotify.store.conversation_batch import ContactChange
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


class _Row(msgspec.Struct, array_like=True, gc=False):
    asked: str
    id: str
    name: str
    language: str
    time_zone: str
    created_at: int
    tags: frozenset[str]
    facets: dict[str, Facet]
    addresses: tuple[str, ...]


_decode: Final = msgspec.json.Decoder(list[_Row]).decode


@cache
def _select(postgres: bool, asked: str) -> str:
    """`asked` is the column that the parameter `:asked` lists."""
    # Numbers before email addresses: a plus sorts before every letter and digit.
    addresses = (
        '(SELECT json_agg(address ORDER BY address COLLATE "C") FROM addresses '
        "WHERE addresses.contact_id = found.id)"
        if postgres
        else "(SELECT json_group_array(address) FROM (SELECT address FROM addresses "
        "WHERE contact_id = id_of_contact ORDER BY address))"
    )
    one = "id" if postgres else "id_of_contact"
    columns = ("asked", one, "name", "language", "time_zone", "created_at")
    listed = (*columns, as_json(postgres, "tags"), as_json(postgres, "facets"), addresses)
    own = "contacts.id" if postgres else "contacts.id AS id_of_contact"
    read = f"SELECT {asked} AS asked, {own}, name, language, time_zone, created_at, tags, facets"
    joined = " JOIN addresses ON contact_id = contacts.id" if asked == "address" else ""
    which = among(postgres, asked, "asked")
    return statement(
        postgres, as_one(postgres, listed, f"{read} FROM contacts{joined} WHERE {which}")
    )


def _read(connection: Connection, column: str, asked: Collection[str]) -> dict[str, Contact]:
    if not asked:
        return {}
    asking = _select(is_postgres(connection), column)
    found = execute(connection, asking, {"asked": packed(list(asked))}).fetchone()
    return {row.asked: _contact(row) for row in _decode(found[0])}


def _contact(row: _Row) -> Contact:
    return Contact(
        id=row.id,
        addresses=row.addresses,
        name=row.name,
        language=row.language,
        time_zone=row.time_zone,
        tags=row.tags,
        facets=row.facets,
        created_at=from_micros(row.created_at),
    )


def contacts_of(connection: Connection, addresses: Collection[str]) -> dict[str, Contact]:
    """Return the contacts behind numbers and email addresses, by address."""
    return _read(connection, "address", addresses)


def contacts_by_id(connection: Connection, ids: Collection[str]) -> dict[str, Contact]:
    """Return contacts by their ids."""
    return _read(connection, "contacts.id", ids)


# Writing.

_CONTACT: Final = {
    "id": "text",
    "name": "text",
    "language": "text",
    "time_zone": "text",
    "tags": "text",
    "facets": "text",
    "created_at": "int",
    "updated_at": "int",
}
_ADD: Final = (
    f"INSERT INTO contacts ({', '.join(_CONTACT)}) "
    f"SELECT {', '.join(f'r.{name}' for name in _CONTACT)} "
    "FROM {rows} WHERE true"
)
_ADDRESS: Final = {"address": "text", "kind": "text", "contact_id": "text"}
_ADD_ADDRESS: Final = (
    "INSERT INTO addresses (address, kind, contact_id) SELECT r.address, r.kind, r.contact_id "
    "FROM {rows} WHERE true ON CONFLICT (address) DO NOTHING"
)
_CHANGE: Final = (
    "UPDATE contacts SET name = r.name, language = r.language, time_zone = r.time_zone, "
    "tags = r.tags, facets = r.facets, updated_at = r.updated_at "
    "FROM {rows} WHERE contacts.id = r.id"
)


def add_contacts(connection: Connection, contacts: Sequence[Contact], now: datetime) -> bool:
    """Add new contacts with their addresses; False when an address is somebody's already."""
    # In order: two writers of the same addresses wait for each other in line.
    addresses = sorted(
        (address, "email" if "@" in address else "phone", contact.id)
        for contact in contacts
        for address in contact.addresses
    )
    if write_rows(connection, _ADD_ADDRESS, _ADDRESS, addresses) != len(addresses):
        return False
    write_rows(connection, _ADD, _CONTACT, [_row(contact, now) for contact in contacts])
    return True


def _row(contact: Contact, now: datetime) -> tuple[Any, ...]:
    at = to_micros(now)
    return (
        contact.id,
        contact.name,
        contact.language,
        contact.time_zone,
        packed(sorted(contact.tags)),
        packed(dict(contact.facets)),
        to_micros(contact.created_at) or at,
        at,
    )


def change_contacts(connection: Connection, changes: Sequence[ContactChange], now: datetime) -> int:
    """Write what became known of contacts, in order; return how many contacts there were.

    Read and written under a lock, so that two processes keep each other's facets and tags.
    """
    if not changes:
        return 0
    ids = {change.contact_id for change in changes}
    if is_postgres(connection):
        which = f"SELECT id FROM contacts WHERE {among(True, 'id', 'ids')} ORDER BY id FOR UPDATE"
        execute(connection, statement(True, which), {"ids": packed(list(ids))}).fetchall()
    known = contacts_by_id(connection, ids)
    for change in changes:
        contact = known.get(change.contact_id)
        if contact is not None:
            known[change.contact_id] = changed(contact, change)
    rows = [_row(contact, now) for contact in known.values()]
    return write_rows(connection, _CHANGE, _CONTACT, rows)


def changed(contact: Contact, change: ContactChange) -> Contact:
    """Return what a contact is after a change."""
    facets = dict(contact.facets) | dict(change.facets)
    return msgspec.structs.replace(
        contact,
        name=contact.name if change.name is None else change.name,
        language=contact.language if change.language is None else change.language,
        time_zone=contact.time_zone if change.time_zone is None else change.time_zone,
        tags=(contact.tags | change.tags) - change.untagged,
        facets={name: value for name, value in facets.items() if value is not None},
    )
