"""Held messages whose time has come, and what a second judgement made of them."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.model.counts import Charge
from smsnotify.model.facts import IN_DOUBT
from smsnotify.model.message import Message, MessageState
from smsnotify.store.batch import StoredJob
from smsnotify.store.books import jobs_by_subject
from smsnotify.store.counters import charge
from smsnotify.store.digests import MERGED, Window, leave, members
from smsnotify.store.first_texts import note_first_texts
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import to_micros
from smsnotify.store.rows import SELECTED, read_message
from smsnotify.store.rowset import (
    among,
    execute,
    is_postgres,
    packed,
    source,
    state_of_found,
    statement,
)
from smsnotify.store.wakeups import announce

_WAITING: Final = "messages.state = 'held' AND messages.gate <> 'volume_guard'"


class HeldMessage(msgspec.Struct, frozen=True, gc=False):
    """A message that waits, with the newest look of its job (None: no such job any more)."""

    message: Message
    job: StoredJob | None


class Resolution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What becomes of a held message: `queued`, `cancelled`, or `held` until `not_before`.

    `first_text`: it carries what a number's first text must say.
    Empty texts and None leave the row's value as it is, save `gate`, `reason` and `carried_by`.
    """

    id: str
    state: str
    gate: str = ""
    reason: str = ""
    carried_by: str = ""
    error_text: str = ""
    recipient: str = ""
    country: str = ""
    body: str = ""
    encoding: str = ""
    segments: int = 0
    title: str = ""
    markup: str = ""
    not_before: datetime | None = None
    expires_at: datetime | None = None
    first_text: bool = False


_SHAPE: Final = {
    "id": "text",
    "state": "text",
    "gate": "text",
    "reason": "text",
    "carried_by": "text",
    "error_text": "text",
    "recipient": "text",
    "country": "text",
    "body": "text",
    "encoding": "text",
    "segments": "int",
    "title": "text",
    "markup": "text",
    "not_before": "int",
    "expires_at": "int",
}


def held_due(connection: Connection, mode: str, now: datetime, limit: int) -> list[HeldMessage]:
    """Return held messages that may leave at `now`, the longest waiting first."""
    asking = text(
        f"SELECT {SELECTED} FROM messages WHERE {_WAITING} AND mode = :mode "
        "AND not_before <= :now ORDER BY not_before, id LIMIT :limit"
    )
    values = {"mode": mode, "now": to_micros(now), "limit": limit}
    return _with_jobs(connection, [read_message(row) for row in connection.execute(asking, values)])


def held_together(connection: Connection, windows: Collection[str]) -> list[HeldMessage]:
    """Return all whom some windows of digests hold, due or not, in order of arrival."""
    return _with_jobs(connection, members(connection, windows))


def _with_jobs(connection: Connection, messages: Sequence[Message]) -> list[HeldMessage]:
    jobs = jobs_by_subject(connection, {message.subject for message in messages})
    return [HeldMessage(message, jobs.get(message.subject)) for message in messages]


def resolve_held(
    connection: Connection,
    hashed: RecipientHash,
    resolutions: Sequence[Resolution],
    now: datetime,
    windows: Sequence[Window],
    charges: Mapping[str, Sequence[Charge]],
) -> set[str]:
    """Write what became of held messages; return the ids of those that were still held.

    `windows` are those of digests among them: each is written as a whole, or left alone when it
    is not any more what it was. `charges` are what those that leave add to counters, by their ids.

    Raises:
        OvertakenError: others have reached a cap; the transaction must be undone.
    """
    changed_meanwhile = leave(connection, windows)
    resolutions = [one for one in resolutions if one.id not in changed_meanwhile]
    if not resolutions:
        return set()
    rows = packed(
        [
            msgspec.structs.asdict(one)
            | {"not_before": to_micros(one.not_before), "expires_at": to_micros(one.expires_at)}
            for one in resolutions
        ]
    )
    written = ", ".join(
        f"{name} = CASE WHEN r.{name} <> '' THEN r.{name} ELSE messages.{name} END"
        for name in (
            *("recipient", "country", "body", "encoding", "title", "markup", "error_text"),
        )
    )
    postgres = is_postgres(connection)
    writing = text(
        "UPDATE messages SET state = r.state, gate = r.gate, reason = r.reason, "
        "carried_by = r.carried_by, "
        f"{written}, segments = CASE WHEN r.segments > 0 THEN r.segments "
        "ELSE messages.segments END, "
        # What is held without a time waits for a person: no tick may look at it again.
        "not_before = CASE WHEN r.state = 'held' THEN r.not_before "
        "ELSE COALESCE(r.not_before, messages.not_before) END, "
        "expires_at = COALESCE(r.expires_at, messages.expires_at), "
        "due_at = CASE WHEN r.state = 'queued' THEN :now "
        "ELSE COALESCE(r.not_before, messages.due_at) END, updated_at = :now "
        f"FROM {source(postgres, _SHAPE)} "
        f"WHERE messages.id = r.id AND ({state_of_found(postgres)} = 'held' "
        # Whom a text carried that waits again is judged again with it.
        f"AND messages.gate <> 'volume_guard' OR messages.reason = '{MERGED}') "
        "RETURNING messages.id"
    )
    done = connection.execute(writing, {"rows": rows, "now": to_micros(now)})
    changed = {str(one) for one in done.scalars()}
    firsts = {one.id for one in resolutions if one.first_text and one.state == MessageState.QUEUED}
    note_first_texts(connection, firsts & changed)
    counted = [one for id_ in charges if id_ in changed for one in charges[id_]]
    if counted:
        charge(connection, hashed, counted, to_micros(now))
    if any(one.id in changed and one.state == MessageState.QUEUED for one in resolutions):
        announce(connection)
    return changed


@cache
def _end_statement(postgres: bool) -> str:
    return statement(
        postgres,
        "UPDATE messages SET not_before = :now WHERE state = 'held' "
        "AND mode IN ('live', 'test', 'sandbox') AND not_before IS NULL "
        f"AND gate = 'opted_out' AND reason = '{IN_DOUBT}' "
        f"AND {among(postgres, 'recipient', 'numbers')}",
    )


def end_doubt(connection: Connection, numbers: Collection[str], now: datetime) -> None:
    """Let the texts that a doubt holds back be judged again, at the next tick.

    Whoever is still in doubt, because of another reply, has them held again.
    """
    if numbers:
        values: dict[str, object] = {"numbers": packed(sorted(numbers)), "now": to_micros(now)}
        execute(connection, _end_statement(is_postgres(connection)), values)
