"""Keeping people whom somebody brings: contacts made or changed, consents with their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from smsnotify.base.ids import new_id
from smsnotify.model.contact import ConsentChange, Contact
from smsnotify.model.facts import EVERYTHING, MARKETING
from smsnotify.store.addresses import add_addresses
from smsnotify.store.consents import Standing, note_consents, standing_of, standings
from smsnotify.store.contacts import add_contacts, change_contacts, contacts_of
from smsnotify.store.conversation_batch import ContactChange
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.people_batch import BROUGHT, BroughtPerson, KeptPeople

_NEVER_SAID = standing_of(())


def keep_people(
    connection: Connection,
    hashed: RecipientHash,
    rows: Sequence[BroughtPerson],
    now: datetime,
) -> KeptPeople:
    """Keep some hundred people; who is known by one of the addresses is changed, not doubled."""
    every = {address for row in rows for address in row.addresses}
    owners = {address: contact.id for address, contact in contacts_of(connection, every).items()}
    new: dict[str, Contact] = {}
    changes: list[ContactChange] = []
    clashing, kept = [], []
    joined: list[tuple[str, str]] = []
    for row in rows:
        known = {owners[address] for address in row.addresses if address in owners}
        if len(known) > 1:
            clashing.append(row.place)
            continue
        kept.append(row)
        contact_id = next(iter(known), "")
        if not contact_id:
            contact_id = new_id(now)
            new[contact_id] = Contact(id=contact_id, addresses=row.addresses)
        else:
            joined += [(one, contact_id) for one in row.addresses if one not in owners]
        owners |= dict.fromkeys(row.addresses, contact_id)
        changes.append(change_of(contact_id, row))
    # A contact of this very portion gets the addresses that a later row brings along with it.
    for address, contact_id in joined:
        if contact_id in new:
            one = new[contact_id]
            new[contact_id] = msgspec.structs.replace(one, addresses=(*one.addresses, address))
    add_contacts(connection, list(new.values()), now)
    add_addresses(connection, [pair for pair in joined if pair[1] not in new])
    change_contacts(connection, changes, now)
    consents, stay_out = consents_to_note(connection, hashed, kept)
    if consents:
        note_consents(connection, hashed, consents, now)
    return KeptPeople(
        made=len(new),
        changed=len(kept) - len(new),
        consents=len(consents),
        opted_out=tuple(one for one in consents if one.opted_out),
        stay_out=tuple(stay_out),
        clashing=tuple(clashing),
    )


def change_of(contact_id: str, row: BroughtPerson) -> ContactChange:
    """Return what becomes known of a contact by a row."""
    return ContactChange(
        contact_id=contact_id,
        name=row.name,
        language=row.language,
        time_zone=row.time_zone,
        tags=row.tags,
        facets=row.facets,
    )


def consents_to_note(
    connection: Connection, hashed: RecipientHash, rows: Sequence[BroughtPerson]
) -> tuple[list[ConsentChange], list[str]]:
    """Return the consents that are news, and who stays out whatever the file says."""
    brought = [change for row in rows for change in row.consents]
    told = standings(connection, {hashed(one.recipient): one.recipient for one in brought})
    noted: list[ConsentChange] = []
    stay_out: dict[str, None] = {}
    for change in brought:
        standing = told.get(change.recipient, _NEVER_SAID)
        if _is_known(change, standing):
            continue
        if not change.opted_out and _is_own_word(change, standing):
            stay_out[change.recipient] = None
            continue
        noted.append(change)
        told[change.recipient] = standing_of((*standing.changes, change))
    return noted, list(stay_out)


def _is_known(change: ConsentChange, standing: Standing) -> bool:
    """Say whether the books know this change, or what it says holds already."""
    if any(_mark(one) == _mark(change) for one in standing.changes):
        return True
    if change.scope == EVERYTHING:
        return standing.general is not None and standing.is_out == change.opted_out
    if change.opted_out:
        return change.scope in standing.refused
    return change.scope == MARKETING and standing.marketing is not None


def _mark(change: ConsentChange) -> tuple[object, ...]:
    return change.scope, change.opted_out, change.source, change.at, change.words


def _is_own_word(change: ConsentChange, standing: Standing) -> bool:
    """Say whether an opt-in would undo what the person said: only the person may."""
    out = [standing.general] if standing.general is not None and standing.is_out else []
    if change.scope in standing.refused:
        out.append(standing.refused[change.scope])
    return any(one.source not in BROUGHT for one in out)
