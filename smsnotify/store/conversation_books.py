"""What conversations ask of the database: contacts, plans, errands, links."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from smsnotify.base.errors import OvertakenError
from smsnotify.model.contact import Contact, Interaction
from smsnotify.model.decision import Earlier, MessageKey
from smsnotify.model.enrolment import Enrolment, Transition
from smsnotify.model.message import Message
from smsnotify.model.report import Funnel
from smsnotify.store import (
    cancelling,
    choices,
    contacts,
    conversations,
    enrolling,
    enrolments,
    errands,
    feedback,
    funnel,
    interactions,
    links,
    texted,
    texts_on_their_way,
    timeline,
)
from smsnotify.store.base import Books
from smsnotify.store.batch import Batch
from smsnotify.store.conversation_batch import (
    CancelTexts,
    ContactChange,
    ConversationBatch,
    NewLink,
    OpenChoice,
)
from smsnotify.store.unstorable import is_storable, storable_batch, texts_of


class ConversationBooks(Books):
    """The part of `Store` that conversations need; every method is one transaction of its own."""

    # Contacts.

    def contacts_of(self, addresses: Collection[str]) -> dict[str, Contact]:
        """Return the contacts behind numbers and email addresses, by address."""
        with self.read() as connection:
            return contacts.contacts_of(connection, addresses)

    def contacts_by_id(self, ids: Collection[str]) -> dict[str, Contact]:
        """Return contacts by their ids."""
        with self.read() as connection:
            return contacts.contacts_by_id(connection, ids)

    def add_contacts(self, new: Sequence[Contact], now: datetime) -> None:
        """Add new contacts with their addresses.

        Raises:
            OvertakenError: an address is somebody's already; nobody is added.
        """
        with self.begin() as connection:
            if not contacts.add_contacts(connection, new, now):
                raise OvertakenError(
                    "an address is somebody's already", hint="read who it is, then change them"
                )

    def change_contacts(self, changes: Sequence[ContactChange], now: datetime) -> int:
        """Write what became known of contacts, in order; return how many contacts there were."""
        with self.begin() as connection:
            return contacts.change_contacts(connection, changes, now)

    # People in plans.

    def waiting_enrolments(self, numbers: Collection[str], mode: str) -> dict[str, list[Enrolment]]:
        """Return what these numbers are in the middle of, in the order in which it began."""
        with self.read() as connection:
            return enrolments.waiting_enrolments(connection, numbers, mode)

    def due_enrolments(self, mode: str, now: datetime, limit: int = 500) -> list[Enrolment]:
        """Return enrolments whose wait is over, the longest due first."""
        with self.read() as connection:
            return enrolments.due_enrolments(connection, mode, now, limit)

    def next_due_at(self, mode: str) -> datetime | None:
        """Return when the next wait ends, None when nobody waits."""
        with self.read() as connection:
            return enrolments.next_due_at(connection, mode)

    def listening_enrolments(
        self,
        mode: str,
        *,
        subjects: Collection[str] = (),
        contact_ids: Collection[str] = (),
    ) -> list[Enrolment]:
        """Return enrolments that wait for an event about one of these jobs or contacts."""
        with self.read() as connection:
            return enrolments.listening_enrolments(
                connection, mode, subjects=subjects, contact_ids=contact_ids
            )

    def undelivered_plan_texts(
        self, mode: str, since: datetime, limit: int = 500
    ) -> list[enrolments.Undelivered]:
        """Return texts of plans that were given up since, and that somebody still waits on.

        `since` may overlap with the look before, and should, by some minutes.
        """
        with self.read() as connection:
            return enrolments.undelivered_plan_texts(connection, mode, since, limit)

    def told_plan_texts(
        self, mode: str, plans: Collection[str], after: str = "", limit: int = 500
    ) -> list[enrolments.ToldText]:
        """Return final words on texts of people in these plans who wait for an event.

        By the ids of enrolments, from `after` on.
        """
        with self.read() as connection:
            return enrolments.told_plan_texts(connection, mode, plans, after, limit)

    def enrolments_by_id(self, ids: Collection[str]) -> dict[str, Enrolment]:
        """Return enrolments by their ids."""
        with self.read() as connection:
            return enrolments.enrolments_by_id(connection, ids)

    def enrolments_called(self, id_start: str) -> list[Enrolment]:
        """Return up to two enrolments whose id begins so: one is found, two are too many."""
        with self.read() as connection:
            return enrolments.enrolments_called(connection, id_start)

    def list_enrolments(
        self, wanted: enrolments.WantedEnrolments, limit: int | None = 50
    ) -> list[Enrolment]:
        """Return enrolments, the newest first."""
        with self.read() as connection:
            return enrolments.list_enrolments(connection, wanted, limit)

    def known_entries(
        self, mode: str, entries: Collection[enrolments.EntryKey]
    ) -> set[enrolments.EntryKey]:
        """Return those of the entries that were made already."""
        with self.read() as connection:
            return enrolments.known_entries(connection, mode, entries)

    def was_ever_in(self, plan: str, numbers: Collection[str], mode: str) -> dict[str, str]:
        """Return who was ever in a plan: number → `waiting`, or the last outcome."""
        with self.read() as connection:
            return enrolments.was_ever_in(connection, plan, numbers, mode)

    def transitions_of(self, enrolment_id: str) -> list[Transition]:
        """Return the history of an enrolment, in its order."""
        with self.read() as connection:
            return enrolling.transitions_of(connection, [enrolment_id])

    def plan_content(self, version: str) -> bytes | None:
        """Return a version of a plan as canonical JSON, None when nobody was ever in it."""
        with self.read() as connection:
            return enrolling.plan_content(connection, version)

    def plan_contents(self) -> list[tuple[str, bytes]]:
        """Return the newest versions of plans that anybody was in, each with its content."""
        with self.read() as connection:
            return enrolling.plan_contents(connection)

    def open_choices(self, numbers: Collection[str], mode: str) -> dict[str, OpenChoice]:
        """Return what these numbers were asked and have not answered, late or not."""
        with self.read() as connection:
            return choices.open_choices(connection, numbers, mode)

    def keep_conversation(
        self, batch: ConversationBatch, now: datetime
    ) -> dict[MessageKey, Earlier]:
        """Keep a batch in one transaction; return the keys that were taken, and by which message.

        Those messages are not kept; their decisions are recorded as duplicates, and enrolments
        that wait on them wait on the messages that have their keys.

        Raises:
            OvertakenError: another process was faster with a reply, an enrolment, an entry or an
                address; nothing is stored. Read again what is there, then decide again.
            StoreError: the database refused; nothing is stored.
        """
        texts = Batch([], [], batch.decisions, batch.messages, now, charges=batch.charges)
        if is_storable(texts_of(texts)):
            return self._keep(batch, now)
        clean, written_as = storable_batch(texts)
        batch = msgspec.structs.replace(
            batch, decisions=clean.decisions, messages=clean.messages, charges=clean.charges
        )
        lost = self._keep(batch, now)
        return {written_as[key]: earlier for key, earlier in lost.items()}

    def _keep(self, batch: ConversationBatch, now: datetime) -> dict[MessageKey, Earlier]:
        cancelled = self._find_texts(batch.cancel)
        with self.begin() as connection:
            return conversations.keep(connection, self.recipient_hash, batch, cancelled, now)

    def _find_texts(self, wanted: Sequence[CancelTexts]) -> dict[str, list[str]]:
        if not wanted:
            return {}
        with self.read() as connection:
            return cancelling.find_texts(connection, self.recipient_hash, wanted)

    def hand_over(self, ids: Collection[str], now: datetime) -> set[str]:
        """Mark messages as handed over in a provider's own call; return those that still could."""
        with self.begin() as connection:
            return texts_on_their_way.hand_over(connection, ids, now)

    def adopt_texts(self, subjects: Collection[str], run: str) -> int:
        """Let a run take over what an earlier one left at its volume guard; return how many."""
        with self.begin() as connection:
            return texts_on_their_way.adopt(connection, subjects, run)

    def cancel_texts(self, wanted: Sequence[CancelTexts], now: datetime) -> int:
        """Cancel held and queued texts; what is on its way out stays. Return how many."""
        found = self._find_texts(wanted)
        with self.begin() as connection:
            return cancelling.cancel_found(connection, found, now)

    def newest_messages_to(
        self, numbers: Collection[str], mode: str, since: datetime
    ) -> dict[str, Message]:
        """Return the newest text about a job that each of these numbers got since, by number.

        Looks through every message: ask for many numbers at once, and not for each reply.
        """
        with self.read() as connection:
            return texted.newest_messages_to(connection, self.recipient_hash, numbers, mode, since)

    def funnels(
        self, mode: str, plan: str = "", since: datetime | None = None
    ) -> dict[str, Funnel]:
        """Return figures by plan, of one plan or of all, of people who came in since."""
        with self.read() as connection:
            return funnel.funnels(connection, mode, plan, since)

    def timeline(self, contact_id: str, limit: int = 100) -> list[timeline.Moment]:
        """Return the newest moments of a contact, the oldest first; none of an unknown one."""
        with self.read() as connection:
            contact = contacts.contacts_by_id(connection, [contact_id]).get(contact_id)
            if contact is None:
                return []
            return timeline.timeline(connection, self.recipient_hash, contact, limit)

    # Errands.

    def errands_due(self, mode: str, now: datetime, limit: int = 100) -> list[errands.StoredErrand]:
        """Return what is to be done at `now`, the longest due first; nothing is claimed."""
        with self.read() as connection:
            return errands.errands_due(connection, mode, now, limit)

    def claim_errands(
        self,
        mode: str,
        now: datetime,
        *,
        lasting: timedelta = timedelta(minutes=1),
        limit: int = 100,
        kinds: Collection[str] = (),
    ) -> list[errands.StoredErrand]:
        """Take errands that are due, for a while; two workers never take the same one."""
        with self.begin() as connection:
            return errands.claim_errands(connection, mode, now, lasting, limit, kinds)

    def settle_errands(self, settled: Sequence[errands.SettledErrand], now: datetime) -> int:
        """Write what attempts came to; return how many counted."""
        with self.begin() as connection:
            return errands.settle_errands(connection, settled, now)

    def list_errands(
        self, mode: str, states: Collection[str], limit: int = 50
    ) -> list[errands.StoredErrand]:
        """Return errands in some states, the newest first."""
        with self.read() as connection:
            return errands.list_errands(connection, mode, states, limit)

    # Links and interactions.

    def add_links(self, new: Sequence[NewLink], now: datetime) -> int:
        """Keep links; one whose token is known already stays as it is. Return how many were new."""
        with self.begin() as connection:
            return links.add_links(connection, new, now)

    def find_link(self, token: str) -> links.StoredLink | None:
        """Return what a token leads to, over or not; None when there never was such a token."""
        with self.read() as connection:
            return links.find_link(connection, token)

    def ratings_of(self, recipient: str, limit: int) -> list[feedback.RatedJob]:
        """Return what somebody has rated on tracking pages, the newest first."""
        with self.read() as connection:
            return feedback.ratings_of(connection, self.recipient_hash, recipient, limit)

    def find_tracked(self, tokens: Sequence[str]) -> dict[str, feedback.TrackedJob]:
        """Return what tokens of tracking pages lead to; nobody's are left out."""
        with self.read() as connection:
            return feedback.find_tracked(connection, tokens)

    def keep_rating(
        self,
        token: str,
        tracked: feedback.TrackedJob,
        rating: feedback.Rating,
        now: datetime,
        since: datetime,
    ) -> bool:
        """Keep a rating; False when the page has one that was first given before `since`."""
        with self.begin() as connection:
            return feedback.keep_rating(
                connection, self.recipient_hash, token, tracked, rating, now, since
            )

    def note_interactions(self, new: Sequence[Interaction]) -> set[str]:
        """Keep interactions, each outside id once; return the ids of those that were new."""
        with self.begin() as connection:
            return interactions.note_interactions(connection, new)

    def interactions_of(self, contact_id: str, limit: int = 100) -> list[Interaction]:
        """Return what happened with a contact, the newest first."""
        with self.read() as connection:
            return interactions.interactions_of(connection, contact_id, limit)
