"""Texts from people: kept as they came, then worked once each."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from smsnotify.base.ids import new_id
from smsnotify.model.message import InboundMessage
from smsnotify.store.conversation_batch import WorkedReply
from smsnotify.store.held import end_doubt
from smsnotify.store.instants import to_micros
from smsnotify.store.order import first_id
from smsnotify.store.reader import Reader
from smsnotify.store.rowset import (
    among,
    execute,
    is_postgres,
    packed,
    statement,
)
from smsnotify.store.statements import insert_rows, write_rows
from smsnotify.store.unstorable import storable

_WRITTEN: Final = (
    "id",
    "account",
    "provider_message_id",
    "sender",
    "to_number",
    "body",
    "media",
    "keyword",
    "at",
    "received_at",
)


class StoredReply(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A reply as the books have it.

    `state` is `new` until it is worked, then `worked`, or `inbox` or `doubtful` until a clerk has
    decided. `verdict` says what it was taken for. `to` is our number; `keyword` the provider's
    own STOP, START or HELP; `at` is the provider's clock, `received_at` ours.
    """

    id: str
    account: str
    provider_message_id: str
    sender: str
    to: str
    body: str
    media: tuple[str, ...]
    keyword: str
    at: datetime | None
    received_at: datetime
    state: str = "new"
    verdict: str = ""
    contact_id: str = ""
    enrolment_id: str = ""
    note: str = ""
    worked_at: datetime | None = None


class WantedReplies(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which replies: everything that is given must hold; nothing given means all.

    `before` is the id behind which an earlier page ended; `since` bounds when it was received.
    """

    states: frozenset[str] = frozenset()
    sender: str = ""
    account: str = ""
    before: str = ""
    since: datetime | None = None


def note_replies(
    connection: Connection, account: str, messages: Sequence[InboundMessage], now: datetime
) -> int:
    """Keep inbound texts once each; return how many were new."""
    return insert_rows(
        connection,
        "replies",
        _WRITTEN,
        [_row(account, message, now) for message in messages],
        "(account, provider_message_id) DO NOTHING",
    )


def _row(account: str, message: InboundMessage, now: datetime) -> tuple[object, ...]:
    return (
        new_id(now),
        account,
        storable(message.provider_message_id) or _made_up_id(message),
        storable(message.sender),
        storable(message.to),
        storable(message.body),
        json.dumps([storable(address) for address in message.media]),
        storable(message.keyword),
        to_micros(message.at),
        to_micros(now),
    )


def _made_up_id(message: InboundMessage) -> str:
    """Name a text that the provider gave no id, so that its replay has the same name."""
    parts = (message.sender, message.to, message.body, str(message.at))
    told = "\x1f".join(parts).encode("utf-8", "replace")
    return f"none:{hashlib.sha256(told).hexdigest()}"


# Reading.

_REPLIES: Final = Reader("replies", StoredReply, {"to": "to_number"})


def unworked_replies(connection: Connection, limit: int) -> list[StoredReply]:
    """Return replies that nobody has worked yet, the oldest first."""
    return _REPLIES.read(
        connection, "WHERE state = 'new' ORDER BY id LIMIT :limit", {"limit": limit}
    )


def unworked_senders(connection: Connection, numbers: Collection[str]) -> set[str]:
    """Return those of the numbers that have replies which nobody has worked yet."""
    return _senders(connection, numbers, "state = 'new'")


def doubtful_senders(connection: Connection, numbers: Collection[str]) -> set[str]:
    """Return those of the numbers whose likely opt-out a clerk must still decide."""
    return _senders(connection, numbers, "state IN ('inbox', 'doubtful') AND state = 'doubtful'")


def _senders(connection: Connection, numbers: Collection[str], which: str) -> set[str]:
    if not numbers:
        return set()
    postgres = is_postgres(connection)
    asking = statement(
        postgres,
        f"SELECT DISTINCT sender FROM replies WHERE {among(postgres, 'sender', 'numbers')} "
        f"AND {which}",
    )
    rows = execute(connection, asking, {"numbers": packed(list(numbers))}).fetchall()
    return {str(row[0]) for row in rows}


def replies_since(
    connection: Connection, numbers: Collection[str], since: datetime, limit: int
) -> dict[str, list[StoredReply]]:
    """Return what these numbers sent since, worked or not, oldest first, by number.

    `limit` bounds all of it together, the newest stay.
    """
    if not numbers:
        return {}
    rest = (
        f"WHERE {among(is_postgres(connection), 'sender', 'numbers')} AND id >= :first "
        "AND received_at >= :since ORDER BY id DESC LIMIT :limit"
    )
    values = {"numbers": packed(list(numbers)), "first": first_id(since), "limit": limit}
    found: dict[str, list[StoredReply]] = {}
    for reply in reversed(_REPLIES.read(connection, rest, values | {"since": to_micros(since)})):
        found.setdefault(reply.sender, []).append(reply)
    return found


def counted_since(
    connection: Connection, numbers: Collection[str], since: datetime, before: str = ""
) -> dict[str, int]:
    """Return how many replies each of these numbers sent since; none at all is absent.

    `before` is an id: that reply and those after it do not count.
    """
    if not numbers:
        return {}
    postgres = is_postgres(connection)
    asking = statement(
        postgres,
        f"SELECT sender, count(*) FROM replies WHERE {among(postgres, 'sender', 'numbers')} "
        f"AND id >= :first{' AND id < :before' if before else ''} GROUP BY sender",
    )
    values = {"numbers": packed(list(numbers)), "first": first_id(since)}
    if before:
        values["before"] = before
    return {row[0]: int(row[1]) for row in execute(connection, asking, values).fetchall()}


def count_open(connection: Connection) -> int:
    """Return how many replies wait for a clerk."""
    asking = "SELECT count(*) FROM replies WHERE state IN ('inbox', 'doubtful')"
    return int(execute(connection, asking, {}).fetchone()[0])


def list_replies(
    connection: Connection, wanted: WantedReplies, limit: int | None
) -> list[StoredReply]:
    """Return replies, the newest first."""
    postgres = is_postgres(connection)
    parts, values = ["1 = 1"], dict[str, object]()
    if wanted.states:
        parts.append(among(postgres, "state", "states"))
        values["states"] = packed(sorted(wanted.states))
        if wanted.states <= {"inbox", "doubtful"}:
            parts.append("state IN ('inbox', 'doubtful')")
        elif wanted.states == {"new"}:
            parts.append("state = 'new'")
    for name in ("sender", "account"):
        if value := getattr(wanted, name):
            parts.append(f"{name} = :{name}")
            values[name] = storable(value)
    if wanted.before:
        parts.append("id < :before")
        values["before"] = wanted.before
    if wanted.since is not None:
        parts.append("id >= :first AND received_at >= :since")
        values |= {"first": first_id(wanted.since), "since": to_micros(wanted.since)}
    most = "" if limit is None else f" LIMIT {int(limit)}"
    return _REPLIES.read(connection, f"WHERE {' AND '.join(parts)} ORDER BY id DESC{most}", values)


def replies_called(connection: Connection, id_start: str, limit: int = 2) -> list[StoredReply]:
    """Return up to `limit` replies whose id begins so; more than one means: not enough."""
    start = id_start.strip().lower()
    if not (start.isascii() and start.isalnum()):
        return []
    values: dict[str, object] = {"start": start, "end": start.ljust(26, "z"), "limit": limit}
    return _REPLIES.read(
        connection, "WHERE id >= :start AND id <= :end ORDER BY id LIMIT :limit", values
    )


# Working.

_WORKED: Final = {
    "id": "text",
    "state": "text",
    "verdict": "text",
    "contact_id": "text",
    "enrolment_id": "text",
    "note": "text",
    "was": "text",
    "worked_at": "int",
}
_WORK: Final = (
    "UPDATE replies SET state = r.state, verdict = r.verdict, contact_id = r.contact_id, "
    "enrolment_id = r.enrolment_id, note = r.note, worked_at = r.worked_at "
    "FROM {rows} WHERE replies.id = r.id AND replies.state = r.was"
)


def work(connection: Connection, worked: Sequence[WorkedReply], now: datetime) -> bool:
    """Write what replies were taken for; False when one was not in its expected state any more."""
    at = to_micros(now)
    rows = [
        (
            one.id,
            one.state,
            one.verdict,
            one.contact_id,
            one.enrolment_id,
            one.note,
            one.was,
            at,
        )
        for one in worked
    ]
    done = write_rows(connection, _WORK, _WORKED, rows)
    _end_doubts(connection, [one.id for one in worked if one.was == "doubtful"], now)
    return done == len(rows)


def _end_doubts(connection: Connection, ids: Sequence[str], now: datetime) -> None:
    """Let the texts of people go on whose likely opt-out was decided on."""
    if not ids:
        return
    postgres = is_postgres(connection)
    asking = statement(postgres, f"SELECT sender FROM replies WHERE {among(postgres, 'id', 'ids')}")
    rows = execute(connection, asking, {"ids": packed(list(ids))}).fetchall()
    end_doubt(connection, {str(row[0]) for row in rows}, now)


def set_reply_state(
    connection: Connection, reply_id: str, *, was: str, state: str, note: str, now: datetime
) -> bool:
    """Decide on a reply by hand; False when it is not in the state `was` any more."""
    asking = statement(
        is_postgres(connection),
        "UPDATE replies SET state = :state, note = CASE WHEN :note = '' THEN note ELSE :note END, "
        "worked_at = :now WHERE id = :id AND state = :was",
    )
    values: dict[str, Any] = {"id": reply_id, "was": was, "state": state, "now": to_micros(now)}
    done = execute(connection, asking, values | {"note": storable(note)}).rowcount == 1
    if done and was == "doubtful":
        _end_doubts(connection, [reply_id], now)
    return done
