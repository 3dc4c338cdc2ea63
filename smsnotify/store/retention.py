"""Forgetting in time: what is pruned, when, and what stays.

==============================  =========  ====================================================
what                            kept for   then
==============================  =========  ====================================================
events as they came             90 days    deleted
the raw snapshot of a job       90 days    emptied; the job's names and state stay
the body of a message           90 days    emptied; the row, and so the key, stays
the body of a reply             90 days    emptied; the row stays, so that its replay is known
decisions, attempts, receipts   30 days    deleted
windows of digests              30 days    deleted once nobody waits in them
errands that are done or failed 30 days    deleted; so are links that are over, old questions
interactions                    400 days   deleted
enrolments that are over        400 days   deleted with their history, counted from the entry
messages, jobs and their names  400 days   deleted: until then an old file must not text again
replies                         400 days   deleted
ratings of tracking pages       a year     deleted; the pages themselves after 400 days
what people changed (audit)     400 days   deleted
sessions of the console         over       deleted; tries to log in after a day
counters of caps                3 days     deleted
==============================  =========  ====================================================

What is not settled is never touched: texts that are held, queued, sending or unknown, replies that
nobody has worked or decided on, people who wait in a plan, errands that are due. Contacts,
consents and who has had a first text stay; `contacts forget` is for those.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, text

from smsnotify.store.digests import SOMEBODY_WAITS
from smsnotify.store.instants import to_micros
from smsnotify.store.numbers import forget_old
from smsnotify.store.order import first_id
from smsnotify.store.words import TRACKING

RAW: Final = timedelta(days=90)
RECORDS: Final = timedelta(days=30)
KEYS: Final = timedelta(days=400)
YEAR: Final = timedelta(days=365)
DAY: Final = timedelta(days=1)
COUNTED: Final = timedelta(days=3)  # no cap looks back further than two days

_AT_ONCE: Final = 2000
_SETTLED: Final = "state NOT IN ('held', 'queued', 'sending', 'unknown')"
_DECIDED: Final = "state || '' = 'worked'"
# Not by the indexes of those who wait: this walks along the oldest rows.
_OVER: Final = "state || '' <> 'waiting'"
_NOBODYS: Final = (
    "NOT EXISTS (SELECT 1 FROM enrolments WHERE enrolments.id = transitions.enrolment_id)"
)
_UNUSED: Final = "NOT EXISTS (SELECT 1 FROM enrolments WHERE enrolments.version = plans.version)"

Begin = Callable[[], AbstractContextManager[Connection]]


class Pruned(msgspec.Struct, kw_only=True):
    """How many rows were deleted or emptied."""

    events: int = 0
    snapshots: int = 0
    bodies: int = 0
    decisions: int = 0
    attempts: int = 0
    receipts: int = 0
    messages: int = 0
    jobs: int = 0
    reply_bodies: int = 0
    replies: int = 0
    interactions: int = 0
    enrolments: int = 0
    transitions: int = 0
    plans: int = 0
    errands: int = 0
    links: int = 0
    pages: int = 0
    feedback: int = 0
    choices: int = 0
    digests: int = 0
    sessions: int = 0
    login_tries: int = 0
    audit: int = 0
    counters: int = 0


class _Task(NamedTuple):
    """One kind of forgetting: its count's name, which rows, and what is done to them."""

    name: str
    table: str
    rows: str
    change: str
    age: timedelta


_DELETE: Final = "DELETE FROM {table}"

_TASKS: Final = (
    _Task("events", "events", "id < :id", _DELETE, RAW),
    _Task(
        "snapshots",
        "jobs",
        "seen_at < :at AND length(snapshot) > 0",
        "UPDATE {table} SET snapshot = :empty",
        RAW,
    ),
    _Task(
        "bodies",
        "messages",
        f"id < :id AND body <> '' AND {_SETTLED}",
        "UPDATE {table} SET body = '', title = '', markup = '', error_text = ''",
        RAW,
    ),
    _Task("decisions", "decisions", "decided_at < :at", _DELETE, RECORDS),
    _Task("attempts", "attempts", "message_id < :id AND at < :at", _DELETE, RECORDS),
    _Task("receipts", "receipts", "id < :id", _DELETE, RECORDS),
    _Task("messages", "messages", f"id < :id AND {_SETTLED}", _DELETE, KEYS),
    _Task("jobs", "jobs", "seen_at < :at", _DELETE, KEYS),
    _Task(
        "reply_bodies",
        "replies",
        f"id < :id AND body <> '' AND {_DECIDED}",
        "UPDATE {table} SET body = '', media = '[]', note = ''",
        RAW,
    ),
    _Task("replies", "replies", f"id < :id AND {_DECIDED}", _DELETE, KEYS),
    _Task("interactions", "interactions", "id < :id", _DELETE, KEYS),
    _Task("enrolments", "enrolments", f"id < :id AND {_OVER}", _DELETE, KEYS),
    _Task("transitions", "transitions", f"enrolment_id < :id AND {_NOBODYS}", _DELETE, KEYS),
    _Task("plans", "plans", f"seen_at < :at AND {_UNUSED}", _DELETE, KEYS),
    _Task("errands", "errands", "id < :id AND state <> 'due'", _DELETE, RECORDS),
    _Task("links", "links", "expires_at < :at", _DELETE, RECORDS),
    _Task("pages", "links", f"kind = '{TRACKING}' AND created_at < :at", _DELETE, KEYS),
    _Task("feedback", "feedback", "created_at < :at", _DELETE, YEAR),
    _Task("choices", "choices", "due_at < :at", _DELETE, RECORDS),
    _Task("digests", "digests", f"ends_at < :at AND NOT {SOMEBODY_WAITS}", _DELETE, RECORDS),
    _Task("sessions", "sessions", "expires_at < :at", _DELETE, timedelta()),
    _Task("login_tries", "login_tries", "since < :at", _DELETE, DAY),
    _Task("audit", "audit", "id < :id", _DELETE, KEYS),
    _Task("counters", "counters", "updated_at < :at", _DELETE, COUNTED),
)


def prune(begin: Begin, now: datetime) -> Pruned:
    """Forget what is old enough at `now`, some rows a transaction, so that nobody waits long."""
    pruned = Pruned()
    for task in _TASKS:
        setattr(pruned, task.name, _do(begin, task, now - task.age))
    with begin() as connection:
        connection.execute(
            text(
                "DELETE FROM aliases WHERE NOT EXISTS "
                "(SELECT 1 FROM jobs WHERE jobs.subject = aliases.subject)"
            )
        )
        forget_old(connection, first_id(now - KEYS))
    return pruned


def _do(begin: Begin, task: _Task, before: datetime) -> int:
    total = 0
    while True:
        with begin() as connection:
            place = "ctid" if connection.dialect.name == "postgresql" else "rowid"
            done = connection.execute(
                text(
                    f"{task.change.format(table=task.table)} WHERE {place} IN "
                    f"(SELECT {place} FROM {task.table} WHERE {task.rows} LIMIT {_AT_ONCE})"
                ),
                _values(task, before),
            ).rowcount
        total += done
        if done < _AT_ONCE:
            return total


def _values(task: _Task, before: datetime) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in (("id", first_id(before)), ("at", to_micros(before)), ("empty", b"")):
        if f":{name}" in f"{task.rows} {task.change}":
            values[name] = value
    return values
