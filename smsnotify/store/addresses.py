"""Numbers and email addresses, and the contacts behind them."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from smsnotify.base.ids import new_id
from smsnotify.store.instants import to_micros
from smsnotify.store.rowset import is_postgres, packed, words
from smsnotify.store.statements import insert_rows


def contact_ids(
    connection: Connection, addresses: Collection[str], now: datetime
) -> dict[str, str]:
    """Return the ids of the contacts behind addresses; one is made where there is none."""
    wanted = sorted(set(addresses))
    known = _known(connection, wanted)
    missing = [address for address in wanted if address not in known]
    if not missing:
        return known
    at = to_micros(now)
    made = [(address, "email" if "@" in address else "phone", new_id(now)) for address in missing]
    columns = ("address", "kind", "contact_id")
    insert_rows(connection, "addresses", columns, made, "(address) DO NOTHING")
    # A contact whose address somebody else took at this moment is left without one: harmless.
    contacts = [(one, at, at) for _, _, one in made]
    insert_rows(connection, "contacts", ("id", "created_at", "updated_at"), contacts)
    return _known(connection, wanted)


def _known(connection: Connection, addresses: list[str]) -> dict[str, str]:
    rows = connection.execute(
        text(
            "SELECT address, contact_id FROM addresses "
            f"WHERE address IN ({words(is_postgres(connection), 'wanted')})"
        ),
        {"wanted": packed(addresses)},
    )
    return {str(row[0]): str(row[1]) for row in rows}


def add_addresses(connection: Connection, owned: Sequence[tuple[str, str]]) -> None:
    """Give contacts more addresses: (address, contact id). One that is somebody's stays theirs."""
    rows = [
        (address, "email" if "@" in address else "phone", contact) for address, contact in owned
    ]
    columns = ("address", "kind", "contact_id")
    insert_rows(connection, "addresses", columns, sorted(rows), "(address) DO NOTHING")
