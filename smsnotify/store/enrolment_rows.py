"""Enrolments as rows, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from smsnotify.model.enrolment import Enrolment, Waiting
from smsnotify.store.instants import to_micros
from smsnotify.store.reader import Reader
from smsnotify.store.rowset import packed

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
"""The columns that are written of an enrolment, in the order of its fields."""


ENROLMENTS: Final = Reader("enrolments", Enrolment)


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
