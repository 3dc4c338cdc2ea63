"""People of a file, taken for known by a dry run: nothing is kept of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from smsnotify.base.ids import new_id
from smsnotify.engine.conversing_portion import Portion
from smsnotify.engine.conversing_texts import BY_THE_CLOCK
from smsnotify.model.contact import Contact
from smsnotify.store.bringing import change_of
from smsnotify.store.contacts import changed
from smsnotify.store.people_batch import BroughtPerson


def suppose(portion: Portion, rows: Sequence[BroughtPerson]) -> None:
    """Let a portion know people as they would be after an import.

    Who is known by one of the addresses is changed; a row whose addresses belong to several people
    would be rejected, and changes nothing.
    """
    portion.know_people({address for row in rows for address in row.addresses})
    for row in rows:
        known = portion.desk.store.contacts_of(row.addresses) | {
            one: portion.contacts[one] for one in row.addresses if one in portion.contacts
        }
        people = {contact.id: contact for contact in known.values()}
        if len(people) > 1:
            continue
        made = Contact(id=new_id(portion.now), created_at=portion.now)
        portion.take_for(_changed(next(iter(people.values()), made), row))
    for change in portion.desk.store.consents_to_note(rows):
        if change.opted_out:
            portion.opt_out(change, BY_THE_CLOCK)
        else:
            portion.opt_in(change)


def _changed(contact: Contact, row: BroughtPerson) -> Contact:
    addresses = tuple(dict.fromkeys((*contact.addresses, *row.addresses)))
    known = changed(contact, change_of(contact.id, row))
    return msgspec.structs.replace(known, addresses=addresses)
