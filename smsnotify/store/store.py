"""The one class that the engine sees of the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import DataError

from smsnotify.base.errors import StoreError
from smsnotify.model.contact import ConsentChange
from smsnotify.model.counts import Charge, CountKey
from smsnotify.model.decision import Earlier, MessageKey
from smsnotify.model.event import Happening
from smsnotify.model.facts import Person
from smsnotify.model.jobstate import KnownJob
from smsnotify.model.message import Attempt, Message
from smsnotify.model.report import DeliveryTime, Figures
from smsnotify.store import (
    books,
    consents,
    counters,
    digests,
    first_texts,
    held,
    intake,
    keys,
    meta,
    numbers,
    outbox,
    pauses,
    receipt_stats,
    receipts,
    replay,
    report,
    retention,
    why,
)
from smsnotify.store import people as persons
from smsnotify.store.batch import Batch, StoredJob
from smsnotify.store.care import CheckUp, back_up, check_up
from smsnotify.store.conversation_books import ConversationBooks
from smsnotify.store.desk_books import DeskBooks
from smsnotify.store.doors import DoorBooks
from smsnotify.store.failures import told_plainly
from smsnotify.store.instants import to_micros
from smsnotify.store.people_books import PeopleBooks
from smsnotify.store.reply_books import ReplyBooks
from smsnotify.store.silences import SilenceBooks
from smsnotify.store.unstorable import (
    is_storable,
    storable,
    storable_batch,
    storable_key,
    texts_of,
)
from smsnotify.store.user_books import UserBooks
from smsnotify.store.words import OPT_OUT, TRACKING


class Store(
    DoorBooks, ReplyBooks, ConversationBooks, PeopleBooks, SilenceBooks, UserBooks, DeskBooks
):
    """The database, opened; every method is one transaction of its own.

    Safe to use from several threads. Made by `open_store`. Every method raises StoreError when
    the database refuses; then nothing of what was to be written is stored.
    """

    durable: ClassVar[bool] = True

    # Intake.

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

    # The outbox.

    def list_messages(self, wanted: outbox.Wanted, limit: int | None = 50) -> list[Message]:
        """Return messages, newest first."""
        with self.read() as connection:
            return outbox.list_messages(connection, self.recipient_hash, wanted, limit)

    def count_messages(self, wanted: outbox.Wanted) -> int:
        """Return how many messages there are of this kind."""
        with self.read() as connection:
            return outbox.count_messages(connection, self.recipient_hash, wanted)

    def messages_called(self, id_start: str) -> list[Message]:
        """Return up to two messages whose id begins so: one is found, two are too many."""
        with self.read() as connection:
            return outbox.messages_called(connection, id_start)

    def attempts_of(self, message_id: str) -> list[Attempt]:
        """Return every try to hand a message over, in order."""
        with self.read() as connection:
            return outbox.attempts_of(connection, message_id)

    def receipts_of(self, message_id: str) -> list[receipts.StoredReceipt]:
        """Return every receipt about a message, oldest first."""
        with self.read() as connection:
            return receipts.receipts_of(connection, [message_id])

    def receipt_stats(self, now: datetime, mode: str = "") -> receipt_stats.ReceiptStats:
        """Count what providers said of the last 30 days' messages, of one mode or of all."""
        with self.read() as connection:
            return receipt_stats.receipt_stats(connection, now, mode)

    def retry(self, wanted: outbox.Wanted, now: datetime, *, unknown: bool = False) -> int:
        """Queue messages again; return how many. `unknown` takes those that are maybe sent too."""
        with self.begin() as connection:
            return outbox.retry(connection, self.recipient_hash, wanted, now, unknown=unknown)

    def cancel(self, wanted: outbox.Wanted, now: datetime, *, reason: str = "by_hand") -> int:
        """Cancel what was not handed over yet; return how many."""
        with self.begin() as connection:
            return outbox.cancel(connection, self.recipient_hash, wanted, now, reason=reason)

    def stats(self, mode: str = "") -> outbox.Stats:
        """Count the outbox, of one mode or of all."""
        with self.read() as connection:
            return outbox.stats(connection, mode)

    def people_of_run(self, run: str) -> int:
        """Return for how many people the texts are that a run's volume guard holds back."""
        with self.read() as connection:
            return outbox.people_of_run(connection, run)

    def release_run(self, run: str, now: datetime) -> int:
        """Let go what a run's volume guard holds back; return how many texts."""
        with self.begin() as connection:
            return outbox.release_run(connection, run, now)

    def held_due(self, mode: str, now: datetime, limit: int = 500) -> list[held.HeldMessage]:
        """Return held messages that may leave at `now`, with the newest look of their jobs."""
        with self.read() as connection:
            return held.held_due(connection, mode, now, limit)

    def held_together(self, windows: Collection[str]) -> list[held.HeldMessage]:
        """Return all whom some windows of digests hold, due or not, in order of arrival."""
        with self.read() as connection:
            return held.held_together(connection, windows)

    def resolve_held(
        self,
        resolutions: Sequence[held.Resolution],
        now: datetime,
        windows: Sequence[digests.Window] = (),
        charges: Mapping[str, Sequence[Charge]] = MappingProxyType({}),
    ) -> set[str]:
        """Write what became of held messages; return the ids of those that were still held.

        A window of a digest that changed since it was read is left alone. `charges` are what
        those that leave add to counters, by their ids.

        Raises:
            OvertakenError: others have reached a cap meanwhile; nothing is written.
        """
        with self.begin() as connection:
            hashed = self.recipient_hash
            return held.resolve_held(connection, hashed, resolutions, now, windows, charges)

    def carried(self, carriers: Collection[str]) -> list[Message]:
        """Return the messages that others carry within a digest."""
        with self.read() as connection:
            return digests.carried(connection, carriers)

    def index_numbers(self, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
        """Let messages be found by number faster; return how many were taken in."""
        return numbers.index_numbers(self.begin, self.recipient_hash, now, go_on)

    # People.

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
            persons.set_contact(
                connection, address, now, name=name, language=language, time_zone=time_zone
            )

    def contacts(self, *, opted_out: bool | None = None) -> Iterator[persons.Contact]:
        """Give every address in order; `opted_out` keeps to those who are, or are not."""
        after = ""
        while True:
            with self.read() as connection:
                page = persons.contacts_page(connection, self.recipient_hash, after)
            if not page:
                return
            after = page[-1].address
            yield from (one for one in page if opted_out is None or one.opted_out is opted_out)

    # Why, pauses, notes and care.

    def story_of_job(self, name: str) -> why.Story:
        """Tell all of the jobs that people call `name`: a D.O. number, an id or a subject."""
        with self.read() as connection:
            return why.story_of_job(connection, name)

    def story_of_number(self, number: str) -> why.Story:
        """Tell what was decided and sent for a number."""
        with self.read() as connection:
            return why.story_of_number(connection, self.recipient_hash, number)

    def report_figures(self, days: Sequence[report.Day], mode: str) -> Figures:
        """Return what happened on consecutive days, in one mode.

        The two long looks run side by side, each at its own moment.
        """
        with ThreadPoolExecutor(1) as beside:
            times = beside.submit(self._delivery_times, days, mode)
            with self.read() as connection:
                figures = report.report_figures(connection, days, mode)
            return msgspec.structs.replace(figures, times=times.result())

    def _delivery_times(self, days: Sequence[report.Day], mode: str) -> tuple[DeliveryTime, ...]:
        with self.read() as connection:
            return report.delivery_times(connection, days, mode)

    def paused(self) -> pauses.Paused:
        """Return what is paused."""
        with self.read() as connection:
            return pauses.paused(connection)

    def pause(self, account: str = "", *, note: str = "") -> None:
        """Stop one account, or everything with `''`."""
        with self.begin() as connection:
            pauses.pause(connection, account, note=note)

    def resume(self, account: str = "") -> bool:
        """End a pause; say whether there was one."""
        with self.begin() as connection:
            return pauses.resume(connection, account)

    def set_meta(self, name: str, value: str) -> None:
        """Note a value under a name, in place of the one before."""
        with self.begin() as connection:
            meta.set_meta(connection, name, value)

    def get_watermark(self, name: str) -> datetime | None:
        """Return how far something has come, None when it never began."""
        with self.read() as connection:
            return meta.get_watermark(connection, name)

    def set_watermark(self, name: str, at: datetime) -> None:
        """Note how far something has come."""
        with self.begin() as connection:
            meta.set_watermark(connection, name, at)

    def prune(self, now: datetime) -> retention.Pruned:
        """Forget what is old enough; return how many rows."""
        return retention.prune(self.begin, now)

    def check(self) -> CheckUp:
        """Examine the database; reads all of it."""
        with self.read() as connection:
            return check_up(connection, self.place)

    def backup(self, target: Path) -> int:
        """Copy an SQLite database to a new file with mode 0600; return its size in bytes."""
        with told_plainly(self.place):
            return back_up(self._engine, self.path, target)
