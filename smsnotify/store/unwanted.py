"""Queued texts to people who do not want them any more, or may not.

A text is judged when its event comes, and it may wait: for its turn, for a volume guard, for a
person who queues it again. Whoever says STOP in between must not get it; and whoever says what
may be a STOP gets nothing until a clerk has decided. Answers to STOP and HELP still go out.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Final

from sqlalchemy import Connection

from smsnotify.model.facts import IN_DOUBT, MARKETING, unknown_senders
from smsnotify.store.claims import Claimed
from smsnotify.store.consents import Standing, standings
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.replies import doubtful_senders
from smsnotify.store.rowset import among, execute, is_postgres, packed, statement

log = logging.getLogger(__name__)

OPTED_OUT: Final = "opted_out"
"""Gate and reason of what is cancelled here, and the gate of what is held."""

Senders = Callable[[str, str], frozenset[str]]
"""What a route might send as to a country; `''`: whatever its provider chooses."""

_ANYTHING: Final = (
    "SELECT EXISTS (SELECT 1 FROM consents), "
    "EXISTS (SELECT 1 FROM replies WHERE state IN ('inbox', 'doubtful'))"
)


def drop_unwanted(
    connection: Connection,
    hashed: RecipientHash,
    claimed: Sequence[Claimed],
    *,
    now: int,
    senders: Senders = unknown_senders,
) -> list[Claimed]:
    """Cancel and hold those of the claimed rows that must not go out now; return the others.

    In the transaction that claims them, so that no opt-out comes between.
    """
    # Nearly always there is neither: asked here without the query compiler.
    said, wrote = execute(connection, _ANYTHING, {}).fetchone() if claimed else (False, False)
    told = _told(connection, hashed, claimed) if said else {}
    doubtful = doubtful_senders(connection, {one.recipient for one in claimed}) if wrote else set()
    if not told and not doubtful:
        return list(claimed)
    suspects = [one for one in claimed if one.recipient in told or one.recipient in doubtful]
    kinds = _kinds(connection, suspects)
    out, held = [], []
    for one in suspects:
        kind, purpose = kinds[one.id]
        if kind == "consent":
            continue
        if one.recipient in told and _is_refused(told[one.recipient], one, purpose, senders):
            out.append(one.id)
        elif one.recipient in doubtful:
            held.append(one.id)
    _take_out(connection, out, "cancelled", OPTED_OUT, now)
    _take_out(connection, held, "held", IN_DOUBT, now)
    gone = {*out, *held}
    return [one for one in claimed if one.id not in gone]


def _told(
    connection: Connection, hashed: RecipientHash, claimed: Sequence[Claimed]
) -> dict[str, Standing]:
    """Return what holds for those recipients who refuse anything."""
    every = standings(connection, {hashed(one.recipient): one.recipient for one in claimed})
    return {who: standing for who, standing in every.items() if standing.is_out or standing.refused}


def _is_refused(standing: Standing, message: Claimed, purpose: str, senders: Senders) -> bool:
    if standing.is_out or f"purpose:{purpose}" in standing.refused:
        return True
    others = standing.refused.keys() - {MARKETING}
    possible = senders(message.route, message.country) if others else frozenset()
    return "" in possible or any(f"sender:{one}" in others for one in possible)


@cache
def _kinds_statement(postgres: bool) -> str:
    which = among(postgres, "id", "ids")
    return statement(postgres, f"SELECT id, kind, purpose FROM messages WHERE {which}")


def _kinds(connection: Connection, claimed: Sequence[Claimed]) -> dict[str, tuple[str, str]]:
    """Return what kind of message each is, and its purpose: few are ever asked about."""
    values = {"ids": packed([one.id for one in claimed])}
    rows = execute(connection, _kinds_statement(is_postgres(connection)), values).fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


@cache
def _out_statement(postgres: bool) -> str:
    return statement(
        postgres,
        "UPDATE messages SET state = :state, gate = :gate, reason = :reason, not_before = NULL, "
        "lease_owner = '', lease_until = NULL, updated_at = :now "
        f"WHERE {among(postgres, 'id', 'ids')} AND state = 'queued'",
    )


def _take_out(
    connection: Connection, ids: Collection[str], state: str, reason: str, now: int
) -> None:
    if not ids:
        return
    values = {"ids": packed(list(ids)), "state": state, "gate": OPTED_OUT, "reason": reason}
    execute(connection, _out_statement(is_postgres(connection)), values | {"now": now})
    log.info("queued texts are %s: %s", state, reason, extra={"count": len(ids)})
