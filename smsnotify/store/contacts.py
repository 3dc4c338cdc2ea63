"""Contacts: people with their addresses, tags and facets."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
    source,
    statement,
)


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
}
_ADDRESS: Final = {"address": "text", "kind": "text", "contact_id": "text"}


@cache
def _insert_contacts(postgres: bool) -> str:
    names = ", ".join(_CONTACT)
    return statement(
        postgres,
        f"INSERT INTO contacts ({names}, created_at, updated_at) "
        f"SELECT {', '.join(f'r.{name}' for name in _CONTACT)}, :now, :now "
        f"FROM {source(postgres, _CONTACT)} WHERE true",
    )


@cache
def _insert_addresses(postgres: bool) -> str:
    return statement(
        postgres,
        "INSERT INTO addresses (address, kind, contact_id) SELECT r.address, r.kind, r.contact_id "
        f"FROM {source(postgres, _ADDRESS)} WHERE true ON CONFLICT (address) DO NOTHING",
    )


def add_contacts(connection: Connection, contacts: Sequence[Contact], now: datetime) -> bool:
    """Add new contacts with their addresses; False when an address is somebody's already."""
    if not contacts:
        return True
    postgres = is_postgres(connection)
    # In order: two writers of the same addresses wait for each other in line.
    addresses = sorted(
        {
            address: {
                "address": address,
                "kind": "email" if "@" in address else "phone",
                "contact_id": contact.id,
            }
            for contact in contacts
            for address in contact.addresses
        }.items()
    )
    rows = [row for _, row in addresses]
    done = execute(connection, _insert_addresses(postgres), {"rows": packed(rows)})
    if done.rowcount != sum(len(contact.addresses) for contact in contacts):
        return False
    written = [
        {
            "id": contact.id,
            "name": contact.name,
            "language": contact.language,
            "time_zone": contact.time_zone,
            "tags": sorted(contact.tags),
            "facets": dict(contact.facets),
        }
        for contact in contacts
    ]
    values: dict[str, object] = {"rows": packed(written), "now": to_micros(now)}
    execute(connection, _insert_contacts(postgres), values)
    return True


@cache
def _lock_statement(postgres: bool) -> str:
    which = f"SELECT id FROM contacts WHERE {among(postgres, 'id', 'ids')}"
    return statement(postgres, f"{which} ORDER BY id FOR UPDATE" if postgres else which)


@cache
def _update_statement(postgres: bool) -> str:
    sets = ", ".join(f"{name} = r.{name}" for name in _CONTACT if name != "id")
    return statement(
        postgres,
        f"UPDATE contacts SET {sets}, updated_at = :now "
        f"FROM {source(postgres, _CONTACT)} WHERE contacts.id = r.id",
    )


def change_contacts(connection: Connection, changes: Sequence[ContactChange], now: datetime) -> int:
    """Write what became known of contacts, in order; return how many contacts there were.

    Read and written under a lock, so that two processes keep each other's facets and tags.
    """
    if not changes:
        return 0
    postgres = is_postgres(connection)
    ids = {change.contact_id for change in changes}
    if postgres:
        execute(connection, _lock_statement(postgres), {"ids": packed(list(ids))}).fetchall()
    known = contacts_by_id(connection, ids)
    written: dict[str, dict[str, Any]] = {
        one: {
            "id": one,
            "name": contact.name,
            "language": contact.language,
            "time_zone": contact.time_zone,
            "tags": set(contact.tags),
            "facets": dict(contact.facets),
        }
        for one, contact in known.items()
    }
    for change in changes:
        row = written.get(change.contact_id)
        if row is not None:
            _change(row, change)
    rows = [row | {"tags": sorted(row["tags"])} for row in written.values()]
    values: dict[str, object] = {"rows": packed(rows), "now": to_micros(now)}
    return execute(connection, _update_statement(postgres), values).rowcount if rows else 0


def _change(row: dict[str, Any], change: ContactChange) -> None:
    for name in ("name", "language", "time_zone"):
        value = getattr(change, name)
        if value is not None:
            row[name] = value
    row["tags"] = (row["tags"] | change.tags) - change.untagged
    facets: Mapping[str, Facet | None] = row["facets"] | dict(change.facets)
    row["facets"] = {name: value for name, value in facets.items() if value is not None}
