"""A memory for dry runs: answers as the store would, and keeps nothing.

What the run itself would have stored lies in temporary files (`store.spill`), above the real
store, which is only read; without a real store there is just the run. Every answer is the one
that the store would give after the same calls: a test compares the two over random histories.

Names and subjects follow the rule of `store.books`. What makes it fast: an `id:` name is nearly
always its job's subject, and a name that nobody had needs no look into a file. By which `do:`
name a job goes is noted with the job; an index of those is made when somebody first asks for one
that is no subject, which happens as soon as a job without an id turns up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from smsnotify.model.counts import Charge, CountKey
from smsnotify.model.decision import Earlier, MessageKey, Verdict
from smsnotify.model.event import Happening
from smsnotify.model.jobstate import JobState, KnownJob
from smsnotify.model.message import Message, MessageState
from smsnotify.store.batch import Batch, JobRow, StoredJob, Waiting, newest
from smsnotify.store.read_through import ReadThrough
from smsnotify.store.spill import Spill
from smsnotify.store.words import ID, NUMBER_AND_DATE, UNCHANGED, VOLUME_GUARD

if TYPE_CHECKING:
    from smsnotify.store.store import Store

_Key = tuple[str, str, str, str, str, str, str]
_subject = itemgetter(0)
_at = attrgetter("at")
_GIVE_WAY: Final = {
    (VOLUME_GUARD, MessageState.HELD.value),
    (UNCHANGED, MessageState.CANCELLED.value),
}


class Rehearsal(ReadThrough):
    """Intake's memory of one dry run."""

    durable: ClassVar[bool] = False

    def __init__(self, store: Store | None, *, with_snapshots: bool = False) -> None:
        """`store` is what is really stored so far, None for nothing.

        `with_snapshots` lets `jobs_between` tell of the jobs of this run too.
        """
        super().__init__(store)
        self._jobs = Spill[str](tuple[str, str, JobState])
        self._keys = Spill[MessageKey](tuple[_Key, str, str, str, str])
        # From names that are no subject; made when the first one is needed.
        self._aliases: Spill[str] | None = None
        self._numbers_indexed = False
        # False while every job of this run goes by one name, its subject.
        self._other_names = False
        self._counts: Spill[CountKey] | None = None  # made when the first cap counts
        self._idless = self._below is not None and self._below.has_idless_jobs()
        self._planned = Spill[str](tuple[str, StoredJob]) if with_snapshots else None
        # What happened to jobs, as far as rules look back at it; most do not.
        self._happened: Spill[str] | None = None
        # Of digests: door, end of its window, when it leaves; made when the first one waits.
        self._doors: Spill[str] | None = None
        # Who got a first text in this run; made with the first that says more for it.
        self._greeted: Spill[str] | None = None
        # What the last `taken` found out: free keys, and what gives way to a later text, by id.
        self._free: frozenset[MessageKey] = frozenset()
        self._held_back: dict[str, MessageKey] = {}

    def find_jobs(self, names: Iterable[str]) -> dict[str, KnownJob]:
        """Return what is known of jobs, by any of their names; unknown names are absent.

        Raises:
            StoreError: the real database refused.
        """
        wanted = list(names)
        numbers: list[str] = []
        direct = wanted
        # `do:` sorts before `id:`; the smallest tells for all, without a step for each.
        if self._other_names and min(wanted, default=ID) < ID:
            numbers = [name for name in wanted if name.startswith(NUMBER_AND_DATE)]
            direct = [name for name in wanted if not name.startswith(NUMBER_AND_DATE)]
        records = self._jobs.get(self._jobs.maybe(direct))
        found = {name: KnownJob(name, record[2]) for name, record in records.items()}
        if numbers:
            self._index_numbers()
        if self._aliases is not None:
            found |= self._by_alias(self._aliases, [name for name in wanted if name not in found])
        if self._below is not None:
            found |= self._from_below(self._below, [name for name in wanted if name not in found])
        return found

    def recall(self, named: Iterable[Sequence[str]]) -> dict[str, KnownJob]:
        """Return what is known of jobs by their names in order, as far as it can matter.

        The `do:` name of a job that has an id matters only while some job has none; it may be
        missing from the answer otherwise.

        Raises:
            StoreError: the real database refused.
        """
        if self._idless:
            return self.find_jobs([name for names in named for name in names])
        return self.find_jobs({names[0] for names in named})

    def has_idless_jobs(self) -> bool:
        """Return True when some job is known by number and date alone."""
        return self._idless

    def taken(self, keys: Collection[MessageKey]) -> dict[MessageKey, Earlier]:
        """Return the keys that have a message, and which one.

        Raises:
            StoreError: the real database refused.
        """
        own = self._own_keys(keys)
        found = {key: earlier for key, earlier in own.items() if earlier.id}
        if self._below is not None:
            below = self._below.taken([key for key in keys if key not in own])
            self._free = frozenset(keys) - own.keys() - below.keys()
            found |= below
        for key, earlier in found.items():
            if (earlier.gate, earlier.state) in _GIVE_WAY:
                self._held_back[earlier.id] = key
        return found

    def counts(self, keys: Collection[CountKey]) -> dict[CountKey, int]:
        """Return the counters of caps that there are, with what this run would add.

        Raises:
            StoreError: the real database refused.
        """
        found = self._below.counts(keys) if self._below is not None else {}
        for key, amount in self._own_counts(keys).items():
            found[key] = found.get(key, 0) + amount
        return found

    def add_counts(self, charged: Iterable[Sequence[Charge]]) -> None:
        """Count texts that leave without being saved once more."""
        self._charge(charged)

    def happened(
        self, subjects: Collection[str], names: Collection[str]
    ) -> dict[str, list[Happening]]:
        """Return when events of these names happened to jobs, the oldest first.

        Raises:
            StoreError: the real database refused.
        """
        found: dict[str, list[Happening]] = {}
        if self._below is not None:
            found = self._below.happened(subjects, names)
        if self._happened is not None:
            for subject, records in self._happened.every(subjects).items():
                own = [
                    Happening(name, at.astimezone(UTC)) for _, name, at in records if name in names
                ]
                if own:
                    found[subject] = sorted([*found.get(subject, ()), *own], key=_at)
        return found

    def doors(self, wanted: Collection[str], now: datetime) -> dict[str, datetime]:
        """Return the doors at which a digest waits, each with the end of its window.

        What this run lets wait leaves in time, as if somebody ticked.

        Raises:
            StoreError: the real database refused.
        """
        found = self._below.doors(wanted, now) if self._below is not None else {}
        if self._doors is not None:
            for door, record in self._doors.get(self._doors.maybe(wanted)).items():
                if record[2] > now:
                    found[door] = record[1]
        return found

    def greeted(self, recipients: Collection[str], mode: str, run: str) -> set[str]:
        """Return which recipients have had the words that a first text must carry.

        Raises:
            StoreError: the real database refused.
        """
        below = self._below
        found = below.greeted(recipients, mode, run) if below is not None else set()
        if self._greeted is not None:
            found |= self._greeted.get(self._greeted.maybe(recipients)).keys()
        return found

    def save(self, batch: Batch) -> dict[MessageKey, Earlier]:
        """Remember a batch; return the keys that were taken, as the store would.

        Raises:
            StoreError: the real database refused, or the temporary folder is full.
        """
        self._save_jobs(batch.jobs, batch.at)
        if batch.events:
            self._save_events(batch)
        if batch.replaces:
            self._make_room(batch.replaces)
        self._held_back.clear()
        if batch.waiting:
            self._save_doors(batch.waiting)
        lost = self._save_messages(batch.messages)
        self._note_first_texts(batch, lost)
        if batch.charges:
            self._charge(one for key, one in batch.charges.items() if key not in lost)
        return lost

    def free(self, keys: Iterable[MessageKey]) -> None:
        """Let texts of this run give up their keys."""
        self._keys.put([(key, "", "", "", "") for key in keys])

    def jobs_between(self, first: date, last: date) -> Iterator[StoredJob]:
        """Give every job dated from `first` to `last`: those of this run, then the stored ones.

        Raises:
            StoreError: the real database refused.
        """
        if self._planned is not None:
            planned = self._planned
            beyond = f"{last.isoformat()}~"
            for subject in dict.fromkeys(record[0] for record in planned.records()):
                job: StoredJob = planned.get([subject])[subject][1]
                if first.isoformat() <= job.date < beyond:
                    yield job
        if self._below is not None:
            for job in self._below.jobs_between(first, last):
                if not self._jobs.get([job.subject]):
                    yield job

    def close(self) -> None:
        """Drop the temporary files and close the real store."""
        spills = (self._jobs, self._keys, self._aliases, self._planned, self._happened)
        for spill in (*spills, self._doors, self._greeted, self._counts):
            if spill is not None:
                spill.close()
        if self._store is not None:
            self._store.close()

    def _save_events(self, batch: Batch) -> None:
        if self._happened is None:
            self._happened = Spill[str](tuple[str, str, datetime])
        self._happened.put([(one.subject, one.name, one.time or batch.at) for one in batch.events])

    def _by_alias(self, aliases: Spill[str], names: list[str]) -> dict[str, KnownJob]:
        subjects = {name: record[1] for name, record in aliases.get(names).items()}
        records = self._jobs.get(list(subjects.values()))
        return {name: KnownJob(subject, records[subject][2]) for name, subject in subjects.items()}

    def _from_below(self, below: Store, names: list[str]) -> dict[str, KnownJob]:
        """Ask the real store; the state of a job that this run saw again is the run's."""
        found = below.find_jobs(names)
        newer = self._jobs.get([known.subject for known in found.values()])
        for name, known in found.items():
            if known.subject in newer:
                found[name] = KnownJob(known.subject, newer[known.subject][2])
        return found

    def _index_numbers(self) -> None:
        if not self._numbers_indexed:
            self._numbers_indexed = True
            portion: list[tuple[str, str]] = []
            for subject, name, _ in self._jobs.records():
                if name.startswith(NUMBER_AND_DATE):
                    portion.append((name, subject))
                if len(portion) == 1000:
                    self._put_aliases(portion)
                    portion = []
            self._put_aliases(portion)

    def _keep_jobs(self, records: list[tuple[str, str, JobState]]) -> None:
        """Keep jobs as (subject, the name it goes by last, state)."""
        self._jobs.put(records)

    def _put_aliases(self, pairs: list[tuple[str, str]]) -> None:
        if self._aliases is None:
            self._aliases = Spill[str](tuple[str, str])
        self._aliases.put(pairs)

    def _save_jobs(self, rows: Sequence[JobRow], at: datetime) -> None:
        if not rows:
            return
        if self._planned is not None:
            self._planned.put(self._as_stored(rows, at))
        elsewhere = [row for row in rows if row.names[0] != row.subject]
        if not elsewhere:
            rows = newest(rows)
        joined = [(row.names[0], row.subject) for row in elsewhere if row.names[0].startswith(ID)]
        if joined:
            known = self.find_jobs([name for name, _ in joined])
            joined = [(name, subject) for name, subject in joined if name not in known]
        records = [(row.subject, row.names[-1], row.state) for row in rows]
        self._keep_jobs(records)
        if joined:
            self._put_aliases(joined)
        if self._numbers_indexed:
            self._put_aliases(
                [
                    (name, subject)
                    for subject, name, _ in records
                    if name.startswith(NUMBER_AND_DATE)
                ]
            )
        elif not self._other_names:
            self._other_names = any(name != subject for subject, name, _ in records)
        if not self._idless:
            # `do:` sorts before `id:`; the smallest tells for all, without a step for each.
            self._idless = min(record[0] for record in records).startswith(NUMBER_AND_DATE)

    def _as_stored(self, rows: Sequence[JobRow], at: datetime) -> list[tuple[str, StoredJob]]:
        subjects = [row.subject for row in rows]
        before = self._below.jobs_by_subject(subjects) if self._below is not None else {}
        if self._planned is not None:
            before |= {key: record[1] for key, record in self._planned.get(subjects).items()}
        stored: list[tuple[str, StoredJob]] = []
        for row in rows:
            earlier = before.get(row.subject)
            day = row.state.date
            job = StoredJob(
                row.subject,
                row.snapshot or msgspec.json.encode(row.job),
                row.state,
                str(row.job.time_zone or ""),
                day,
                at,
                earlier.dated_at if earlier is not None and earlier.date == day else at,
            )
            before[row.subject] = job
            stored.append((row.subject, job))
        return stored

    def _save_doors(self, waiting: Mapping[MessageKey, Waiting]) -> None:
        if self._doors is None:
            self._doors = Spill[str](tuple[str, datetime, datetime])
        self._doors.put([(one.door, one.ends_at, one.leaves_at) for one in waiting.values()])

    def _note_first_texts(self, batch: Batch, lost: Mapping[MessageKey, Earlier]) -> None:
        leaving = [
            (one.draft.recipient,)
            for one in batch.decisions
            if one.first_text and one.verdict is Verdict.SEND and one.draft.key not in lost
        ]
        if leaving:
            if self._greeted is None:
                self._greeted = Spill[str](tuple[str])
            self._greeted.put(leaving)

    def _own_keys(self, keys: Iterable[MessageKey]) -> dict[MessageKey, Earlier]:
        """Return what this run noted under keys; no id: a text that gave up its key."""
        records = self._keys.get(self._keys.maybe(keys))
        return {key: Earlier(*record[1:]) for key, record in records.items()}

    def _own_counts(self, keys: Collection[CountKey]) -> dict[CountKey, int]:
        if self._counts is None:
            return {}
        records = self._counts.get(self._counts.maybe(keys))
        return {key: record[1] for key, record in records.items()}

    def _charge(self, charged: Iterable[Sequence[Charge]]) -> None:
        if self._counts is None:
            self._counts = Spill[CountKey](tuple[tuple[str, int, str, str], int])
        added: Counter[CountKey] = Counter()
        for charges in charged:
            for one in charges:
                added[one.key] += one.amount
        before = self._own_counts(added)
        self._counts.put([(key, before.get(key, 0) + more) for key, more in added.items()])

    def _make_room(self, replaced: Iterable[str]) -> None:
        self.free([self._held_back[one] for one in replaced if one in self._held_back])

    def _save_messages(self, messages: Mapping[MessageKey, Message]) -> dict[MessageKey, Earlier]:
        """Note the messages whose keys are free; return what has the other keys."""
        lost: dict[MessageKey, Earlier] = {}
        if self._below is not None:
            unasked = [key for key in messages if key not in self._free]
            own = self._own_keys(unasked)
            lost = self._below.taken([key for key in unasked if key not in own])
        records = [
            (key, message.id, message.state, message.gate, message.run)
            for key, message in messages.items()
        ]
        if lost:
            records = [record for record in records if record[0] not in lost]
        met = self._keys.put(records)
        # Noted first and asked then: nearly all are new. What a key had before comes back.
        before = [self._keys.before(record[0], place) for record, place in met]
        kept = [record for record in before if record is not None and record[1]]
        self._keys.put(kept)
        return lost | {MessageKey(*record[0]): Earlier(*record[1:]) for record in kept}
