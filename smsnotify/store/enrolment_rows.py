"""Enrolments as rows, and back."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from smsnotify.model.enrolment import Enrolment, Waiting
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.rowset import as_json, as_one, execute, is_postgres, packed, statement

KINDS: Final = {
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
"""The columns, in the order of Enrolment's fields: `Row` reads them so."""


class Row(msgspec.Struct, array_like=True, gc=False):
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


_decode: Final = msgspec.json.Decoder(list[Row]).decode
_WAITINGS: Final = {str(one): one for one in Waiting}


def listed(postgres: bool) -> list[str]:
    """Return KINDS as `rowset.as_one` wants them."""
    return [as_json(postgres, name) if name in ("visits", "answers") else name for name in KINDS]


@cache
def _select(postgres: bool, rest: str) -> str:
    return statement(
        postgres, as_one(postgres, listed(postgres), f"SELECT * FROM enrolments {rest}")
    )


def read_enrolments(
    connection: Connection, rest: str, values: Mapping[str, object]
) -> list[Enrolment]:
    """Return enrolments; `rest` is what stands behind FROM."""
    found = execute(connection, _select(is_postgres(connection), rest), values).fetchone()
    return [read_row(row) for row in _decode(found[0])]


def read_row(row: Row) -> Enrolment:
    """Return the enrolment of a row."""
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


def written(one: Enrolment) -> tuple[Any, ...]:
    """Return the values of KINDS. Who is through waits for nothing."""
    over = one.is_over
    return (
        one.id,
        one.plan,
        one.version,
        one.contact_id,
        one.number,
        one.mode,
        one.account,
        one.ours,
        one.subject,
        one.job,
        one.state,
        one.step,
        _json(one.visits),
        one.turn,
        one.steps_taken,
        Waiting.NOTHING if over else one.waiting,
        to_micros(one.waits_since),
        None if over else to_micros(one.due_at),
        one.others,
        _json(one.answers),
        one.message_id,
        one.goal_value,
        one.source,
        to_micros(one.entered_at),
        to_micros(one.expires_at),
        to_micros(one.ended_at),
    )


def _json(values: Mapping[str, object]) -> str:
    return packed(dict(values)) if values else "{}"
