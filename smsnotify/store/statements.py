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
# Few sizes, so that a statement is compiled once; larger ones gain nothing.
_PORTIONS: Final = (64, 16, 4, 1)


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
    """Insert tuples in the order of `columns`; return how many rows were written."""
    if not rows:
        return 0
    if is_postgres(connection):
        written = insert_statement(True, table, columns, on_conflict)
        result = connection.exec_driver_sql(written, list(rows), execution_options=_KEEP_COUNT)
        return int(result.rowcount)
    done = 0
    for some in _portions(rows):
        written = insert_statement(False, table, columns, on_conflict, len(some))
        done += execute_flat(connection, written, some).rowcount
    return done


def write_rows(
    connection: Connection,
    written: str,
    columns: Mapping[str, str],
    rows: Sequence[tuple[Any, ...]],
) -> int:
    """Run a statement that reads rows named `r` where it says `{rows}`; return its row count.

    `columns` is name → kind, as for `rowset.source`, in the order of the tuples. What no database
    text can hold is replaced.
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
    return sum(
        execute_flat(connection, _on_sqlite(written, tuple(columns), len(some)), some).rowcount
        for some in _portions(rows)
    )


@cache
def _on_postgres(written: str, columns: tuple[tuple[str, str], ...]) -> str:
    return statement(True, written.format(rows=source(True, dict(columns))))


@cache
def _on_sqlite(written: str, columns: tuple[str, ...], rows: int) -> str:
    named = ", ".join(f"column{place} AS {name}" for place, name in enumerate(columns, 1))
    marks = f"({', '.join('?' * len(columns))})"
    values = ", ".join([marks] * rows)
    return written.format(rows=f"(SELECT {named} FROM (VALUES {values})) AS r")


def _portions(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    start = 0
    for size in _PORTIONS:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size
