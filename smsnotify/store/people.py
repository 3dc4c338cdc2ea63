"""What judging must know of people: consent, doubt, time zone; and lists of contacts."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.model.facts import Person
from smsnotify.store.addresses import contact_ids
from smsnotify.store.consents import Standing, standings
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import to_micros
from smsnotify.store.replies import doubtful_senders
from smsnotify.store.rowset import is_postgres, packed, words

_PAGE: Final = 500


class Contact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A number or address, what is known of its owner, and the consent that holds now."""

    address: str
    name: str = ""
    language: str = ""
    time_zone: str = ""
    opted_out: bool = False
    source: str = ""
    note: str = ""
    at: datetime | None = None


def people(
    connection: Connection, hashed: RecipientHash, numbers: Collection[str]
) -> dict[str, Person]:
    """Return what is known of recipients; those that nothing is known of are absent."""
    wanted = dict.fromkeys(number for number in numbers if number)
    if not wanted:
        return {}
    said, listed, wrote = _anything_known(connection)
    told = standings(connection, {hashed(number): number for number in wanted}) if said else {}
    zones = _time_zones(connection, wanted) if listed else {}
    doubtful = doubtful_senders(connection, wanted) if wrote else set()
    return {
        number: _person(told.get(number), zones.get(number, ""), number in doubtful)
        for number in wanted
        if number in told or number in zones or number in doubtful
    }


def _anything_known(connection: Connection) -> Sequence[bool]:
    """Say whether there is any consent, any contact, any reply that waits for a clerk."""
    known = connection.execute(
        text(
            "SELECT EXISTS (SELECT 1 FROM consents), EXISTS (SELECT 1 FROM addresses), "
            "EXISTS (SELECT 1 FROM replies WHERE state IN ('inbox', 'doubtful'))"
        )
    )
    return [bool(one) for one in known.one()]


def _person(standing: Standing | None, time_zone: str, in_doubt: bool) -> Person:
    if standing is None:
        return Person(time_zone=time_zone, in_doubt=in_doubt)
    general, marketing = standing.general, standing.marketing
    out = general if general is not None and general.opted_out else None
    return Person(
        opted_out=out is not None,
        opted_out_source=out.source if out else "",
        opted_out_at=out.at if out else None,
        time_zone=time_zone,
        refuses=frozenset(standing.refused),
        marketing_since=marketing.at if marketing else None,
        in_doubt=in_doubt,
    )


def _time_zones(connection: Connection, numbers: Collection[str]) -> dict[str, str]:
    rows = connection.execute(
        text(
            "SELECT address, time_zone FROM addresses JOIN contacts ON contacts.id = contact_id "
            f"WHERE time_zone <> '' AND address IN ({words(is_postgres(connection), 'numbers')})"
        ),
        {"numbers": packed(list(numbers))},
    )
    return {str(row[0]): str(row[1]) for row in rows}


def set_contact(
    connection: Connection,
    address: str,
    now: datetime,
    *,
    name: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
) -> None:
    """Set what is known of the person behind an address; None leaves a field as it is."""
    given = {"name": name, "language": language, "time_zone": time_zone}
    values: dict[str, object] = {key: value for key, value in given.items() if value is not None}
    found = contact_ids(connection, [address], now)[address]
    sets = ", ".join(f"{key} = :{key}" for key in values)
    if sets:
        connection.execute(
            text(f"UPDATE contacts SET {sets}, updated_at = :now WHERE id = :id"),
            values | {"now": to_micros(now), "id": found},
        )


def contacts_page(connection: Connection, hashed: RecipientHash, after: str) -> list[Contact]:
    """Return addresses behind `after` in order, with what is known of each; `[]` at the end."""
    rows = connection.execute(
        text(
            "SELECT address, name, language, time_zone FROM addresses "
            "JOIN contacts ON contacts.id = contact_id WHERE address > :after "
            f"ORDER BY address LIMIT {_PAGE}"
        ),
        {"after": after},
    ).all()
    told = standings(connection, {hashed(row[0]): row[0] for row in rows})
    return [_contact(row, told.get(row[0])) for row in rows]


def _contact(row: Sequence[Any], standing: Standing | None) -> Contact:
    address, name, language, time_zone = row
    known = Contact(address=address, name=name, language=language, time_zone=time_zone)
    if standing is None or standing.general is None:
        return known
    consent = standing.general
    return msgspec.structs.replace(
        known,
        opted_out=consent.opted_out,
        source=consent.source,
        note=consent.note,
        at=consent.at,
    )


def contact_ids_page(connection: Connection, after: str) -> list[str]:
    """Return the ids of contacts behind `after` in order; `[]` at the end."""
    asking = text(f"SELECT id FROM contacts WHERE id > :after ORDER BY id LIMIT {_PAGE}")
    return [str(one) for one in connection.execute(asking, {"after": after}).scalars()]


def known_interactions(connection: Connection, outside_ids: Collection[str]) -> set[str]:
    """Return those of the tellers' own ids that an interaction was kept under."""
    wanted = [one for one in outside_ids if one]
    if not wanted:
        return set()
    rows = connection.execute(
        text(
            "SELECT outside_id FROM interactions WHERE outside_id <> '' "
            f"AND outside_id IN ({words(is_postgres(connection), 'ids')})"
        ),
        {"ids": packed(wanted)},
    )
    return {str(one) for one in rows.scalars()}


def accounts_heard(connection: Connection) -> set[str]:
    """Return the accounts through which a person's text ever came, one look each."""
    found: set[str] = set()
    asking = text("SELECT min(account) FROM replies WHERE account > :after")
    after = ""
    while (account := connection.execute(asking, {"after": after}).scalar()) is not None:
        after = str(account)
        found.add(after)
    return found
