"""People behind numbers and addresses: consent with its evidence, name, language, time zone."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.base.ids import new_id
from smsnotify.model.facts import EVERYTHING, Person
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.order import id_after
from smsnotify.store.rowset import is_postgres, packed, words
from smsnotify.store.statements import insert_rows

_PAGE: Final = 500
_CONSENT_COLUMNS: Final = (
    "id",
    "recipient_hash",
    "scope",
    "opted_out",
    "source",
    "note",
    "at",
    "words",
    "call_to_action",
)


class ConsentChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A recipient's wish, and how we know: `source` is a word, `note` the evidence, `at` when.

    `words` are the person's own, `call_to_action` is what they answered to.
    """

    recipient: str
    opted_out: bool
    source: str
    at: datetime
    note: str = ""
    scope: str = EVERYTHING
    words: str = ""
    call_to_action: str = ""


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
    if not wanted or not _anything_known(connection):
        return {}
    consents = newest_consents(connection, {hashed(number): number for number in wanted})
    zones = _time_zones(connection, wanted)
    return {
        number: _person(consents.get(number), zones.get(number, ""))
        for number in wanted
        if number in consents or number in zones
    }


def _anything_known(connection: Connection) -> bool:
    known = connection.execute(
        text("SELECT EXISTS (SELECT 1 FROM consents) OR EXISTS (SELECT 1 FROM addresses)")
    )
    return bool(known.scalar())


def _person(consent: ConsentChange | None, time_zone: str) -> Person:
    if consent is None or not consent.opted_out:
        return Person(time_zone=time_zone)
    return Person(
        opted_out=True,
        opted_out_source=consent.source,
        opted_out_at=consent.at,
        time_zone=time_zone,
    )


def newest_consents(
    connection: Connection, recipients: dict[bytes, str]
) -> dict[str, ConsentChange]:
    """Return the consent that holds, by recipient; `recipients` is hash → number."""
    found: dict[str, ConsentChange] = {}
    hashes = list(recipients)
    mark = "%s" if is_postgres(connection) else "?"
    for start in range(0, len(hashes), _PAGE):
        page = hashes[start : start + _PAGE]
        rows = connection.exec_driver_sql(
            "SELECT recipient_hash, opted_out, source, note, at FROM consents "
            f"WHERE recipient_hash IN ({', '.join([mark] * len(page))}) "
            f"AND scope = '{EVERYTHING}' ORDER BY id",
            tuple(page),
        )
        for recipient_hash, opted_out, source, note, at in rows:
            recipient = recipients[bytes(recipient_hash)]
            found[recipient] = ConsentChange(
                recipient=recipient,
                opted_out=bool(opted_out),
                source=source,
                note=note,
                at=from_micros(at),
            )
    return found


def _time_zones(connection: Connection, numbers: Collection[str]) -> dict[str, str]:
    rows = connection.execute(
        text(
            "SELECT address, time_zone FROM addresses JOIN contacts ON contacts.id = contact_id "
            f"WHERE time_zone <> '' AND address IN ({words(is_postgres(connection), 'numbers')})"
        ),
        {"numbers": packed(list(numbers))},
    )
    return {str(row[0]): str(row[1]) for row in rows}


def note_consents(
    connection: Connection,
    hashed: RecipientHash,
    changes: Sequence[ConsentChange],
    now: datetime,
) -> int:
    """Record changes of consent, in order; the last one of a number holds. Return how many.

    What is noted last holds, whatever its evidence is dated, and whatever the clock does.
    """
    last_id = str(connection.execute(text("SELECT max(id) FROM consents")).scalar() or "")
    rows = []
    for change in changes:
        last_id = id_after(last_id, now)
        rows.append(
            (
                last_id,
                hashed(change.recipient),
                change.scope,
                change.opted_out,
                change.source,
                change.note,
                to_micros(change.at),
                change.words,
                change.call_to_action,
            )
        )
    insert_rows(connection, "consents", _CONSENT_COLUMNS, rows)
    _make_contacts(connection, {change.recipient for change in changes}, now)
    return len(rows)


def _make_contacts(connection: Connection, wanted: Collection[str], now: datetime) -> None:
    """Make a contact behind every address that has none."""
    known = connection.execute(
        text(
            "SELECT address FROM addresses "
            f"WHERE address IN ({words(is_postgres(connection), 'wanted')})"
        ),
        {"wanted": packed(list(wanted))},
    )
    missing = sorted(set(wanted) - set(known.scalars()))
    at = to_micros(now)
    made = [(address, "email" if "@" in address else "phone", new_id(now)) for address in missing]
    columns = ("address", "kind", "contact_id")
    insert_rows(connection, "addresses", columns, made, "(address) DO NOTHING")
    # A contact whose address somebody else took at this moment is left without one: harmless.
    contacts = [(one, at, at) for _, _, one in made]
    insert_rows(connection, "contacts", ("id", "created_at", "updated_at"), contacts)


def contact_id(connection: Connection, address: str, now: datetime) -> str:
    """Return the id of the contact behind an address, made if there is none."""
    _make_contacts(connection, [address], now)
    find = text("SELECT contact_id FROM addresses WHERE address = :address")
    return str(connection.execute(find, {"address": address}).scalar_one())


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
    found = contact_id(connection, address, now)
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
    consents = newest_consents(connection, {hashed(row[0]): row[0] for row in rows})
    return [_contact(row, consents.get(row[0])) for row in rows]


def _contact(row: Sequence[Any], consent: ConsentChange | None) -> Contact:
    address, name, language, time_zone = row
    known = Contact(address=address, name=name, language=language, time_zone=time_zone)
    if consent is None:
        return known
    return msgspec.structs.replace(
        known,
        opted_out=consent.opted_out,
        source=consent.source,
        note=consent.note,
        at=consent.at,
    )
