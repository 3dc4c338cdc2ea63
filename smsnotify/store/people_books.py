"""What is asked of the database about people: who they are, what they want, what happened."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import msgspec

from smsnotify.model.contact import ConsentChange, Contact
from smsnotify.store import bringing, consents, contacts, forgetting, people
from smsnotify.store.base import Books
from smsnotify.store.people_batch import BroughtPerson, Forgotten, KeptPeople


class KnownPerson(msgspec.Struct, frozen=True, gc=False):
    """A contact with what holds for each of the addresses that ever said something."""

    contact: Contact
    consents: dict[str, consents.Standing]


class PeopleBooks(Books):
    """The part of `Store` about people; every method is one transaction of its own."""

    def standings(self, recipients: Collection[str]) -> dict[str, consents.Standing]:
        """Return what holds for recipients, with every change; who said nothing is absent."""
        hashed = self.recipient_hash
        with self.read() as connection:
            return consents.standings(connection, {hashed(one): one for one in recipients})

    def keep_people(self, rows: Sequence[BroughtPerson], now: datetime) -> KeptPeople:
        """Keep some hundred people whom somebody brings."""
        with self.begin() as connection:
            return bringing.keep_people(connection, self.recipient_hash, rows, now)

    def consents_to_note(self, rows: Sequence[BroughtPerson]) -> list[ConsentChange]:
        """Return which consents of people whom somebody brings would be kept: what is news."""
        with self.read() as connection:
            return bringing.consents_to_note(connection, self.recipient_hash, rows)[0]

    def known_interactions(self, outside_ids: Collection[str]) -> set[str]:
        """Return those of the tellers' own ids that an interaction was kept under."""
        with self.read() as connection:
            return people.known_interactions(connection, outside_ids)

    def forget(self, address: str, now: datetime) -> Forgotten | None:
        """Erase the person behind an address; None when nothing is known of it."""
        with self.begin() as connection:
            return forgetting.forget(connection, self.recipient_hash, address, now)

    def accounts_heard(self) -> set[str]:
        """Return the accounts through which a person's text ever came."""
        with self.read() as connection:
            return people.accounts_heard(connection)

    def everybody(self) -> Iterator[KnownPerson]:
        """Give every contact in the order of their ids."""
        hashed, after = self.recipient_hash, ""
        while True:
            with self.read() as connection:
                ids = people.contact_ids_page(connection, after)
                found = contacts.contacts_by_id(connection, ids)
                addresses = {one for contact in found.values() for one in contact.addresses}
                told = consents.standings(connection, {hashed(one): one for one in addresses})
            for one in ids:
                contact = found.get(one)
                if contact is not None:
                    said = {who: told[who] for who in contact.addresses if who in told}
                    yield KnownPerson(contact, said)
            if not ids:
                return
            after = ids[-1]

    def note_consents(self, changes: Sequence[ConsentChange], now: datetime) -> int:
        """Record opt-outs and opt-ins with their evidence; return how many."""
        with self.begin() as connection:
            return consents.note_consents(connection, self.recipient_hash, changes, now)

    def opt_out(self, number: str, now: datetime, *, source: str, note: str = "") -> None:
        """Record that a recipient wants no texts."""
        self._consent(number, now, source, note, opted_out=True)

    def opt_in(self, number: str, now: datetime, *, source: str, note: str = "") -> None:
        """Record that a recipient wants texts."""
        self._consent(number, now, source, note, opted_out=False)

    def _consent(
        self, number: str, now: datetime, source: str, note: str, *, opted_out: bool
    ) -> None:
        change = ConsentChange(
            recipient=number, opted_out=opted_out, source=source, note=note, at=now
        )
        self.note_consents([change], now)

    def set_contact(
        self,
        address: str,
        now: datetime,
        *,
        name: str | None = None,
        language: str | None = None,
        time_zone: str | None = None,
    ) -> None:
        """Set what is known of the person behind an address; None leaves a field as it is."""
        with self.begin() as connection:
            people.set_contact(
                connection, address, now, name=name, language=language, time_zone=time_zone
            )

    def contacts(self, *, opted_out: bool | None = None) -> Iterator[people.Contact]:
        """Give every address in order; `opted_out` keeps to those who are, or are not."""
        after = ""
        while True:
            with self.read() as connection:
                page = people.contacts_page(connection, self.recipient_hash, after)
            if not page:
                return
            after = page[-1].address
            yield from (one for one in page if opted_out is None or one.opted_out is opted_out)
