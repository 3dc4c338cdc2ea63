"""People in plans: found by number, deadline, job or text; entered once; moved in turn."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from smsnotify.model.enrolment import Enrolment, Transition, Waiting
from smsnotify.store.conversation_batch import EnteredPlan, MovedEnrolment
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.rowset import (
    among,
    as_json,
    as_one,
    execute,
    is_postgres,
    packed,
    source,
    statement,
)

_KINDS: Final = {
    "id": "text",
    "plan": "text",
    "version": "text",
    "contact_id": "text",
    "number": "text",
    "mode": "text",
    "account": "text",
    "ours": "text",
    "subject": "text",
    "job": "text",
    "state": "text",
    "step": "text",
    "visits": "text",
    "turn": "int",
    "steps_taken": "int",
    "waiting": "text",
    "waits_since": "int",
    "due_at": "int",
    "others": "int",
    "answers": "text",
    "message_id": "text",
    "goal_value": "float",
    "source": "text",
    "entered_at": "int",
    "expires_at": "int",
    "ended_at": "int",
}
"""The columns, in the order of Enrolment's fields: `_Row` reads them so."""

_FIXED: Final = frozenset({"id", "plan", "contact_id", "number", "mode", "source", "entered_at"})


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


class _Row(msgspec.Struct, array_like=True, gc=False):
    id: str
    plan: str
    version: str
    contact_id: str
    number: str
    mode: str
    account: str
    ours: str
    subject: str
    job: str
    state: str
    step: str
    visits: dict[str, int]
    turn: int
    steps_taken: int
    waiting: str
    waits_since: int | None
    due_at: int | None
    others: int
    answers: dict[str, str]
    message_id: str
    goal_value: float
    source: str
    entered_at: int
    expires_at: int
    ended_at: int | None


_decode: Final = msgspec.json.Decoder(list[_Row]).decode
_WAITINGS: Final = {str(one): one for one in Waiting}


# Reading.


@cache
def _select(postgres: bool, rest: str) -> str:
    listed = [as_json(postgres, name) if name in ("visits", "answers") else name for name in _KINDS]
    return statement(postgres, as_one(postgres, listed, f"SELECT * FROM enrolments {rest}"))


def _read(connection: Connection, rest: str, values: Mapping[str, object]) -> list[Enrolment]:
    found = execute(connection, _select(is_postgres(connection), rest), values).fetchone()
    return [_enrolment(row) for row in _decode(found[0])]


def _enrolment(row: _Row) -> Enrolment:
    return Enrolment(
        id=row.id,
        plan=row.plan,
        version=row.version,
        contact_id=row.contact_id,
        number=row.number,
        mode=row.mode,
        account=row.account,
        ours=row.ours,
        subject=row.subject,
        job=row.job,
        state=row.state,
        step=row.step,
        visits=row.visits,
        turn=row.turn,
        steps_taken=row.steps_taken,
        waiting=_WAITINGS[row.waiting],
        waits_since=from_micros(row.waits_since),
        due_at=from_micros(row.due_at),
        others=row.others,
        answers=row.answers,
        message_id=row.message_id,
        goal_value=row.goal_value,
        source=row.source,
        entered_at=from_micros(row.entered_at),
        expires_at=from_micros(row.expires_at),
        ended_at=from_micros(row.ended_at),
    )


def waiting_enrolments(
    connection: Connection, numbers: Collection[str], mode: str
) -> dict[str, list[Enrolment]]:
    """Return what these numbers are in the middle of, in the order in which it began."""
    if not numbers:
        return {}
    which = among(is_postgres(connection), "number", "numbers")
    rest = f"WHERE state = 'waiting' AND mode = :mode AND {which} ORDER BY id"
    found: dict[str, list[Enrolment]] = {}
    for one in _read(connection, rest, {"numbers": packed(list(numbers)), "mode": mode}):
        found.setdefault(one.number, []).append(one)
    return found


def due_enrolments(connection: Connection, mode: str, now: datetime, limit: int) -> list[Enrolment]:
    """Return enrolments whose wait is over, the longest due first."""
    rest = (
        "WHERE state = 'waiting' AND mode = :mode AND due_at <= :now ORDER BY due_at LIMIT :limit"
    )
    return _read(connection, rest, {"mode": mode, "now": to_micros(now), "limit": limit})


def next_due_at(connection: Connection, mode: str) -> datetime | None:
    """Return when the next wait ends, None when nobody waits."""
    asking = statement(
        is_postgres(connection),
        "SELECT min(due_at) FROM enrolments WHERE state = 'waiting' AND mode = :mode",
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
    rest = "WHERE state = 'waiting' AND waiting = 'event' AND mode = :mode AND "
    found: dict[str, Enrolment] = {}
    for column, wanted in (("subject", subjects), ("contact_id", contact_ids)):
        chosen = sorted({one for one in wanted if one})
        if chosen:
            told = "subject <> '' AND " if column == "subject" else ""
            asked = f"{rest}{told}{among(postgres, column, 'wanted')} ORDER BY id"
            some = _read(connection, asked, {"mode": mode, "wanted": packed(chosen)})
            found |= {one.id: one for one in some}
    return list(found.values())


def enrolments_by_id(connection: Connection, ids: Collection[str]) -> dict[str, Enrolment]:
    """Return enrolments by their ids."""
    if not ids:
        return {}
    rest = f"WHERE {among(is_postgres(connection), 'id', 'ids')} ORDER BY id"
    return {one.id: one for one in _read(connection, rest, {"ids": packed(list(ids))})}


def enrolments_called(connection: Connection, id_start: str, limit: int = 2) -> list[Enrolment]:
    """Return up to `limit` enrolments whose id begins so; more than one means: not enough."""
    start = id_start.strip().lower()
    if not (start.isascii() and start.isalnum()):
        return []
    values: dict[str, object] = {"start": start, "end": start.ljust(26, "z"), "limit": limit}
    return _read(connection, "WHERE id >= :start AND id <= :end ORDER BY id LIMIT :limit", values)


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
    return _read(connection, f"WHERE {' AND '.join(parts)} ORDER BY id DESC{most}", values)


_NOT_ARRIVED: Final = (
    "messages.kind = 'plan' AND messages.state IN ('failed', 'undelivered', 'expired', 'cancelled')"
)


@cache
def _undelivered_statement(postgres: bool) -> str:
    listed = [as_json(postgres, name) if name in ("visits", "answers") else name for name in _KINDS]
    own = ", ".join(f"enrolments.{name}" for name in _KINDS)
    word = (
        "CASE WHEN messages.error <> '' THEN messages.error WHEN messages.reason <> '' "
        "THEN messages.reason WHEN messages.gate <> '' THEN messages.gate ELSE messages.state END"
    )
    selection = (
        f"SELECT {own}, {word} AS word, messages.updated_at AS told FROM messages "
        "JOIN enrolments ON enrolments.message_id = messages.id "
        f"WHERE {_NOT_ARRIVED} AND messages.updated_at >= :since "
        "AND enrolments.state = 'waiting' AND enrolments.message_id <> '' "
        "AND enrolments.waiting = 'reply' AND enrolments.mode = :mode "
        "ORDER BY messages.updated_at LIMIT :limit"
    )
    one_list = (
        f"json_build_array({', '.join(listed)})" if postgres else f"json_array({', '.join(listed)})"
    )
    return statement(postgres, as_one(postgres, (one_list, "word", "told"), selection))


_decode_undelivered: Final = msgspec.json.Decoder(list[tuple[_Row, str, int]]).decode


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
    return [
        Undelivered(row.message_id, word, from_micros(told), _enrolment(row))
        for row, word, told in found
    ]


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


# Writing.


def _written(enrolment: Enrolment) -> dict[str, Any]:
    return {
        "id": enrolment.id,
        "plan": enrolment.plan,
        "version": enrolment.version,
        "contact_id": enrolment.contact_id,
        "number": enrolment.number,
        "mode": enrolment.mode,
        "account": enrolment.account,
        "ours": enrolment.ours,
        "subject": enrolment.subject,
        "job": enrolment.job,
        "state": enrolment.state,
        "step": enrolment.step,
        "visits": enrolment.visits,
        "turn": enrolment.turn,
        "steps_taken": enrolment.steps_taken,
        "waiting": enrolment.waiting,
        "waits_since": to_micros(enrolment.waits_since),
        "due_at": to_micros(enrolment.due_at),
        "others": enrolment.others,
        "answers": enrolment.answers,
        "message_id": enrolment.message_id,
        "goal_value": enrolment.goal_value,
        "source": enrolment.source,
        "entered_at": to_micros(enrolment.entered_at),
        "expires_at": to_micros(enrolment.expires_at),
        "ended_at": to_micros(enrolment.ended_at),
    }


@cache
def _enter_statement(postgres: bool) -> str:
    kinds = _KINDS | {"entry_ref": "text", "alone": "bool"}
    return statement(
        postgres,
        f"INSERT INTO enrolments ({', '.join(kinds)}) "
        f"SELECT {', '.join(f'r.{name}' for name in kinds)} "
        f"FROM {source(postgres, kinds)} WHERE true ON CONFLICT DO NOTHING",
    )


def enter(connection: Connection, entered: Sequence[EnteredPlan]) -> bool:
    """Let people into plans; False when one was let in already, by this cause or at this time."""
    if not entered:
        return True
    # In order: two writers of the same people wait for each other in line.
    rows = sorted(
        (
            _written(one.enrolment) | {"entry_ref": one.entry_ref, "alone": one.alone}
            for one in entered
        ),
        key=lambda row: (row["number"], row["plan"], row["entry_ref"]),
    )
    done = execute(connection, _enter_statement(is_postgres(connection)), {"rows": packed(rows)})
    return done.rowcount == len(entered)


@cache
def _move_statement(postgres: bool) -> str:
    changing = [name for name in _KINDS if name not in _FIXED]
    kinds = {name: _KINDS[name] for name in ("id", *changing)} | {"turn_before": "int"}
    return statement(
        postgres,
        f"UPDATE enrolments SET {', '.join(f'{name} = r.{name}' for name in changing)} "
        f"FROM {source(postgres, kinds)} "
        "WHERE enrolments.id = r.id AND enrolments.turn = r.turn_before",
    )


def move(connection: Connection, moved: Sequence[MovedEnrolment]) -> bool:
    """Write enrolments as they are now; False when somebody else moved one of them first."""
    if not moved:
        return True
    rows = [_written(one.enrolment) | {"turn_before": one.turn_before} for one in moved]
    done = execute(connection, _move_statement(is_postgres(connection)), {"rows": packed(rows)})
    return done.rowcount == len(moved)


_TRANSITION: Final = {
    "enrolment_id": "text",
    "turn": "int",
    "from_step": "text",
    "to_step": "text",
    "path": "text",
    "cause": "text",
    "ref": "text",
    "at": "int",
}


@cache
def _transitions_statement(postgres: bool) -> str:
    names = ", ".join(_TRANSITION)
    read = ", ".join(f"r.{name}" for name in _TRANSITION)
    return statement(
        postgres,
        f"INSERT INTO transitions ({names}) SELECT {read} "
        f"FROM {source(postgres, _TRANSITION)} WHERE true ON CONFLICT DO NOTHING",
    )


def note_transitions(connection: Connection, transitions: Sequence[Transition]) -> bool:
    """Write the history of enrolments; False when one of these turns was taken already."""
    if not transitions:
        return True
    rows = [
        {
            "enrolment_id": one.enrolment_id,
            "turn": one.turn,
            "from_step": one.from_step,
            "to_step": one.to_step,
            "path": one.path,
            "cause": one.cause,
            "ref": one.ref,
            "at": to_micros(one.at),
        }
        for one in transitions
    ]
    done = execute(
        connection, _transitions_statement(is_postgres(connection)), {"rows": packed(rows)}
    )
    return done.rowcount == len(transitions)


def transitions_of(connection: Connection, enrolment_ids: Collection[str]) -> list[Transition]:
    """Return the history of enrolments, each in its order."""
    if not enrolment_ids:
        return []
    postgres = is_postgres(connection)
    asking = statement(
        postgres,
        f"SELECT {', '.join(_TRANSITION)} FROM transitions "
        f"WHERE {among(postgres, 'enrolment_id', 'ids')} ORDER BY enrolment_id, turn",
    )
    rows = execute(connection, asking, {"ids": packed(list(enrolment_ids))}).fetchall()
    names = tuple(_TRANSITION)
    return [
        Transition(**dict(zip(names, row[:-1], strict=False)), at=from_micros(row[-1]))
        for row in rows
    ]


# Versions of plans.

_PLAN: Final = {"version": "text", "name": "text"}


def note_plans(connection: Connection, entered: Sequence[EnteredPlan], now: datetime) -> None:
    """Keep the content of every version that somebody comes into."""
    versions = {
        one.enrolment.version: (one.enrolment.plan, one.content) for one in entered if one.content
    }
    postgres = is_postgres(connection)
    asking = statement(
        postgres,
        "INSERT INTO plans (version, name, content, seen_at) "
        "VALUES (:version, :name, :content, :now) ON CONFLICT (version) DO NOTHING",
    )
    for version, (name, content) in sorted(versions.items()):
        values = {"version": version, "name": name, "content": content, "now": to_micros(now)}
        execute(connection, asking, values)


def plan_content(connection: Connection, version: str) -> bytes | None:
    """Return a version of a plan as canonical JSON, None when nobody was ever in it."""
    asking = statement(
        is_postgres(connection), "SELECT content FROM plans WHERE version = :version"
    )
    row = execute(connection, asking, {"version": version}).fetchone()
    return bytes(row[0]) if row is not None else None
