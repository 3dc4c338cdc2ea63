"""Statements for many rows as tuples: written once a table, run by the driver itself.

SQLAlchemy's own path for many rows builds a mapping a row, which costs more than SQLite's insert.
On SQLite some rows travel in one statement: a statement a row takes half as long again, gives the
interpreter lock away for each of them, and waits for it beside a busy event loop.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection

from smsnotify.store.rowset import (
    execute,
    execute_flat,
    is_postgres,
    packed,
    source,
    statement,
)
from smsnotify.store.unstorable import is_storable, storable

_KEEP_COUNT = {"preserve_rowcount": True}
# Few sizes: compiling a statement takes as long as running it, and the driver keeps compiled ones.
_LARGEST: Final = 512
_SMALL: Final = 64  # bytes of a keyed hash, and not of a job as it came
_MOST_VALUES: Final = 32_000  # SQLite takes 32,766 parameters


@cache
def insert_statement(
    postgres: bool, table: str, columns: tuple[str, ...], on_conflict: str = "", rows: int = 1
) -> str:
    """Return `INSERT INTO …` in the driver's own notation, one placeholder a column and row."""
    marks = ", ".join(["%s" if postgres else "?"] * len(columns))
    values = ", ".join([f"({marks})"] * rows)
    ending = f" ON CONFLICT {on_conflict}" if on_conflict else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}{ending}"


def insert_rows(
    connection: Connection,
    table: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    on_conflict: str = "",
) -> int:
    """Insert tuples in the order of `columns`; return how many rows were written.

    Of two rows that meet in one `DO UPDATE` the later one wins.
    """
    if not rows:
        return 0
    if is_postgres(connection):
        if not _fits_one_statement(columns, rows, on_conflict):
            return _insert_each(connection, table, columns, rows, on_conflict)
        named = packed([dict(zip(columns, map(_bytes_as_hex, row), strict=True)) for row in rows])
        asking = _insert_all(table, columns, on_conflict)
        return execute(connection, asking, {"rows": named}).rowcount
    done = 0
    for some in _portions(rows, len(columns)):
        written = insert_statement(False, table, columns, on_conflict, len(some))
        done += execute_flat(connection, written, some).rowcount
    return done


def _fits_one_statement(
    columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], on_conflict: str
) -> bool:
    """Say whether PostgreSQL may take all rows at once: small ones, none of them twice.

    One statement of it changes no row a second time.
    """
    if any(len(value) > _SMALL for value in rows[0] if type(value) is bytes):
        return False
    key, _, change = on_conflict.partition(" DO UPDATE")
    if not change:
        return True
    places = [columns.index(name) for name in key.strip("() ").split(", ")]
    return len({tuple(row[place] for place in places) for row in rows}) == len(rows)


def _insert_each(
    connection: Connection,
    table: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    on_conflict: str,
) -> int:
    written = insert_statement(True, table, columns, on_conflict)
    result = connection.exec_driver_sql(written, list(rows), execution_options=_KEEP_COUNT)
    return int(result.rowcount)


@cache
def _insert_all(table: str, columns: tuple[str, ...], on_conflict: str) -> str:
    """PostgreSQL: all rows as one JSON value, in the types of the table itself."""
    names = ", ".join(columns)
    ending = f" ON CONFLICT {on_conflict}" if on_conflict else ""
    return statement(
        True,
        f"INSERT INTO {table} ({names}) SELECT {names} "
        f"FROM jsonb_populate_recordset(CAST(NULL AS {table}), CAST(:rows AS jsonb)){ending}",
    )


def _bytes_as_hex(value: object) -> object:
    return "\\x" + value.hex() if isinstance(value, bytes) else value


def _portions(rows: Sequence[Any], columns: int) -> Iterator[Sequence[Any]]:
    """Cut rows into portions of a power of two each."""
    start = 0
    while start < len(rows):
        size = _power_within(min(len(rows) - start, _most_rows(columns)))
        yield rows[start : start + size]
        start += size


def _power_within(count: int) -> int:
    return 1 << (count.bit_length() - 1)


def _most_rows(columns: int) -> int:
    return min(_LARGEST, _power_within(_MOST_VALUES // columns))


def write_rows(
    connection: Connection,
    written: str,
    columns: Mapping[str, str],
    rows: Sequence[tuple[Any, ...]],
) -> int:
    """Run a statement that reads rows named `r` where it says `{rows}`; return its row count.

    `columns` is name → kind, as for `rowset.source`, in the order of the tuples; the first one is
    never None. What no database text can hold is replaced.
    """
    if not rows:
        return 0
    if is_postgres(connection):
        names = tuple(columns)
        named = packed([dict(zip(names, row, strict=True)) for row in rows])
        asking = _on_postgres(written, tuple(columns.items()))
        return execute(connection, asking, {"rows": named}).rowcount
    if not is_storable(value for row in rows for value in row if type(value) is str):
        rows = [
            tuple(storable(value) if isinstance(value, str) else value for value in row)
            for row in rows
        ]
    names = tuple(columns)
    done = 0
    for some, size in _filled(rows, len(names)):
        done += execute_flat(connection, _on_sqlite(written, names, size), some).rowcount
    return done


def _filled(rows: Sequence[Any], columns: int) -> Iterator[tuple[Sequence[Any], int]]:
    """Cut rows into portions with the power of two that each is filled up to, by empty rows.

    What waits for the interpreter lock after each statement had better have few of them.
    """
    most, start = _most_rows(columns), 0
    while start < len(rows):
        left = min(len(rows) - start, most)
        size = _power_within(left)
        if left > size and left * 4 >= size * 2 * 3:
            size *= 2
        some = list(rows[start : start + size])
        yield some + [(None,) * columns] * (size - len(some)), size
        start += size


@cache
def _on_postgres(written: str, columns: tuple[tuple[str, str], ...]) -> str:
    return statement(True, written.format(rows=source(True, dict(columns))))


@cache
def _on_sqlite(written: str, columns: tuple[str, ...], rows: int) -> str:
    named = ", ".join(f"column{place} AS {name}" for place, name in enumerate(columns, 1))
    marks = f"({', '.join('?' * len(columns))})"
    values = ", ".join([marks] * rows)
    filled = "column1 IS NOT NULL"
    return written.format(rows=f"(SELECT {named} FROM (VALUES {values}) WHERE {filled}) AS r")
