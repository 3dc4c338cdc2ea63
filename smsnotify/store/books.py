"""The books of jobs: who a job is, how it looked last, and which jobs a day has.

A job's subject is the first name that it was ever seen under: `id:…` when the job has Detrack's
id, else `do:type|number|date`. `aliases` leads from every name to its subject:

- an `id:` name is written once and stays with its subject for ever;
- a `do:` name belongs to the job that was saved with it last, because one number lives on many
  jobs in the course of time;
- a subject that is an `id:` name always leads to itself.

So a job that first came without an id keeps its `do:` subject when its id turns up: the new name
leads to the old subject, and what was said stays said. Whether two names mean the same job is
decided by whoever saves (`engine.intake`), not here.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, TextClause, text

from smsnotify.model.event import Happening
from smsnotify.model.jobstate import JobState, KnownJob
from smsnotify.store.batch import JobRow, StoredJob
from smsnotify.store.instants import from_micros
from smsnotify.store.rowset import among, execute, is_postgres, packed, statement, words
from smsnotify.store.statements import insert_rows
from smsnotify.store.words import ID, NUMBER_AND_DATE

PAGE: Final = 500

_encode_state: Final = msgspec.json.Encoder().encode
_decode_state: Final = msgspec.json.Decoder(JobState).decode

_JOB_COLUMNS: Final = (
    "subject",
    "do_number",
    "date",
    "time_zone",
    "attempt",
    "state",
    "snapshot",
    "seen_at",
    "dated_at",
)
_NEWEST_WINS: Final = (
    "(subject) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _JOB_COLUMNS[1:-1])
    + ", dated_at = CASE WHEN jobs.date = excluded.date "
    "THEN jobs.dated_at ELSE excluded.dated_at END"
)
_LAST_OWNER: Final = (
    "(name) DO UPDATE SET subject = excluded.subject WHERE aliases.subject <> excluded.subject"
)
_STORED: Final = "subject, snapshot, state, time_zone, date, seen_at, dated_at"


@cache
def _find_statement(postgres: bool) -> TextClause:
    return text(
        "SELECT aliases.name, jobs.subject, jobs.state FROM aliases "
        "JOIN jobs ON jobs.subject = aliases.subject "
        f"WHERE aliases.name IN ({words(postgres, 'names')})"
    )


def find_jobs(connection: Connection, names: Collection[str]) -> dict[str, KnownJob]:
    """Return what is known of jobs, by any of their names; unknown names are absent."""
    if not names:
        return {}
    statement = _find_statement(is_postgres(connection))
    rows = connection.execute(statement, {"names": packed(list(names))})
    return {name: KnownJob(subject, _decode_state(state)) for name, subject, state in rows}


def has_idless_jobs(connection: Connection) -> bool:
    """Return True when some job's subject is a `do:` name."""
    found = connection.execute(
        text("SELECT 1 FROM jobs WHERE subject >= :first AND subject < :beyond LIMIT 1"),
        {"first": NUMBER_AND_DATE, "beyond": "do;"},
    )
    return found.first() is not None


def save_jobs(connection: Connection, jobs: Sequence[JobRow], at: int) -> None:
    """Keep the newest look of each job, and its names. A subject may come twice, in order.

    Sorted, so that two processes that save the same jobs wait for each other instead of locking
    each other out.
    """
    rows = [
        (
            row.subject,
            row.job.number,
            row.state.date,
            str(row.job.time_zone or ""),
            row.job.attempt_number,
            _encode_state(row.state),
            row.snapshot,
            at,
            at,
        )
        for row in jobs
    ]
    rows.sort(key=_subject_of)
    insert_rows(connection, "jobs", _JOB_COLUMNS, rows, _NEWEST_WINS)
    _save_aliases(connection, jobs)


def _subject_of(row: tuple[Any, ...]) -> str:
    subject: str = row[0]
    return subject


def _save_aliases(connection: Connection, jobs: Sequence[JobRow]) -> None:
    ids: dict[str, str] = {}
    others: dict[str, str] = {}
    for row in jobs:
        subject = row.subject
        if subject.startswith(ID):
            ids.setdefault(subject, subject)
        for name in row.names:
            if name.startswith(ID):
                ids.setdefault(name, subject)
            else:
                others[name] = subject
    columns = ("name", "subject")
    insert_rows(connection, "aliases", columns, sorted(ids.items()), "(name) DO NOTHING")
    insert_rows(connection, "aliases", columns, sorted(others.items()), _LAST_OWNER)


def jobs_page(
    connection: Connection, first: date, last: date, after: StoredJob | None
) -> list[StoredJob]:
    """Return jobs dated from `first` to `last`, by date and subject, those behind `after`.

    Fewer than PAGE of them: there are no more.
    """
    rows = connection.execute(
        text(
            f"SELECT {_STORED} FROM jobs WHERE date >= :first AND date < :beyond "
            f"AND (date, subject) > (:date, :subject) ORDER BY date, subject LIMIT {PAGE}"
        ),
        {
            "first": first.isoformat(),
            # A day may be written with a time behind it: all that begins with the last day.
            "beyond": f"{last.isoformat()}~",
            "date": after.date if after else "",
            "subject": after.subject if after else "",
        },
    )
    return [stored_job(row) for row in rows]


def jobs_by_subject(connection: Connection, subjects: Collection[str]) -> dict[str, StoredJob]:
    """Return the jobs with these subjects, as far as there are any."""
    if not subjects:
        return {}
    which = words(is_postgres(connection), "subjects")
    statement = text(f"SELECT {_STORED} FROM jobs WHERE subject IN ({which})")
    rows = connection.execute(statement, {"subjects": packed(list(subjects))})
    return {row.subject: stored_job(row) for row in rows}


def happened(
    connection: Connection, subjects: Collection[str], names: Collection[str]
) -> dict[str, list[Happening]]:
    """Return when events of these names happened to jobs, the oldest first.

    By an event's own time, else by when it came; at one instant in the order in which they came.
    """
    postgres = is_postgres(connection)
    asking = statement(
        postgres,
        "SELECT subject, name, COALESCE(time, received_at) AS at FROM events "
        f"WHERE {among(postgres, 'subject', 'subjects')} AND {among(postgres, 'name', 'names')} "
        "ORDER BY at, id",
    )
    values = {"subjects": packed(sorted(subjects)), "names": packed(sorted(names))}
    found: dict[str, list[Happening]] = {}
    for subject, name, at in execute(connection, asking, values).fetchall():
        found.setdefault(subject, []).append(Happening(name, from_micros(at)))
    return found


def subjects_called(connection: Connection, name: str) -> list[str]:
    """Return the subjects of the jobs that people call `name`: a D.O. number, an id, a subject."""
    rows = connection.execute(
        text(
            "SELECT subject FROM jobs WHERE do_number = :name OR subject = :name "
            "UNION SELECT subject FROM aliases WHERE name = :name OR name = :id "
            "ORDER BY subject"
        ),
        {"name": name, "id": f"{ID}{name}"},
    )
    return [str(subject) for subject in rows.scalars()]


def stored_job(row: Sequence[Any]) -> StoredJob:
    """Read a row with the columns of StoredJob."""
    subject, snapshot, state, time_zone, day, seen_at, dated_at = row
    return StoredJob(
        subject,
        bytes(snapshot),
        _decode_state(state),
        time_zone,
        day,
        from_micros(seen_at),
        from_micros(dated_at),
    )
