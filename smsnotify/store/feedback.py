"""What a tracking page shows, and what people rate on it.

A page is known by a hash of its token. A view asks one question, for several pages at once: whose
each is, with the job, what happened to it, and the rating so far.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from smsnotify.store.batch import StoredJob
from smsnotify.store.books import stored_job
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.links import OF_READER, token_hash
from smsnotify.store.rowset import as_json, as_one, execute, is_postgres, statement
from smsnotify.store.unstorable import storable
from smsnotify.store.words import TRACKING

MOST_EVENTS: Final = 100
"""The newest so many events of a job are told."""

_PORTION: Final = 32
"""So many pages are found by one statement; it has as many places, filled or not."""

_PAGES: Final = (
    "SELECT links.token_hash, jobs.subject, jobs.snapshot, jobs.state, jobs.time_zone, jobs.date, "
    "jobs.seen_at, jobs.dated_at, links.recipient, feedback.goods, feedback.driver, "
    "feedback.comment, feedback.created_at, feedback.updated_at, contacts.language "
    "FROM links JOIN jobs ON jobs.subject = links.subject "
    "LEFT JOIN feedback ON feedback.token_hash = links.token_hash "
    f"{OF_READER} "
    f"WHERE links.token_hash IN ({{places}}) AND links.kind = '{TRACKING}'"
)
_EVENTS: Final = (
    "SELECT id, name, COALESCE(time, received_at) AS at FROM events WHERE subject = found.subject "
    f"ORDER BY id DESC LIMIT {MOST_EVENTS}"
)
_TOLD: Final = (
    *("subject", "time_zone", "date", "seen_at", "dated_at", "recipient"),
    *("goods", "driver", "comment", "created_at", "updated_at", "language"),
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


class RatedJob(msgspec.Struct, frozen=True, gc=False):
    """A rating with the number of the job that it is about, `''` when nothing is known of it."""

    job: str
    stored: StoredRating


class TrackedJob(msgspec.Struct, frozen=True, gc=False):
    """Everything that a page may tell. `events` are (name, instant), the oldest first.

    `language` is the reader's, `''` where nobody knows.
    """

    job: StoredJob
    recipient: str
    events: list[tuple[str, datetime]]
    rated: StoredRating | None
    language: str = ""


class _Row(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A page as the database tells it; bytes as hexadecimal digits, instants as microseconds."""

    token_hash: str
    snapshot: str
    state: str
    events: list[tuple[str, str, int]]
    subject: str
    time_zone: str
    date: str
    seen_at: int
    dated_at: int
    recipient: str
    goods: int | None
    driver: int | None
    comment: str | None
    created_at: int | None
    updated_at: int | None
    language: str | None


_decode_rows: Final = msgspec.json.Decoder(list[_Row]).decode


def find_tracked(connection: Connection, tokens: Sequence[str]) -> dict[str, TrackedJob]:
    """Return what tokens lead to; those that are nobody's, or of forgotten jobs, are left out.

    One statement for many: beside a busy event loop, every row and every statement would wait for
    the interpreter lock (see `rowset`).
    """
    asking = _asking(is_postgres(connection))
    found: dict[str, TrackedJob] = {}
    for start in range(0, len(tokens), _PORTION):
        by_hash = {token_hash(token): token for token in tokens[start : start + _PORTION]}
        hashes = [*by_hash, *[b""] * (_PORTION - len(by_hash))]
        values = {f"hash_{_letters(place)}": one for place, one in enumerate(hashes)}
        told = execute(connection, asking, values).fetchone()
        for row in _decode_rows(told[0]):
            found[by_hash[bytes.fromhex(row.token_hash)]] = _tracked(row)
    return found


@cache
def _asking(postgres: bool) -> str:
    places = ", ".join(f":hash_{_letters(place)}" for place in range(_PORTION))
    hexed = "encode({}, 'hex')" if postgres else "hex({})"
    events = as_one(postgres, ("id", "name", "at"), _EVENTS)
    columns = [
        hexed.format("token_hash"),
        hexed.format("snapshot"),
        hexed.format("state"),
        as_json(postgres, f"({events})"),
        *_TOLD,
    ]
    whole = as_one(postgres, columns, _PAGES.format(places=places))
    if not postgres:
        whole += " AS found"
    return statement(postgres, whole)


def _letters(place: int) -> str:
    """Return a number as letters: parameters have no digits."""
    return chr(97 + place // 26) + chr(97 + place % 26)


def _tracked(row: _Row) -> TrackedJob:
    snapshot, state = bytes.fromhex(row.snapshot), bytes.fromhex(row.state)
    columns = (row.subject, snapshot, state, row.time_zone, row.date)
    events = [(name, from_micros(at)) for _, name, at in sorted(row.events)]
    rated = None
    if row.created_at is not None and row.updated_at is not None:
        rating = Rating(goods=row.goods, driver=row.driver, comment=row.comment or "")
        rated = StoredRating(rating, from_micros(row.created_at), from_micros(row.updated_at))
    return TrackedJob(
        stored_job((*columns, row.seen_at, row.dated_at)),
        row.recipient,
        events,
        rated,
        row.language or "",
    )


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


_GIVEN: Final = (
    "SELECT jobs.snapshot, goods, driver, comment, created_at, updated_at FROM feedback "
    "LEFT JOIN jobs ON jobs.subject = feedback.subject WHERE recipient_hash = :hash "
    "ORDER BY created_at DESC LIMIT :limit"
)


class _Numbered(msgspec.Struct):
    do_number: Any = None


def ratings_of(
    connection: Connection, hashed: RecipientHash, recipient: str, limit: int
) -> list[RatedJob]:
    """Return what somebody has rated, the newest first."""
    asking = statement(is_postgres(connection), _GIVEN)
    rows = execute(connection, asking, {"hash": hashed(recipient), "limit": limit}).fetchall()
    return [_rated(*row) for row in rows]


def _rated(
    snapshot: bytes | None,
    goods: int | None,
    driver: int | None,
    comment: str,
    created_at: int,
    updated_at: int,
) -> RatedJob:
    number = ""
    if snapshot:
        try:
            number = str(msgspec.json.decode(bytes(snapshot), type=_Numbered).do_number or "")
        except msgspec.DecodeError:
            number = ""
    rating = Rating(goods=goods, driver=driver, comment=comment)
    return RatedJob(number, StoredRating(rating, from_micros(created_at), from_micros(updated_at)))
