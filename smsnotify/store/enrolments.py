"""People in plans: found by number, deadline, job or text; entered once; moved in turn."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from smsnotify.model.enrolment import Enrolment
from smsnotify.store.enrolment_rows import ENROLMENTS
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.rowset import (
    among,
    as_one,
    execute,
    is_postgres,
    packed,
    source,
    statement,
)


class WantedEnrolments(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which enrolments: everything that is given must hold; nothing given means all.

    `states` are `waiting` and outcomes; `before` is the id behind which an earlier page ended.
    """

    plan: str = ""
    mode: str = ""
    number: str = ""
    contact_id: str = ""
    step: str = ""
    states: frozenset[str] = frozenset()
    before: str = ""


class EntryKey(msgspec.Struct, frozen=True, gc=False):
    """What makes an entry into a plan the same one: stored once in a mode."""

    plan: str
    number: str
    entry_ref: str


class Undelivered(msgspec.Struct, frozen=True, gc=False):
    """A plan's text that did not arrive, and the enrolment that waits on it.

    `reason` is the text's error or gate's word, else its state.
    """

    message_id: str
    reason: str
    at: datetime
    enrolment: Enrolment


def waiting_enrolments(
    connection: Connection, numbers: Collection[str], mode: str
) -> dict[str, list[Enrolment]]:
    """Return what these numbers are in the middle of, in the order in which it began."""
    if not numbers:
        return {}
    which = among(is_postgres(connection), "number", "numbers")
    rest = f"WHERE state = 'waiting' AND mode = :mode AND {which} ORDER BY id"
    found: dict[str, list[Enrolment]] = {}
    for one in ENROLMENTS.read(connection, rest, {"numbers": packed(list(numbers)), "mode": mode}):
        found.setdefault(one.number, []).append(one)
    return found


def due_enrolments(connection: Connection, mode: str, now: datetime, limit: int) -> list[Enrolment]:
    """Return enrolments whose wait is over, the longest due first."""
    rest = "WHERE mode = :mode AND due_at <= :now ORDER BY due_at LIMIT :limit"
    return ENROLMENTS.read(connection, rest, {"mode": mode, "now": to_micros(now), "limit": limit})


def next_due_at(connection: Connection, mode: str) -> datetime | None:
    """Return when the next wait ends, None when nobody waits."""
    asking = statement(
        is_postgres(connection),
        "SELECT min(due_at) FROM enrolments WHERE mode = :mode AND due_at IS NOT NULL",
    )
    found: int | None = execute(connection, asking, {"mode": mode}).fetchone()[0]
    return from_micros(found)


def listening_enrolments(
    connection: Connection,
    mode: str,
    *,
    subjects: Collection[str] = (),
    contact_ids: Collection[str] = (),
) -> list[Enrolment]:
    """Return enrolments that wait for an event about one of these jobs or contacts."""
    postgres = is_postgres(connection)
    rest = "WHERE waiting = 'event' AND mode = :mode AND "
    found: dict[str, Enrolment] = {}
    for column, wanted in (("subject", subjects), ("contact_id", contact_ids)):
        chosen = sorted({one for one in wanted if one})
        if chosen:
            told = "subject <> '' AND " if column == "subject" else ""
            asked = f"{rest}{told}{among(postgres, column, 'wanted')} ORDER BY id"
            some = ENROLMENTS.read(connection, asked, {"mode": mode, "wanted": packed(chosen)})
            found |= {one.id: one for one in some}
    return list(found.values())


def enrolments_by_id(connection: Connection, ids: Collection[str]) -> dict[str, Enrolment]:
    """Return enrolments by their ids."""
    if not ids:
        return {}
    rest = f"WHERE {among(is_postgres(connection), 'id', 'ids')} ORDER BY id"
    return {one.id: one for one in ENROLMENTS.read(connection, rest, {"ids": packed(list(ids))})}


def enrolments_called(connection: Connection, id_start: str, limit: int = 2) -> list[Enrolment]:
    """Return up to `limit` enrolments whose id begins so; more than one means: not enough."""
    start = id_start.strip().lower()
    if not (start.isascii() and start.isalnum()):
        return []
    values: dict[str, object] = {"start": start, "end": start.ljust(26, "z"), "limit": limit}
    return ENROLMENTS.read(
        connection, "WHERE id >= :start AND id <= :end ORDER BY id LIMIT :limit", values
    )


def list_enrolments(
    connection: Connection, wanted: WantedEnrolments, limit: int | None
) -> list[Enrolment]:
    """Return enrolments, the newest first."""
    parts, values = ["1 = 1"], dict[str, object]()
    for name in ("plan", "mode", "number", "contact_id", "step"):
        if value := getattr(wanted, name):
            parts.append(f"{name} = :{name}")
            values[name] = value
    if wanted.states:
        parts.append(among(is_postgres(connection), "state", "states"))
        values["states"] = packed(sorted(wanted.states))
        if wanted.states == {"waiting"}:
            parts.append("state = 'waiting'")
    if wanted.before:
        parts.append("id < :before")
        values["before"] = wanted.before
    most = "" if limit is None else f" LIMIT {int(limit)}"
    return ENROLMENTS.read(
        connection, f"WHERE {' AND '.join(parts)} ORDER BY id DESC{most}", values
    )


_NOT_ARRIVED: Final = (
    "messages.kind = 'plan' AND messages.state IN ('failed', 'undelivered', 'expired', 'cancelled')"
)


@cache
def _undelivered_statement(postgres: bool) -> str:
    own = ", ".join(f"enrolments.{name}" for name in ENROLMENTS.fields)
    word = (
        "CASE WHEN messages.error <> '' THEN messages.error WHEN messages.reason <> '' "
        "THEN messages.reason WHEN messages.gate <> '' THEN messages.gate ELSE messages.state END"
    )
    selection = (
        f"SELECT {own}, {word} AS word, messages.updated_at AS told FROM messages "
        "JOIN enrolments ON enrolments.message_id = messages.id "
        f"WHERE {_NOT_ARRIVED} AND messages.updated_at >= :since "
        "AND enrolments.waiting = 'reply' AND enrolments.message_id <> '' "
        "AND enrolments.mode = :mode "
        "ORDER BY messages.updated_at LIMIT :limit"
    )
    listing = "json_build_array" if postgres else "json_array"
    one_list = f"{listing}({', '.join(ENROLMENTS.listed(postgres))})"
    return statement(postgres, as_one(postgres, (one_list, "word", "told"), selection))


_UNDELIVERED: Any = list[tuple[ENROLMENTS.row_type, str, int]]  # type: ignore[name-defined]
_decode_undelivered: Final = msgspec.json.Decoder(_UNDELIVERED).decode


def undelivered_plan_texts(
    connection: Connection, mode: str, since: datetime, limit: int
) -> list[Undelivered]:
    """Return texts of plans that were given up since, and that somebody still waits on.

    The longest given up first. Whoever moves the enrolment on takes it from this list, so `since`
    may overlap with the look before, and should: a transaction may end after its own moment.
    """
    asking = _undelivered_statement(is_postgres(connection))
    values = {"mode": mode, "since": to_micros(since), "limit": limit}
    found = _decode_undelivered(execute(connection, asking, values).fetchone()[0])
    lost = [(ENROLMENTS.make(row), word, from_micros(told)) for row, word, told in found]
    return [Undelivered(one.message_id, word, told, one) for one, word, told in lost]


class ToldText(msgspec.Struct, frozen=True, gc=False):
    """What became of a text of a plan, while the person's enrolment waits for an event."""

    enrolment_id: str
    message_id: str
    state: str
    at: datetime


def told_plan_texts(
    connection: Connection, mode: str, plans: Collection[str], after: str, limit: int
) -> list[ToldText]:
    """Return final words on texts of enrolments that wait for an event, since their wait began.

    Only people in these plans, by the ids of enrolments from `after` on.
    """
    postgres = is_postgres(connection)
    asking = statement(
        postgres,
        "SELECT enrolments.id, messages.id, messages.state, messages.updated_at FROM enrolments "
        "JOIN messages ON messages.subject = enrolments.id AND messages.mode = enrolments.mode "
        "AND messages.kind = 'plan' WHERE enrolments.state = 'waiting' "
        "AND enrolments.waiting = 'event' AND enrolments.mode = :mode "
        "AND enrolments.id > :after AND messages.updated_at >= enrolments.waits_since "
        "AND messages.state IN ('delivered', 'read', 'failed', 'undelivered', 'expired') "
        f"AND {among(postgres, 'enrolments.plan', 'plans')} ORDER BY enrolments.id LIMIT :limit",
    )
    values = {"mode": mode, "plans": packed(sorted(plans)), "after": after, "limit": limit}
    rows = execute(connection, asking, values).fetchall()
    return [ToldText(one, text, state, from_micros(at)) for one, text, state, at in rows]


def known_entries(
    connection: Connection, mode: str, entries: Collection[EntryKey]
) -> set[EntryKey]:
    """Return those of the entries that were made already."""
    if not entries:
        return set()
    postgres = is_postgres(connection)
    shape = {"plan": "text", "number": "text", "entry_ref": "text"}
    asking = statement(
        postgres,
        f"SELECT r.plan, r.number, r.entry_ref FROM {source(postgres, shape)} "
        "JOIN enrolments ON enrolments.plan = r.plan AND enrolments.mode = :mode "
        "AND enrolments.number = r.number AND enrolments.entry_ref = r.entry_ref",
    )
    rows = execute(connection, asking, {"rows": packed(list(entries)), "mode": mode}).fetchall()
    return {EntryKey(*row) for row in rows}


def was_ever_in(
    connection: Connection, plan: str, numbers: Collection[str], mode: str
) -> dict[str, str]:
    """Return who was ever in a plan: number → `waiting` when still in it, else the last outcome."""
    if not numbers:
        return {}
    postgres = is_postgres(connection)
    asking = statement(
        postgres,
        "SELECT number, state FROM enrolments WHERE plan = :plan AND mode = :mode "
        f"AND {among(postgres, 'number', 'numbers')} ORDER BY id",
    )
    values = {"plan": plan, "mode": mode, "numbers": packed(list(numbers))}
    found: dict[str, str] = {}
    for number, state in execute(connection, asking, values).fetchall():
        if found.get(number) != "waiting":
            found[number] = state
    return found
