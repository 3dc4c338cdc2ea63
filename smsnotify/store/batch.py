"""What intake hands to the store: everything that one chunk of events came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from smsnotify.model.contact import Interaction
from smsnotify.model.counts import Charge
from smsnotify.model.decision import Decision, MessageKey
from smsnotify.model.job import Job
from smsnotify.model.jobstate import JobState
from smsnotify.model.message import Message
from smsnotify.store.conversation_batch import NewLink


class JobRow(msgspec.Struct, frozen=True, gc=False):
    """A job as it looks now: its subject, the names that this snapshot gives it, its state.

    `snapshot` is the job object as compact JSON, `b""` in a rehearsal.
    """

    subject: str
    names: tuple[str, ...]
    state: JobState
    job: Job
    snapshot: bytes = b""


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """An event as it came: `raw` is the line; `time` is aware or None."""

    subject: str
    name: str
    event_id: str
    time: datetime | None
    raw: bytes


class Tracked(msgspec.Struct, frozen=True, gc=False):
    """An interaction, and the address of whoever it is with: its contact is made if need be."""

    address: str
    interaction: Interaction


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """A text that waits for others at the same door: a digest makes one of them.

    `ends_at` is the end of the door's window as far as was known, `leaves_at` when this text may
    leave. A window that opens with it lasts for `wait`.
    """

    door: str
    ends_at: datetime
    leaves_at: datetime
    wait: timedelta


class Batch(msgspec.Struct):
    """One chunk's outcome, saved in one transaction.

    `jobs` in the order they came; a subject may come twice. `messages` holds a message for every
    decision that is no stop, under the decision's key. `replaces` are ids of messages that make
    room for this batch's: an earlier run left them held by the volume guard, or they watched a
    status in vain. `links` are pages that the texts lead to, `tracked` what happened with people
    on other channels. `waiting` says which of the messages wait for others of a digest. `charges`
    are what the messages add to counters, in the order of the decisions.
    """

    jobs: list[JobRow]
    events: list[EventRow]
    decisions: list[Decision]
    messages: dict[MessageKey, Message]
    at: datetime
    replaces: list[str] = []
    links: list[NewLink] = []
    tracked: list[Tracked] = []
    waiting: dict[MessageKey, Waiting] = {}
    charges: Mapping[MessageKey, tuple[Charge, ...]] = {}


class StoredJob(msgspec.Struct, frozen=True, gc=False):
    """A job as the books have it; `snapshot` is the job object as JSON, `b""` once pruned.

    `seen_at` is when its newest snapshot came, `dated_at` when it first came with its date.
    """

    subject: str
    snapshot: bytes
    state: JobState
    time_zone: str
    date: str
    seen_at: datetime
    dated_at: datetime


def newest(rows: Sequence[JobRow]) -> Sequence[JobRow]:
    """Return the last row of each job: a chunk tells of most jobs more than once.

    For rows whose subject is their first name. All rows come back where an earlier one says more:
    another number for its job, or whose a number was before it was another job's.
    """
    found = {row.names: row for row in rows}
    subjects, numbers = {names[0] for names in found}, {names[-1] for names in found}
    if len(found) == len(subjects) == len(numbers):
        return list(found.values())
    return rows
