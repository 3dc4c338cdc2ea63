"""What people want, with the evidence: every change is kept, and in their order they hold.

An opt-out of `all` ends everything, an opt-in to marketing too; an opt-in to `all` (START) ends
every opt-out, and is no opt-in to marketing. A narrower change concerns its own scope.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.model.contact import ConsentChange
from smsnotify.model.facts import EVERYTHING, MARKETING
from smsnotify.store.addresses import contact_ids
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.order import id_after
from smsnotify.store.rowset import is_postgres
from smsnotify.store.statements import insert_rows

_PAGE: Final = 500
_COLUMNS: Final = (
    "id",
    "recipient_hash",
    "scope",
    "opted_out",
    "source",
    "note",
    "at",
    "words",
    "call_to_action",
)


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What holds for one person: the last word on `all`, the narrower opt-outs, the opt-in.

    `general` None: nothing was ever said of everything. `marketing` is an opt-in that still
    holds. `changes` are all of them, the oldest first.
    """

    general: ConsentChange | None
    refused: Mapping[str, ConsentChange]
    marketing: ConsentChange | None
    changes: tuple[ConsentChange, ...]

    @property
    def is_out(self) -> bool:
        """True when the person opted out of everything."""
        return self.general is not None and self.general.opted_out


def standing_of(changes: Iterable[ConsentChange]) -> Standing:
    """Put the changes of one person, the oldest first, into what holds now."""
    general: ConsentChange | None = None
    refused: dict[str, ConsentChange] = {}
    marketing: ConsentChange | None = None
    every = tuple(changes)
    for change in every:
        if change.scope == EVERYTHING:
            general = change
            marketing = None if change.opted_out else marketing
            if not change.opted_out:
                refused.clear()
            continue
        refused.pop(change.scope, None)
        if change.opted_out:
            refused[change.scope] = change
        if change.scope == MARKETING:
            marketing = None if change.opted_out else change
    return Standing(general, refused, marketing, every)


def standings(connection: Connection, recipients: Mapping[bytes, str]) -> dict[str, Standing]:
    """Return what holds, by recipient; `recipients` is hash → number.

    Who never said anything is absent.
    """
    found: dict[str, list[ConsentChange]] = {}
    hashes = list(recipients)
    mark = "%s" if is_postgres(connection) else "?"
    names = ", ".join(_COLUMNS[1:])
    for start in range(0, len(hashes), _PAGE):
        page = hashes[start : start + _PAGE]
        rows = connection.exec_driver_sql(
            f"SELECT {names} FROM consents "
            f"WHERE recipient_hash IN ({', '.join([mark] * len(page))}) ORDER BY id",
            tuple(page),
        )
        for recipient_hash, scope, opted_out, source, note, at, words, call_to_action in rows:
            recipient = recipients[bytes(recipient_hash)]
            change = ConsentChange(
                recipient=recipient,
                scope=scope,
                opted_out=bool(opted_out),
                source=source,
                note=note,
                at=from_micros(at),
                words=words,
                call_to_action=call_to_action,
            )
            found.setdefault(recipient, []).append(change)
    return {recipient: standing_of(changes) for recipient, changes in found.items()}


def note_consents(
    connection: Connection,
    hashed: RecipientHash,
    changes: Sequence[ConsentChange],
    now: datetime,
) -> int:
    """Record changes of consent, in order; the last one of a number holds. Return how many.

    What is noted last holds, whatever its evidence is dated, and whatever the clock does.
    """
    last_id = str(connection.execute(text("SELECT max(id) FROM consents")).scalar() or "")
    rows = []
    for change in changes:
        last_id = id_after(last_id, now)
        rows.append(
            (
                last_id,
                hashed(change.recipient),
                change.scope,
                change.opted_out,
                change.source,
                change.note,
                to_micros(change.at),
                change.words,
                change.call_to_action,
            )
        )
    insert_rows(connection, "consents", _COLUMNS, rows)
    contact_ids(connection, {change.recipient for change in changes}, now)
    return len(rows)
