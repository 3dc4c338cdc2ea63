"""What intake asks of the database: jobs, keys, people, and keeping what a chunk came to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.exc import DataError

from smsnotify.base.errors import StoreError
from smsnotify.model.counts import Charge, CountKey
from smsnotify.model.decision import Earlier, MessageKey
from smsnotify.model.event import Happening
from smsnotify.model.facts import Person
from smsnotify.model.jobstate import KnownJob
from smsnotify.store import (
    books,
    counters,
    digests,
    first_texts,
    intake,
    keys,
    replay,
)
from smsnotify.store import people as persons
from smsnotify.store.base import Books
from smsnotify.store.batch import Batch, StoredJob
from smsnotify.store.instants import to_micros
from smsnotify.store.unstorable import (
    is_storable,
    storable,
    storable_batch,
    storable_key,
    texts_of,
)
from smsnotify.store.words import OPT_OUT, TRACKING


class IntakeBooks(Books):
    """The part of `Store` about events and what they come to; every method is one transaction."""

    def find_jobs(self, names: Iterable[str]) -> dict[str, KnownJob]:
        """Return what is known of jobs, by any of their names; unknown names are absent."""
        wanted = list(names)
        if not is_storable(wanted):
            stored = {storable(name): name for name in wanted}
            return {stored[name]: known for name, known in self.find_jobs(stored).items()}
        with self.read() as connection:
            return books.find_jobs(connection, wanted)

    def recall(self, named: Iterable[Sequence[str]]) -> dict[str, KnownJob]:
        """Return what is known of jobs by their names in order, as far as it can matter.

        The `do:` name of a job that has an id matters only while some job has none; it may be
        missing from the answer otherwise.
        """
        with self.read() as connection:
            all_names = books.has_idless_jobs(connection)
        if all_names:
            return self.find_jobs([name for names in named for name in names])
        return self.find_jobs([names[0] for names in named])

    def taken(self, wanted: Collection[MessageKey]) -> dict[MessageKey, Earlier]:
        """Return the keys that have a message, and which one."""
        if not is_storable(map("".join, wanted)):
            stored = {storable_key(key): key for key in wanted}
            return {stored[key]: earlier for key, earlier in self.taken(stored).items()}
        with self.read() as connection:
            return keys.taken(connection, self.recipient_hash, wanted)

    def has_guarded(self) -> bool:
        """Return True when a volume guard holds anything back."""
        with self.read() as connection:
            return keys.has_guarded(connection)

    def people(self, numbers: Iterable[str]) -> dict[str, Person]:
        """Return what is known of recipients; those that nothing is known of are absent."""
        with self.read() as connection:
            return persons.people(connection, self.recipient_hash, set(numbers))

    def doors(self, wanted: Collection[str], now: datetime) -> dict[str, datetime]:
        """Return the doors at which a digest waits, each with the end of its window.

        It may be past: what is there leaves with the next tick.
        """
        with self.read() as connection:
            return digests.doors(connection, self.recipient_hash, wanted)

    def greeted(self, recipients: Collection[str], mode: str, run: str) -> set[str]:
        """Return which recipients have had the words that a first text must carry.

        `run` is the asking one: what its volume guard holds leaves as a whole, and counts.
        """
        with self.read() as connection:
            return first_texts.greeted(connection, self.recipient_hash, recipients, mode, run)

    def opt_out_token(self, recipient: str) -> str:
        """Return what stands in the address of a recipient's opt-out page: always the same."""
        return self.recipient_hash.token(OPT_OUT, recipient)

    def tracking_token(self, subject: str, recipient: str) -> str:
        """Return what stands in the address of a recipient's page about a job: always the same."""
        return self.recipient_hash.token(TRACKING, f"{recipient} {storable(subject)}")

    def save(self, batch: Batch) -> dict[MessageKey, Earlier]:
        """Keep a batch in one transaction; return the keys that were taken, and by which message.

        Those messages are not kept; their decisions are recorded as duplicates.

        Raises:
            OvertakenError: others have reached a cap meanwhile; nothing is kept.
        """
        if not is_storable(texts_of(batch)):
            return self._save_clean(batch)
        try:
            with self.begin() as connection:
                return intake.save(connection, self.recipient_hash, batch)
        except StoreError as error:
            # PostgreSQL found one in a text that is no part of a key.
            if not isinstance(error.__cause__, DataError):
                raise
            return self._save_clean(batch)

    def _save_clean(self, batch: Batch) -> dict[MessageKey, Earlier]:
        clean, written_as = storable_batch(batch)
        with self.begin() as connection:
            lost = intake.save(connection, self.recipient_hash, clean)
        return {written_as[key]: earlier for key, earlier in lost.items()}

    def counts(self, keys: Collection[CountKey]) -> dict[CountKey, int]:
        """Return the counters of caps that there are."""
        with self.read() as connection:
            return counters.read(connection, self.recipient_hash, keys)

    def counted_among(self, ids: Collection[str]) -> set[str]:
        """Return those of some guarded messages that were counted when they were stored."""
        with self.read() as connection:
            return counters.counted_among(connection, ids)

    def add_counts(self, charges: Sequence[Charge], now: datetime) -> None:
        """Add to counters of caps what no message of ours stands for."""
        with self.begin() as connection:
            counters.charge(connection, self.recipient_hash, charges, to_micros(now))

    def is_blank(self) -> bool:
        """Return True when nothing that intake asks for is stored."""
        tables = ("jobs", "messages", "consents", "addresses", "replies", "silences", "counters")
        asked = " OR ".join(f"EXISTS (SELECT 1 FROM {table})" for table in tables)  # noqa: S608 - our own names
        with self.read() as connection:
            return not connection.execute(text(f"SELECT {asked}")).scalar()

    def has_idless_jobs(self) -> bool:
        """Return True when some job is known by number and date alone."""
        with self.read() as connection:
            return books.has_idless_jobs(connection)

    def jobs_by_subject(self, subjects: Collection[str]) -> dict[str, StoredJob]:
        """Return the jobs with these subjects, as far as there are any."""
        with self.read() as connection:
            return books.jobs_by_subject(connection, subjects)

    def happened(
        self, subjects: Collection[str], names: Collection[str]
    ) -> dict[str, list[Happening]]:
        """Return when events of these names happened to jobs, the oldest first."""
        if not is_storable(subjects):
            stored = {storable(subject): subject for subject in subjects}
            return {stored[one]: known for one, known in self.happened(stored, names).items()}
        with self.read() as connection:
            return books.happened(connection, subjects, names)

    def jobs_between(self, first: date, last: date) -> Iterator[StoredJob]:
        """Give every job dated from `first` to `last`, by date and subject."""
        after: StoredJob | None = None
        while True:
            with self.read() as connection:
                page = books.jobs_page(connection, first, last, after)
            yield from page
            if len(page) < books.PAGE:
                return
            after = page[-1]

    def lines_since(self, since: datetime) -> Iterator[replay.StoredLine]:
        """Give every line that told of events since an instant, once each, in order."""
        return replay.distinct(self._lines_since(since))

    def _lines_since(self, since: datetime) -> Iterator[replay.StoredLine]:
        after = replay.start_of(since)
        while True:
            with self.read() as connection:
                page = replay.lines_page(connection, after)
            yield from page
            if len(page) < replay.PAGE:
                return
            after = page[-1].id
