"""Statements for many rows as tuples: written once a table, run by the driver itself.

SQLAlchemy's own path for many rows builds a mapping a row, which costs more than SQLite's insert.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection

from smsnotify.store.rowset import is_postgres

_KEEP_COUNT = {"preserve_rowcount": True}


@cache
def insert_statement(
    postgres: bool, table: str, columns: tuple[str, ...], on_conflict: str = ""
) -> str:
    """Return `INSERT INTO …` in the driver's own notation, one placeholder a column."""
    marks = ", ".join(["%s" if postgres else "?"] * len(columns))
    ending = f" ON CONFLICT {on_conflict}" if on_conflict else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}){ending}"  # noqa: S608 - our own names


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
    statement = insert_statement(is_postgres(connection), table, columns, on_conflict)
    result = connection.exec_driver_sql(statement, list(rows), execution_options=_KEEP_COUNT)
    return int(result.rowcount)
