"""Coming into plans and going through them: each entry and each turn once."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from smsnotify.model.enrolment import Transition
from smsnotify.store.conversation_batch import EnteredPlan, MovedEnrolment
from smsnotify.store.enrolment_rows import KINDS, written
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.rowset import among, execute, is_postgres, packed, statement
from smsnotify.store.statements import write_rows

_FIXED: Final = frozenset({"id", "plan", "contact_id", "number", "mode", "source", "entered_at"})
_ENTERED: Final = KINDS | {"entry_ref": "text", "alone": "bool"}
_ENTER: Final = (
    f"INSERT INTO enrolments ({', '.join(_ENTERED)}) "
    f"SELECT {', '.join(f'r.{name}' for name in _ENTERED)} "
    "FROM {rows} WHERE true ON CONFLICT DO NOTHING"
)


def enter(connection: Connection, entered: Sequence[EnteredPlan]) -> bool:
    """Let people into plans; False when one was let in already, by this cause or at this time."""
    # In order: two writers of the same people wait for each other in line.
    in_line = sorted(
        entered, key=lambda one: (one.enrolment.number, one.enrolment.plan, one.entry_ref)
    )
    rows = [(*written(one.enrolment), one.entry_ref, one.alone) for one in in_line]
    return write_rows(connection, _ENTER, _ENTERED, rows) == len(rows)


_MOVED: Final = KINDS | {"turn_before": "int"}
_SET: Final = ", ".join(f"{name} = r.{name}" for name in KINDS if name not in _FIXED)
_MOVE: Final = (
    f"UPDATE enrolments SET {_SET} "
    "FROM {rows} WHERE enrolments.id = r.id AND enrolments.turn = r.turn_before"
)


def move(connection: Connection, moved: Sequence[MovedEnrolment]) -> bool:
    """Write enrolments as they are now; False when somebody else moved one of them first.

    Raises:
        ValueError: the turn did not go up, so that nobody else could see the change.
    """
    if any(one.enrolment.turn <= one.turn_before for one in moved):
        raise ValueError("every change of an enrolment is a turn of it")
    rows = [(*written(one.enrolment), one.turn_before) for one in moved]
    return write_rows(connection, _MOVE, _MOVED, rows) == len(rows)


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
_NOTE_TRANSITION: Final = (
    f"INSERT INTO transitions ({', '.join(_TRANSITION)}) "
    f"SELECT {', '.join(f'r.{name}' for name in _TRANSITION)} "
    "FROM {rows} WHERE true ON CONFLICT DO NOTHING"
)


def note_transitions(connection: Connection, transitions: Sequence[Transition]) -> bool:
    """Write the history of enrolments; False when one of these turns was taken already."""
    rows = [
        (
            one.enrolment_id,
            one.turn,
            one.from_step,
            one.to_step,
            one.path,
            one.cause,
            one.ref,
            to_micros(one.at),
        )
        for one in transitions
    ]
    return write_rows(connection, _NOTE_TRANSITION, _TRANSITION, rows) == len(rows)


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


def note_plans(
    connection: Connection, entered: Sequence[EnteredPlan | MovedEnrolment], now: datetime
) -> None:
    """Keep the content of every version that somebody comes into, by entry or by a move."""
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


def plan_contents(connection: Connection, limit: int = 256) -> list[tuple[str, bytes]]:
    """Return the newest versions of plans that anybody was in, each with its content."""
    asking = statement(
        is_postgres(connection),
        "SELECT version, content FROM plans ORDER BY seen_at DESC, version LIMIT :limit",
    )
    rows = execute(connection, asking, {"limit": limit}).fetchall()
    return [(str(row[0]), bytes(row[1])) for row in rows]


def plan_content(connection: Connection, version: str) -> bytes | None:
    """Return a version of a plan as canonical JSON, None when nobody was ever in it."""
    asking = statement(
        is_postgres(connection), "SELECT content FROM plans WHERE version = :version"
    )
    row = execute(connection, asking, {"version": version}).fetchone()
    return bytes(row[0]) if row is not None else None
