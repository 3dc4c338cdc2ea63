"""Held and queued texts that must not go out any more: an opt-out, a plan that moved on.

They are looked for before the transaction that cancels them: with a million texts queued the look
takes a second, in which nobody could write to SQLite. What is queued in between is cancelled when
it is claimed (`store.unwanted`), or when it is released.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from smsnotify.model.facts import EVERYTHING
from smsnotify.store.conversation_batch import CancelTexts
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import to_micros
from smsnotify.store.rowset import among, execute, is_postgres, packed, statement
from smsnotify.store.unwanted import OPTED_OUT

_SENDER: Final = "sender:"
_PURPOSE: Final = "purpose:"
_PAGE: Final = 500

# What confirms an opt-out is no text that it stops.
_MEANT: Final = "kind <> 'consent'"


def find_texts(
    connection: Connection, hashed: RecipientHash, wanted: Sequence[CancelTexts]
) -> dict[str, list[str]]:
    """Return the ids of texts that are held or queued now and must not go out, by the reason."""
    groups: dict[tuple[str, str, bool], list[CancelTexts]] = {}
    for one in wanted:
        groups.setdefault((one.scope, one.reason, bool(one.number)), []).append(one)
    found: dict[str, list[str]] = {}
    for (scope, reason, by_number), some in groups.items():
        for start in range(0, len(some), _PAGE):
            page = some[start : start + _PAGE]
            if by_number:
                ids = _of_numbers(connection, hashed, page, scope)
            else:
                ids = _of_subjects(connection, page)
            found.setdefault(reason, []).extend(ids)
    return found


def _of_numbers(
    connection: Connection, hashed: RecipientHash, page: Sequence[CancelTexts], scope: str
) -> list[str]:
    numbers = sorted({one.number for one in page})
    mark = "%s" if is_postgres(connection) else "?"
    marks = ", ".join([mark] * len(numbers))
    narrower, value = _scope(scope, mark)
    # In test mode somebody else gets a text: both the one it was meant for, and that one.
    which = f"(recipient_hash IN ({marks}) OR recipient IN ({marks})){narrower}"
    values: tuple[Any, ...] = (*(hashed(number) for number in numbers), *numbers, *value)
    ids: list[str] = []
    # One state at a time, with its modes: so each finds its own index.
    for state in ("queued", "held"):
        rows = connection.exec_driver_sql(
            f"SELECT id FROM messages WHERE state = '{state}' "
            f"AND mode IN ('live', 'test', 'sandbox') AND {_MEANT} AND {which}",
            values,
        )
        ids += [str(row[0]) for row in rows]
    return ids


def _scope(scope: str, mark: str) -> tuple[str, tuple[str, ...]]:
    if scope.startswith(_SENDER):
        return f" AND sender = {mark}", (scope.removeprefix(_SENDER),)
    if scope.startswith(_PURPOSE):
        return f" AND purpose = {mark}", (scope.removeprefix(_PURPOSE),)
    if scope != EVERYTHING:
        raise ValueError(f"{scope!r} is no scope of a consent")
    return "", ()


def _of_subjects(connection: Connection, page: Sequence[CancelTexts]) -> list[str]:
    postgres = is_postgres(connection)
    asking = statement(
        postgres,
        f"SELECT id FROM messages WHERE {among(postgres, 'subject', 'subjects')} "
        f"AND {_MEANT} AND state || '' IN ('held', 'queued')",
    )
    subjects = packed(sorted({one.subject for one in page}))
    return [str(row[0]) for row in execute(connection, asking, {"subjects": subjects}).fetchall()]


def cancel_found(connection: Connection, found: Mapping[str, Sequence[str]], now: datetime) -> int:
    """Cancel what `find_texts` found, as far as it has not left; return how many."""
    postgres = is_postgres(connection)
    asking = statement(
        postgres,
        "UPDATE messages SET state = 'cancelled', gate = :gate, reason = :reason, "
        "lease_owner = '', lease_until = NULL, updated_at = :now "
        f"WHERE {among(postgres, 'id', 'ids')} AND state || '' IN ('held', 'queued')",
    )
    done = 0
    for reason, ids in found.items():
        gate = OPTED_OUT if reason == OPTED_OUT else ""
        values = {"gate": gate, "reason": reason, "now": to_micros(now)}
        if ids:
            done += execute(connection, asking, values | {"ids": packed(sorted(ids))}).rowcount
    return done
