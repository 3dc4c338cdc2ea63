"""What a tracking page shows, and what people rate on it.

A page is known by a hash of its token. A view asks two questions: whose page it is with the job
and the rating so far, and what happened to the job.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection

from smsnotify.store.batch import StoredJob
from smsnotify.store.books import stored_job
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.links import OF_READER, token_hash
from smsnotify.store.rowset import execute, is_postgres, statement
from smsnotify.store.unstorable import storable
from smsnotify.store.words import TRACKING

MOST_EVENTS: Final = 100
"""The newest so many events of a job are told."""

_PAGE: Final = (
    "SELECT jobs.subject, jobs.snapshot, jobs.state, jobs.time_zone, jobs.date, jobs.seen_at, "
    "jobs.dated_at, links.recipient, feedback.goods, feedback.driver, feedback.comment, "
    "feedback.created_at, feedback.updated_at, contacts.language "
    "FROM links JOIN jobs ON jobs.subject = links.subject "
    "LEFT JOIN feedback ON feedback.token_hash = links.token_hash "
    f"{OF_READER} "
    f"WHERE links.token_hash = :hash AND links.kind = '{TRACKING}'"
)
_EVENTS: Final = (
    "SELECT name, COALESCE(time, received_at) FROM events WHERE subject = :subject "
    f"ORDER BY id DESC LIMIT {MOST_EVENTS}"
)
_KEEP: Final = (
    "INSERT INTO feedback (token_hash, subject, recipient_hash, goods, driver, comment, "
    "created_at, updated_at) VALUES (:hash, :subject, :recipient, :goods, :driver, :comment, "
    ":now, :now) ON CONFLICT (token_hash) DO UPDATE SET goods = excluded.goods, "
    "driver = excluded.driver, comment = excluded.comment, updated_at = excluded.updated_at "
    "WHERE feedback.created_at > :since"
)


class Rating(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a person says of a job: stars from 1 to 5, None where they gave none, and a comment."""

    goods: int | None = None
    driver: int | None = None
    comment: str = ""


class StoredRating(msgspec.Struct, frozen=True, gc=False):
    """A rating, when it was given first, and when it was changed last."""

    rating: Rating
    created_at: datetime
    updated_at: datetime


class TrackedJob(msgspec.Struct, frozen=True, gc=False):
    """Everything that a page may tell. `events` are (name, instant), the oldest first.

    `language` is the reader's, `''` where nobody knows.
    """

    job: StoredJob
    recipient: str
    events: list[tuple[str, datetime]]
    rated: StoredRating | None
    language: str = ""


def find_tracked(connection: Connection, token: str) -> TrackedJob | None:
    """Return what a token leads to; None when it is nobody's or the job is forgotten."""
    postgres = is_postgres(connection)
    asking = statement(postgres, _PAGE)
    row = execute(connection, asking, {"hash": token_hash(token)}).fetchone()
    if row is None:
        return None
    job = stored_job(row[:7])
    recipient, goods, driver, comment, created_at, updated_at, language = row[7:]
    asking = statement(postgres, _EVENTS)
    found = execute(connection, asking, {"subject": job.subject}).fetchall()
    events = [(str(name), from_micros(at)) for name, at in reversed(found)]
    rated = None
    if created_at is not None:
        rating = Rating(goods=goods, driver=driver, comment=comment)
        rated = StoredRating(rating, from_micros(created_at), from_micros(updated_at))
    return TrackedJob(job, recipient, events, rated, language or "")


def keep_rating(
    connection: Connection,
    hashed: RecipientHash,
    token: str,
    tracked: TrackedJob,
    rating: Rating,
    now: datetime,
    since: datetime,
) -> bool:
    """Keep a rating; False when the page has one that was first given before `since`."""
    done = execute(
        connection,
        statement(is_postgres(connection), _KEEP),
        {
            "hash": token_hash(token),
            "subject": tracked.job.subject,
            "recipient": hashed(tracked.recipient),
            "goods": rating.goods,
            "driver": rating.driver,
            "comment": storable(rating.comment),
            "now": to_micros(now),
            "since": to_micros(since),
        },
    )
    return done.rowcount == 1
