"""Open choices: a person's answer fitted several questions, and they were asked which one."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection

from smsnotify.store.conversation_batch import OpenChoice
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.rowset import among, execute, is_postgres, packed, statement
from smsnotify.store.statements import write_rows

_KINDS: Final = {
    "number": "text",
    "reply_id": "text",
    "options": "text",
    "asked_at": "int",
    "due_at": "int",
}


_OPEN: Final = (
    f"INSERT INTO choices ({', '.join(_KINDS)}, mode) "
    f"SELECT {', '.join(f'r.{name}' for name in _KINDS)}, r.mode "
    "FROM {rows} WHERE true ON CONFLICT (number, mode) DO UPDATE SET "
    "reply_id = excluded.reply_id, options = excluded.options, "
    "asked_at = excluded.asked_at, due_at = excluded.due_at"
)


def open_choice(connection: Connection, choices: Sequence[OpenChoice], mode: str) -> None:
    """Note what people were asked; the newest question takes the place of an older one."""
    newest = {one.number: one for one in choices}
    rows = [
        (
            number,
            one.reply_id,
            packed(list(one.options)),
            to_micros(one.asked_at),
            to_micros(one.due_at),
            mode,
        )
        for number, one in sorted(newest.items())
    ]
    write_rows(connection, _OPEN, _KINDS | {"mode": "text"}, rows)


def clear_choices(connection: Connection, numbers: Collection[str], mode: str) -> None:
    """Forget what these numbers were asked."""
    if numbers:
        postgres = is_postgres(connection)
        asking = statement(
            postgres,
            f"DELETE FROM choices WHERE mode = :mode AND {among(postgres, 'number', 'numbers')}",
        )
        execute(connection, asking, {"numbers": packed(sorted(numbers)), "mode": mode})


def open_choices(
    connection: Connection, numbers: Collection[str], mode: str
) -> dict[str, OpenChoice]:
    """Return what these numbers were asked and have not answered, late or not."""
    if not numbers:
        return {}
    postgres = is_postgres(connection)
    asking = statement(
        postgres,
        f"SELECT {', '.join(_KINDS)} FROM choices "
        f"WHERE mode = :mode AND {among(postgres, 'number', 'numbers')}",
    )
    rows = execute(connection, asking, {"numbers": packed(list(numbers)), "mode": mode}).fetchall()
    return {
        number: OpenChoice(
            number=number,
            reply_id=reply_id,
            options=tuple(json.loads(options)),
            asked_at=from_micros(asked_at),
            due_at=from_micros(due_at),
        )
        for number, reply_id, options, asked_at, due_at in rows
    }
