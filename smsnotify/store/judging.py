"""Receipts that are kept, applied to the messages that they are about.

The lattice says what a receipt does; here its message is found and locked, and the update names
the state that was judged, so that it can undo nothing that happened meanwhile.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, TextClause, text

from smsnotify.base.errors import StoreUnavailableError
from smsnotify.model.contact import ConsentChange
from smsnotify.model.lattice import Effect
from smsnotify.model.message import ErrorWord, MessageState
from smsnotify.store.consents import note_consents, standings
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.hearing import Judged, Kept, Known
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.meta import get_meta
from smsnotify.store.rowset import is_postgres, packed, source, words
from smsnotify.store.schema import KEY_SECRET

log = logging.getLogger(__name__)

WANTS_NO_TEXTS: Final = frozenset({ErrorWord.OPTED_OUT})
"""After this word of a receipt the person is not texted any more.

Not after `blocked`: a carrier's barring or a bill that was not paid is no wish of the person.
"""


def settle(connection: Connection, receipts: Sequence[Kept], now: datetime) -> list[Judged]:
    """Apply receipts in their order, and those early ones whose message they make known.

    Raises:
        StoreUnavailableError: a message changed between reading and writing; nothing is applied.
    """
    if not receipts:
        return []
    judged, known = _hear(connection, receipts)
    changed = [one for one in known if one.has_moved]
    _write(connection, _move_statement, changed, now)
    _write(connection, _link_statement, [one for one in known if one.is_linked], now)
    _note_outcomes(connection, judged)
    _note_opt_outs(connection, judged, known, now)
    return judged


def newly_known(judged: Iterable[Judged]) -> set[tuple[str, str]]:
    """Return (account, provider id) that these receipts may have made known."""
    return {
        (one.receipt.account, one.receipt.provider_message_id)
        for one in judged
        if one.message_id and one.receipt.our_id and one.effect is not Effect.EARLY
    }


def _hear(connection: Connection, receipts: Sequence[Kept]) -> tuple[list[Judged], list[Known]]:
    known = _find(connection, receipts)
    by_provider_id = {
        (one.account, one.provider_message_id): one
        for one in reversed(known.values())
        if one.provider_message_id
    }
    judged = []
    for receipt in receipts:
        message = (
            known.get(receipt.message_id)
            or known.get(receipt.our_id)
            or by_provider_id.get((receipt.account, receipt.provider_message_id))
        )
        if message is None:
            effect = Effect.EARLY if receipt.state is not None else Effect.UNDOCUMENTED
            judged.append(Judged(receipt, "", effect))
        else:
            judged.append(Judged(receipt, message.id, message.hear(receipt)))
    return judged, list(known.values())


# Finding. Locked in the order of ids: two lists of receipts never wait for each other in a ring.


@cache
def _find_statement(postgres: bool) -> TextClause:
    return text(
        "SELECT id, state, told_by, account, provider_message_id, past_ids, recipient "
        f"FROM messages WHERE id IN ({words(postgres, 'ids')}) "
        f"ORDER BY id{' FOR UPDATE' if postgres else ''}"
    )


@cache
def _linked_statement(postgres: bool) -> TextClause:
    return text(
        "SELECT id FROM messages WHERE provider_message_id <> '' "
        f"AND provider_message_id IN ({words(postgres, 'ids')})"
    )


def _find(connection: Connection, receipts: Sequence[Kept]) -> dict[str, Known]:
    postgres = is_postgres(connection)
    provider_ids = {one.provider_message_id for one in receipts} - {""}
    ids = {one for receipt in receipts for one in (receipt.our_id, receipt.message_id)} - {""}
    if provider_ids:
        values = {"ids": packed(sorted(provider_ids))}
        ids |= set(connection.execute(_linked_statement(postgres), values).scalars())
    if not ids:
        return {}
    rows = connection.execute(_find_statement(postgres), {"ids": packed(sorted(ids))})
    return {row[0]: _known(row) for row in rows}


def _known(row: Sequence[Any]) -> Known:
    one_id, state, told_by, account, provider_id, past_ids, recipient = row
    return Known(
        id=one_id,
        was=MessageState(state),
        was_told_by=told_by,
        had_provider_id=provider_id,
        account=account,
        past_ids=frozenset(past_ids.split()),
        recipient=recipient,
        state=MessageState(state),
        told_by=told_by,
        provider_message_id=provider_id,
    )


# Writing.

_CHANGE: Final = {
    "id": "text",
    "was": "text",
    "was_told_by": "text",
    "state": "text",
    "told_by": "text",
    "told_at": "int",
    "account": "text",
    "provider_message_id": "text",
    "error": "text",
    "error_text": "text",
}

_AS_JUDGED: Final = (
    "WHERE messages.id = r.id AND messages.state = r.was AND messages.told_by = r.was_told_by"
)


@cache
def _move_statement(postgres: bool) -> TextClause:
    return text(
        "UPDATE messages SET state = r.state, told_by = r.told_by, told_at = r.told_at, "
        "account = r.account, provider_message_id = r.provider_message_id, "
        "error = r.error, error_text = r.error_text, "
        "doubt_ended_by = CASE WHEN messages.state = 'unknown' THEN r.told_by "
        "ELSE messages.doubt_ended_by END, "
        # From here on it counts how long nobody has asked about it.
        "due_at = CASE WHEN messages.state IN ('accepted', 'sent') THEN messages.due_at "
        "ELSE :now END, "
        "looks = 0, lease_owner = '', lease_until = NULL, updated_at = :now "
        f"FROM {source(postgres, _CHANGE)} {_AS_JUDGED}"
    )


@cache
def _link_statement(postgres: bool) -> TextClause:
    # With its id the provider can be asked about a message in doubt: at once.
    return text(
        "UPDATE messages SET provider_message_id = r.provider_message_id, account = r.account, "
        "looks = CASE WHEN messages.state = 'unknown' THEN 0 ELSE messages.looks END, "
        "due_at = CASE WHEN messages.state = 'unknown' THEN :now ELSE messages.due_at END "
        f"FROM {source(postgres, _CHANGE)} {_AS_JUDGED} AND messages.provider_message_id = ''"
    )


def _write(
    connection: Connection,
    statement: Any,
    changed: Sequence[Known],
    now: datetime,
) -> None:
    if not changed:
        return
    rows = packed([{name: getattr(one, name) for name in _CHANGE} for one in changed])
    values = {"rows": rows, "now": to_micros(now)}
    done = connection.execute(statement(is_postgres(connection)), values).rowcount
    if done != len(changed):
        raise StoreUnavailableError("a message changed while its receipt was judged")


@cache
def _outcome_statement(postgres: bool) -> TextClause:
    shape = {"id": "text", "message_id": "text", "outcome": "text"}
    return text(
        "UPDATE receipts SET message_id = r.message_id, outcome = r.outcome "
        f"FROM {source(postgres, shape)} WHERE receipts.id = r.id"
    )


def _note_outcomes(connection: Connection, judged: Sequence[Judged]) -> None:
    rows = [
        {"id": one.receipt.id, "message_id": one.message_id, "outcome": one.effect}
        for one in judged
        if one.message_id or one.effect is not Effect.EARLY
    ]
    if rows:
        connection.execute(_outcome_statement(is_postgres(connection)), {"rows": packed(rows)})


def _note_opt_outs(
    connection: Connection, judged: Sequence[Judged], known: Sequence[Known], now: datetime
) -> None:
    """Record who wants no texts, as far as we did not know."""
    recipients = {one.id: one.recipient for one in known}
    told = {
        recipients[one.message_id]: one.receipt
        for one in judged
        if one.message_id and one.receipt.error in WANTS_NO_TEXTS
    }
    told.pop("", None)
    if not told:
        return
    hashed = RecipientHash(bytes.fromhex(get_meta(connection, KEY_SECRET)))
    before = standings(connection, {hashed(number): number for number in told})
    changes = [
        ConsentChange(
            recipient=number,
            opted_out=True,
            source="provider",
            note=f"account {receipt.account}: {receipt.error} {receipt.raw_code}".strip(),
            at=from_micros(receipt.at),
        )
        for number, receipt in told.items()
        if number not in before or not before[number].is_out
    ]
    note_consents(connection, hashed, changes, now)
    if changes:
        log.info("receipts say that people want no texts", extra={"count": len(changes)})
