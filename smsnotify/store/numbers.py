"""Which messages are whose: an index by number that the outbox's inserts do not pay for.

Numbers come in no order, and an index of `messages` by them would cost two thirds of the inserts'
speed at a million rows. So `message_numbers` is filled afterwards (`index_numbers`, a part of every
tick), sorted, many rows at once; whoever looks reads it up to its mark, and the few messages behind
the mark one by one. Runs of a million rows each keep a portion's pages together.

No message is missed. Ids ascend with time, and the mark stays `LAG` behind the database's clock. A
message whose id is older than that (a run `--as-of` a past day, a machine whose clock is slow) is
entered by whoever stores it, in the same transaction (`enter_late`), while the mark stands still.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import from_micros
from smsnotify.store.meta import get_meta, set_meta
from smsnotify.store.order import first_id
from smsnotify.store.rowset import execute, is_postgres, statement
from smsnotify.store.statements import insert_rows

LAG: Final = timedelta(minutes=2)
A_RUN: Final = 1_000_000
A_PORTION: Final = 20_000

_NAME: Final = "numbers"
_CLOSE: Final = LAG / 2
_COLUMNS: Final = ("run", "number", "message_id")
_CLOCK: Final = {
    True: "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
    False: "SELECT CAST(strftime('%s', 'now') AS integer) * 1000000",
}


class _Mark(msgspec.Struct, frozen=True):
    """How far the index has come: ids up to `upto`, the last `rows` of them in run `run`."""

    upto: str = ""
    run: int = 0
    rows: int = 0


Begin = Callable[[], AbstractContextManager[Connection]]
Row = tuple[str, bytes, str, str]
"""Of a message: its id, the hash of whom it is meant for, who gets it, whom it is meant for."""


def index_numbers(
    begin: Begin, hashed: RecipientHash, now: datetime, go_on: Callable[[], bool] = lambda: True
) -> int:
    """Bring the index up to date, a portion a transaction; return how many messages it took in.

    The first call ever only sets the mark at the beginning, for others to hold on to.
    """
    if _make_mark(begin):
        return 0
    total = 0
    while go_on():
        with begin() as connection:
            mark = _mark(connection, hold="UPDATE")
            until = first_id(min(now, _database_time(connection)) - LAG)
            rows = connection.execute(
                text(
                    "SELECT id, recipient_hash, recipient, intended FROM messages "
                    f"WHERE id > :upto AND id < :until ORDER BY id LIMIT {A_PORTION}"
                ),
                {"upto": mark.upto, "until": until},
            ).all()
            if rows:
                entered = _enter(connection, hashed, mark.run, [tuple(row) for row in rows])
                _note(connection, mark, rows[-1].id, entered)
        total += len(rows)
        if len(rows) < A_PORTION:
            break
    return total


def enter_late(connection: Connection, hashed: RecipientHash, rows: Sequence[Row]) -> None:
    """Enter messages that are being stored and whose ids the index has passed already."""
    oldest = min((row[0] for row in rows), default="")
    if not oldest:
        return
    if is_postgres(connection) and oldest > first_id(_database_time(connection) - _CLOSE):
        return  # nearly always; and the mark cannot come so near before this transaction ends
    mark = _mark(connection, hold="SHARE")
    late = [row for row in rows if row[0] <= mark.upto]
    if late:
        _enter(connection, hashed, mark.run, late)


def ids_of(
    connection: Connection,
    hashed: RecipientHash,
    addresses: Collection[str],
    *,
    most: int | None = None,
    since: str = "",
) -> list[str]:
    """Return the ids of the messages to these addresses, and meant for them, newest first.

    In test mode somebody else gets a text: it is of the one it was meant for, and of that one.
    `most` None: of all of them; `since` is the smallest id to look for.
    """
    if not addresses:
        return []
    mark = _mark(connection)
    found = set(_behind_mark(connection, hashed, addresses, max(mark.upto, since)))
    runs = range(mark.run, -1, -1) if since <= mark.upto else ()
    for run in runs:
        found.update(_of_run(connection, hashed, addresses, run, since, most))
    return sorted(found, reverse=True)[:most]


def forget_old(connection: Connection, before: str) -> int:
    """Delete what the index has of messages older than an id; return how many rows."""
    gone = text("DELETE FROM message_numbers WHERE message_id < :before")
    return connection.execute(gone, {"before": before}).rowcount


def _of_run(
    connection: Connection,
    hashed: RecipientHash,
    addresses: Collection[str],
    run: int,
    since: str,
    most: int | None,
) -> Iterator[str]:
    limit = "" if most is None else f" LIMIT {int(most)}"
    asking = statement(
        is_postgres(connection),
        "SELECT message_id FROM message_numbers WHERE run = :run AND number = :number "
        f"AND message_id >= :since ORDER BY message_id DESC{limit}",
    )
    for number in sorted({_key(hashed(one)) for one in addresses}):
        values = {"run": run, "number": number, "since": since}
        yield from (str(row[0]) for row in execute(connection, asking, values).fetchall())


def _behind_mark(
    connection: Connection, hashed: RecipientHash, addresses: Collection[str], after: str
) -> Iterable[str]:
    ordered = sorted(addresses)
    mark = "%s" if is_postgres(connection) else "?"
    marks = ", ".join([mark] * len(ordered))
    rows = connection.exec_driver_sql(
        f"SELECT id FROM messages WHERE id >= {mark} "
        f"AND (recipient_hash IN ({marks}) OR recipient IN ({marks}))",
        (after, *(hashed(one) for one in ordered), *ordered),
    )
    return (str(row[0]) for row in rows)


def _enter(connection: Connection, hashed: RecipientHash, run: int, rows: Sequence[Row]) -> int:
    entries = {(run, _key(meant_for), one_id) for one_id, meant_for, _, _ in rows}
    entries |= {
        (run, _key(hashed(recipient)), one_id)
        for one_id, _, recipient, intended in rows
        if recipient not in ("", intended)
    }
    insert_rows(connection, "message_numbers", _COLUMNS, sorted(entries), "DO NOTHING")
    return len(entries)


def _key(hash_: bytes) -> int:
    """Return the half of a hash that the index goes by; whoever looks reads the message too."""
    return int.from_bytes(hash_[:8], signed=True)


def _mark(connection: Connection, hold: str = "") -> _Mark:
    """Read the mark; `hold` keeps it where it is until the transaction ends.

    SQLite has one writer at a time, and so nothing to hold.
    """
    postgres = is_postgres(connection)
    lock = f" FOR {hold}" if hold and postgres else ""
    asking = statement(postgres, f"SELECT value FROM meta WHERE name = :name{lock}")
    row: Any = execute(connection, asking, {"name": _NAME}).fetchone()
    return _Mark() if row is None else msgspec.json.decode(row[0], type=_Mark)


def _make_mark(begin: Begin) -> bool:
    """Set the mark where there is none; say whether there was none."""
    with begin() as connection:
        is_new = not get_meta(connection, _NAME)
        if is_new:
            set_meta(connection, _NAME, "{}")
        return is_new


def _note(connection: Connection, mark: _Mark, upto: str, entered: int) -> None:
    rows = mark.rows + entered
    after = _Mark(upto, mark.run + 1, 0) if rows >= A_RUN else _Mark(upto, mark.run, rows)
    set_meta(connection, _NAME, msgspec.json.encode(after).decode())


def _database_time(connection: Connection) -> datetime:
    """Return the time by the database's clock, which all machines share."""
    micros = connection.execute(text(_CLOCK[is_postgres(connection)])).scalar_one()
    return from_micros(int(micros))
