"""Contacts on their way out: as CSV, or whole as JSON."""

from __future__ import annotations

import csv
import sys
from typing import Any

import msgspec

from smsnotify.cli import show
from smsnotify.cli.contact_file import COLUMNS, NUMBER_COLUMNS, as_words
from smsnotify.cli.desk import Desk
from smsnotify.model.contact import Contact
from smsnotify.model.facts import MARKETING
from smsnotify.store.consents import Standing
from smsnotify.store.people_books import KnownPerson


def write_out(desk: Desk, format: str) -> None:
    """Write every contact to stdout."""
    everybody = () if desk.existing_store is None else desk.store.everybody()
    if format == "json":
        for one in everybody:
            show.emit_json(whole(one))
        return
    known = list(everybody)
    facets = sorted({name for one in known for name in one.contact.facets})
    columns = (NUMBER_COLUMNS[0], *COLUMNS, *facets)
    writing = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writing.writeheader()
    left = 0
    for one in known:
        row = _row(one)
        left += len(one.contact.addresses) - bool(row["phone_number"]) - bool(row["email"])
        writing.writerow({name: _cell(row.get(name, "")) for name in columns})
    if left:
        desk.note(f"{left} further addresses have no column: --format json has them")


def about(contact: Contact) -> dict[str, object]:
    """The outside shape of a contact: `{"addresses", "name", …, "tags", "facets"}`."""
    return {
        "addresses": contact.addresses,
        "name": contact.name,
        "language": contact.language,
        "time_zone": contact.time_zone,
        "tags": sorted(contact.tags),
        "facets": dict(contact.facets),
    }


def whole(one: KnownPerson) -> dict[str, object]:
    """Return a contact with every change of consent."""
    consents = [
        msgspec.to_builtins(change)
        for standing in one.consents.values()
        for change in standing.changes
    ]
    return {"type": "contact", **about(one.contact), "consents": consents}


def _row(one: KnownPerson) -> dict[str, Any]:
    contact = one.contact
    number, email = contact.field("number") or "", contact.field("email") or ""
    standing = one.consents.get(str(number or email))
    return {
        **contact.facets,
        "phone_number": number,
        "email": email,
        "name": contact.name,
        "language": contact.language,
        "time_zone": contact.time_zone,
        "tags": ";".join(sorted(contact.tags)),
        **(_consent_cells(standing) if standing is not None else {}),
    }


def _consent_cells(standing: Standing) -> dict[str, str]:
    cells: dict[str, str] = {}
    general = standing.general
    if general is not None:
        cells |= {"opted_out": "yes" if general.opted_out else "no", "note": general.note}
        cells["opted_out_at"] = general.at.isoformat()
    marketing = standing.marketing or standing.refused.get(MARKETING)
    if marketing is not None:
        cells |= {
            "marketing": "no" if marketing.opted_out else "yes",
            "marketing_at": marketing.at.isoformat(),
            "marketing_note": marketing.note or f"source {marketing.source}",
            "words": marketing.words,
            "call_to_action": marketing.call_to_action,
        }
    return cells


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return as_words(value) if isinstance(value, str) else value
