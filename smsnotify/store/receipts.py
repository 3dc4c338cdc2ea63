"""Receipts: kept as they came, then judged by the lattice, in one transaction.

A receipt that names a message which we do not know (yet) stays `early`: our own answer may be
still on its way to the books, and whoever learns a provider's id calls `apply_early`. What is
never claimed stays early and does no harm. Every function works inside the caller's transaction.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, TextClause, text

from smsnotify.base.ids import new_id
from smsnotify.model.lattice import Effect
from smsnotify.model.message import MessageState, Receipt
from smsnotify.store.hearing import Kept
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.judging import newly_known, settle
from smsnotify.store.order import id_after
from smsnotify.store.rowset import is_postgres, packed, source, words

BY_RECEIPT: Final = "receipt"
BY_LOOKUP: Final = "lookup"

_LONGEST: Final = 200

_ROW: Final = {
    "id": "text",
    "account": "text",
    "provider_message_id": "text",
    "our_id": "text",
    "state": "text",
    "error": "text",
    "raw_word": "text",
    "raw_code": "text",
    "at": "int",
    "price": "text",
    "currency": "text",
    "segments": "int",
    "digest": "text",
    "source": "text",
    "received_at": "int",
}

_KEPT_TEXTS: Final = (
    "id",
    "account",
    "provider_message_id",
    "our_id",
    "message_id",
    "error",
    "raw_word",
    "raw_code",
    "by",
)
_KEPT_COLUMNS: Final = (
    "id, account, provider_message_id, our_id, message_id, error, raw_word, raw_code, source, "
    "state, at, received_at"
)


class Taken(msgspec.Struct, kw_only=True):
    """What became of a list of receipts.

    `applied`: moved a message; `unchanged`: said nothing new; `early`: the message is not known
    (yet), or not ready for it; `replayed`: came before, word for word; `undocumented`: a word
    that we do not know, kept; `conflicts`: contradict an earlier word; `caught_up`: early ones
    of before that moved a message now.
    """

    applied: int = 0
    unchanged: int = 0
    early: int = 0
    replayed: int = 0
    undocumented: int = 0
    conflicts: int = 0
    caught_up: int = 0


class StoredReceipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A receipt as it is kept. `outcome` is a word of `lattice.Effect`, `state` `''` if unknown."""

    id: str
    message_id: str
    account: str
    provider_message_id: str
    state: str
    error: str
    raw_word: str
    raw_code: str
    at: datetime | None
    price: str
    currency: str
    segments: int
    source: str
    outcome: str
    received_at: datetime

    @property
    def told_at(self) -> datetime:
        """When it happened, by the provider's clock if that was told."""
        return min(self.at or self.received_at, self.received_at)

    def as_json(self) -> dict[str, object]:
        """The outside shape: `{"type": "receipt", "message_id", "state", "at", …}`."""
        return {"type": "receipt", **msgspec.to_builtins(self), "told_at": self.told_at.isoformat()}


def take(
    connection: Connection,
    account: str,
    receipts: Sequence[Receipt],
    now: datetime,
    *,
    by: str = BY_RECEIPT,
) -> Taken:
    """Keep receipts of one account as they came, then apply them in their order.

    `by` is `receipt`, or `lookup` for what the provider answered when it was asked.
    """
    fresh = _keep(connection, account, receipts, now, by)
    judged = settle(connection, fresh, now)
    counts = Counter(one.effect for one in judged)
    return Taken(
        applied=counts[Effect.MOVES],
        unchanged=counts[Effect.SAME] + counts[Effect.LATE],
        early=counts[Effect.EARLY],
        replayed=len(receipts) - len(fresh),
        undocumented=counts[Effect.UNDOCUMENTED],
        conflicts=counts[Effect.CONFLICT],
        caught_up=apply_early(connection, newly_known(judged), now),
    )


def apply_early(connection: Connection, ids: Iterable[tuple[str, str]], now: datetime) -> int:
    """Apply what came before we knew these (account, provider id); return how many moved one."""
    wanted = {one for one in ids if one[1]}
    if not wanted or not connection.execute(_ANY_EARLY).scalar():
        return 0
    rows = connection.execute(
        text(
            f"SELECT {_KEPT_COLUMNS} FROM receipts WHERE outcome = 'early' "
            f"AND provider_message_id IN ({words(is_postgres(connection), 'ids')}) ORDER BY id"
        ),
        {"ids": packed(sorted({provider_id for _, provider_id in wanted}))},
    )
    kept = [_read_kept(row) for row in rows]
    kept = [one for one in kept if (one.account, one.provider_message_id) in wanted]
    judged = settle(connection, kept, now)
    return sum(one.effect is Effect.MOVES for one in judged)


def apply_all_early(connection: Connection, now: datetime, *, limit: int = 1000) -> int:
    """Apply early receipts whose message is known by now, whoever made it known.

    On PostgreSQL a receipt and the answer that makes it known may be written at the same moment,
    each without seeing the other.
    """
    rows = connection.execute(
        text(
            "SELECT receipts.account, receipts.provider_message_id FROM receipts "
            "JOIN messages ON messages.provider_message_id = receipts.provider_message_id "
            "AND messages.account = receipts.account AND messages.provider_message_id <> '' "
            "WHERE receipts.outcome = 'early' AND receipts.provider_message_id <> '' "
            "AND messages.state NOT IN ('held', 'queued') ORDER BY receipts.id LIMIT :limit"
        ),
        {"limit": limit},
    )
    return apply_early(connection, {(str(row[0]), str(row[1])) for row in rows}, now)


def receipts_of(connection: Connection, message_ids: Sequence[str]) -> list[StoredReceipt]:
    """Return every receipt about these messages, oldest first."""
    fields = StoredReceipt.__struct_fields__
    rows = connection.execute(
        text(
            f"SELECT {', '.join(fields)} FROM receipts WHERE message_id <> '' "
            f"AND message_id IN ({words(is_postgres(connection), 'ids')}) ORDER BY id"
        ),
        {"ids": packed(list(message_ids))},
    )
    return [_read_stored(dict(zip(fields, row, strict=True))) for row in rows]


def _read_stored(values: dict[str, Any]) -> StoredReceipt:
    values["at"] = from_micros(values["at"])
    values["received_at"] = from_micros(values["received_at"])
    return StoredReceipt(**values)


_ANY_EARLY: Final = text("SELECT EXISTS (SELECT 1 FROM receipts WHERE outcome = 'early')")


# Keeping.


@cache
def _keep_statement(postgres: bool) -> TextClause:
    names = ", ".join(_ROW)
    read = ", ".join(f"r.{name}" for name in _ROW)
    return text(
        f"INSERT INTO receipts ({names}, outcome) SELECT {read}, 'early' "
        f"FROM {source(postgres, _ROW)} WHERE true "
        f"ON CONFLICT (digest) DO NOTHING RETURNING {_KEPT_COLUMNS}"
    )


def _keep(
    connection: Connection, account: str, receipts: Sequence[Receipt], now: datetime, by: str
) -> list[Kept]:
    """Write receipts down; return those that were not there yet, in their order."""
    if not receipts:
        return []
    received_at = to_micros(now)
    one_id = ""
    rows: list[dict[str, Any]] = []
    for receipt in receipts:
        one_id = id_after(one_id, now) if one_id else new_id(now)
        rows.append(_row(one_id, account, receipt, received_at, by))
    # In the digest's order: two writers of the same receipts wait for each other in line.
    in_line = sorted(rows, key=lambda row: row["digest"])
    statement = _keep_statement(is_postgres(connection))
    done = connection.execute(statement, {"rows": packed(in_line)})
    return sorted(map(_read_kept, done), key=lambda one: one.id)


def _row(one_id: str, account: str, receipt: Receipt, received_at: int, by: str) -> dict[str, Any]:
    return {
        "id": one_id,
        "account": account,
        "provider_message_id": _short(receipt.provider_message_id),
        "our_id": _short(receipt.message_id),
        "state": receipt.state or "",
        "error": receipt.error or "",
        "raw_word": _short(receipt.raw_word),
        "raw_code": _short(receipt.raw_code),
        "at": None if receipt.at is None else to_micros(receipt.at),
        "price": _short(receipt.price),
        "currency": _short(receipt.currency),
        "segments": min(max(receipt.segments, 0), 9999),
        "digest": _digest(account, receipt),
        "source": by,
        "received_at": received_at,
    }


def _short(written: str) -> str:
    return written[:_LONGEST].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _digest(account: str, receipt: Receipt) -> str:
    """Tell a replay: the same word about the same message, whenever it is said to have been."""
    said = (
        account,
        receipt.provider_message_id,
        receipt.message_id,
        receipt.raw_word or receipt.state or "",
        receipt.raw_code,
    )
    hashing = blake2b(digest_size=16)
    for part in said:
        written = part.encode("utf-8", "replace")
        hashing.update(len(written).to_bytes(4, "big") + written)
    return hashing.hexdigest()


def _read_kept(row: Sequence[Any]) -> Kept:
    *texts, state, at, received_at = row
    return Kept(
        **dict(zip(_KEPT_TEXTS, texts, strict=True)),
        state=MessageState(state) if state else None,
        at=received_at if at is None else min(at, received_at),
    )
