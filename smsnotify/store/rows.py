"""Messages as rows, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from smsnotify.model.decision import MessageKey
from smsnotify.model.message import Message, MessageState
from smsnotify.model.rule import Priority
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.keys import KEY_COLUMNS

MESSAGE_COLUMNS: Final = (
    *KEY_COLUMNS,
    "id",
    "state",
    "recipient",
    "intended",
    "country",
    "job",
    "attempt",
    "event",
    "event_time",
    "body",
    "encoding",
    "segments",
    "priority",
    "route",
    "account",
    "sender",
    "on_unknown",
    "provider_message_id",
    "error",
    "error_text",
    "gate",
    "reason",
    "attempts",
    "run",
    "not_before",
    "expires_at",
    "created_at",
    "updated_at",
    "due_at",
    "purpose",
    "title",
    "markup",
)
"""What is written of a new message; the columns of a lease keep their defaults."""

_FIELDS: Final = Message.__struct_fields__
SELECTED: Final = ", ".join(f"messages.{name}" for name in _FIELDS)
"""SQL: the columns that `read_message` reads, in its order."""

_PRIORITIES: Final = (Priority.URGENT, Priority.NORMAL, Priority.BULK)
_RANKS: Final = {priority: priority.rank for priority in Priority}
_INSTANTS: Final = tuple(
    _FIELDS.index(name)
    for name in ("event_time", "not_before", "expires_at", "created_at", "updated_at", "told_at")
)
_PRIORITY: Final = _FIELDS.index("priority")
_STATE: Final = _FIELDS.index("state")


def message_row(key: MessageKey, recipient_hash: bytes, message: Message) -> tuple[Any, ...]:
    """Return the values of MESSAGE_COLUMNS. It is due when it may leave."""
    created_at = to_micros(message.created_at)
    updated_at = message.updated_at
    not_before = to_micros(message.not_before)
    return (
        key.subject,
        key.mode,
        key.kind,
        key.rule,
        key.occasion,
        key.channel,
        recipient_hash,
        message.id,
        message.state,
        message.recipient,
        message.intended,
        message.country,
        message.job,
        message.attempt,
        message.event,
        to_micros(message.event_time),
        message.body,
        message.encoding,
        message.segments,
        _RANKS[message.priority],
        message.route,
        message.account,
        message.sender,
        message.on_unknown,
        message.provider_message_id,
        message.error,
        message.error_text,
        message.gate,
        message.reason,
        message.attempts,
        message.run,
        not_before,
        to_micros(message.expires_at),
        created_at,
        created_at if updated_at is message.created_at else to_micros(updated_at),
        created_at if not_before is None else not_before,
        message.purpose,
        message.title,
        message.markup,
    )


_make: Callable[..., Message] = Message


def read_message(row: Sequence[Any]) -> Message:
    """Read a row whose first columns are SELECTED."""
    values = list(row[: len(_FIELDS)])
    for place in _INSTANTS:
        values[place] = from_micros(values[place])
    values[_PRIORITY] = _PRIORITIES[values[_PRIORITY]]
    values[_STATE] = MessageState(values[_STATE])
    return _make(**dict(zip(_FIELDS, values, strict=True)))
