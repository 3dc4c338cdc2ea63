"""Contacts: people with their addresses, tags and facets."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from smsnotify.model.contact import Contact
from smsnotify.store.conversation_batch import ContactChange
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


@cache
def _reader(postgres: bool) -> Reader[Contact]:
    # Numbers before email addresses: a plus sorts before every letter and digit.
    order = 'address COLLATE "C"' if postgres else "address"
    own = f"SELECT address FROM addresses WHERE contact_id = contacts.id ORDER BY {order}"
    listing = "json_agg" if postgres else "json_group_array"
    addresses = f"COALESCE((SELECT {listing}(address) FROM ({own}) AS own), '[]')"
    return Reader("contacts", Contact, chosen=f"contacts.*, {addresses} AS addresses")


def contacts_of(connection: Connection, addresses: Collection[str]) -> dict[str, Contact]:
    """Return the contacts behind numbers and email addresses, by address."""
    if not addresses:
        return {}
    postgres = is_postgres(connection)
    asked = among(postgres, "address", "asked")
    owners = f"SELECT contact_id FROM addresses WHERE {asked}"
    which = f"id = ANY(ARRAY({owners}))" if postgres else f"id IN ({owners})"
    values = {"asked": packed(list(addresses))}
    found = _reader(postgres).read(connection, f"WHERE {which}", values)
    wanted = set(addresses)
    return {
        address: contact for contact in found for address in contact.addresses if address in wanted
    }


def contacts_by_id(connection: Connection, ids: Collection[str]) -> dict[str, Contact]:
    """Return contacts by their ids."""
    if not ids:
        return {}
    postgres = is_postgres(connection)
    which = f"WHERE {among(postgres, 'id', 'ids')}"
    found = _reader(postgres).read(connection, which, {"ids": packed(list(ids))})
    return {contact.id: contact for contact in found}


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
