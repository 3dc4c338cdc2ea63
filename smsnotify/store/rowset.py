"""Many rows in one statement: they travel as one JSON parameter.

A statement per row would give the interpreter lock away and take it back once a row, and wait for
a round trip once a row on PostgreSQL. Measured on SQLite beside a busy event loop, 64 rows a
commit: 41 µs a row this way, 158 µs with one execution a row.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import Connection


class Cursor(Protocol):
    """What both ways of `execute` give back."""

    @property
    def rowcount(self) -> int:
        """Rows that the statement changed."""

    def fetchall(self) -> Sequence[Any]:
        """Return the rows that are left."""

    def fetchone(self) -> Any:
        """Return the next row, or None."""


_ALWAYS: Final = "finds_by_id"
_PARAMETER: Final = re.compile(r":([a-z_]+)")
_POSTGRES_TYPES: Final = {
    "text": "text",
    "int": "bigint",
    "float": "double precision",
    "bool": "boolean",
}
_ZERO: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def is_postgres(connection: Connection) -> bool:
    """Say which of the two dialects a statement must be written in."""
    return connection.dialect.name == "postgresql"


def source(postgres: bool, columns: Mapping[str, str], fields: tuple[str, ...] = ()) -> str:
    """Return what stands after FROM: rows named `r`, read from the parameter `:rows`.

    `columns` is name → `text`, `int`, `float` or `bool`; `:rows` is what `packed` returns. A list
    or an object of the row arrives in a `text` column as JSON. With the `fields` of a struct,
    `:rows` is what `packed_structs` returns.
    """
    if postgres:
        shape = ", ".join(f"{name} {_POSTGRES_TYPES[kind]}" for name, kind in columns.items())
        return f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({shape})"
    places = {name: f"[{place}]" for place, name in enumerate(fields)}
    parts = ", ".join(
        f"json_extract(value, '${places.get(name, f'.{name}')}') AS {name}" for name in columns
    )
    return f"(SELECT {parts} FROM json_each(:rows)) AS r"


def words(postgres: bool, parameter: str) -> str:
    """Return a subquery over a JSON list of texts, for `IN (…)`."""
    if postgres:
        return f"SELECT jsonb_array_elements_text(CAST(:{parameter} AS jsonb))"
    return f"SELECT value FROM json_each(:{parameter})"


def among(postgres: bool, column: str, parameter: str) -> str:
    """Return the condition that a column is one of a JSON list of texts, found by its index.

    An array for PostgreSQL: a join might read the whole table while its figures are old.
    """
    listed = words(postgres, parameter)
    return f"{column} = ANY(ARRAY({listed}))" if postgres else f"{column} IN ({listed})"


def as_one(postgres: bool, columns: Sequence[str], selection: str) -> str:
    """Return a statement whose only value is all rows of a selection as a JSON list of lists.

    Fetching row by row would give the interpreter lock away and take it back for every one.
    `columns` are names in `selection`, or expressions over them.
    """
    listed = ", ".join(columns)
    if postgres:
        return (
            f"SELECT CAST(COALESCE(json_agg(json_build_array({listed})), '[]') AS text) "
            f"FROM ({selection}) AS found"
        )
    return f"SELECT json_group_array(json_array({listed})) FROM ({selection})"


def as_json(postgres: bool, column: str) -> str:
    """Return a column that holds JSON, for `as_one`: as JSON and not as a text."""
    return f"CAST({column} AS json)" if postgres else f"json({column})"


def state_of_found(postgres: bool) -> str:
    """Return `messages.state` for a statement that finds its rows by id and only checks the state.

    PostgreSQL must not take a partial index of the state instead: as long as its figures are old
    it believes that hardly any row is queued, and walks through all of them, a million or not.
    """
    return "(messages.state || '')" if postgres else "messages.state"


def find_by_id(connection: Connection) -> None:
    """Let this transaction's statements over `source` look each row up by its id.

    The second half of `state_of_found`: with old figures PostgreSQL would rather read a whole
    table of a few megabytes, and compare every row of it with every row of ours.
    """
    if is_postgres(connection) and not connection.info.get(_ALWAYS):
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")


def find_by_id_always(connection: Connection) -> None:
    """Let all transactions of a connection do so that nobody else will have; saves a round trip.

    Not behind a pooler: it would keep the setting for whoever comes next.
    """
    driver: Any = connection.connection.dbapi_connection
    if driver.prepare_threshold is not None:
        connection.exec_driver_sql("SET enable_seqscan = off")
        connection.commit()
        connection.info[_ALWAYS] = True


def statement(postgres: bool, written: str) -> str:
    """Return a statement with `:name` parameters as the driver wants it, for `execute`."""
    return _PARAMETER.sub(r"%(\1)s", written) if postgres else written


def execute(connection: Connection, driver_statement: str, values: Mapping[str, object]) -> Cursor:
    """Run what `statement` made, without the query compiler: delivery does it all the time.

    On SQLite straight through the driver: what SQLAlchemy does around one execution takes as long
    as the update of a row, and keeps the interpreter lock from the event loop meanwhile.
    """
    if is_postgres(connection):
        return connection.exec_driver_sql(driver_statement, dict(values))
    driver: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    return driver.execute(driver_statement, values)


def execute_flat(
    connection: Connection, driver_statement: str, rows: Sequence[Sequence[Any]]
) -> Cursor:
    """Run a statement on SQLite that has one placeholder for every value of some rows."""
    driver: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    return driver.execute(driver_statement, [value for row in rows for value in row])


def packed(rows: Sequence[object] | Mapping[str, object]) -> str:
    """Return structs, mappings or texts as the JSON that `source` and `words` read.

    PostgreSQL knows no U+0000 in a text, and neither database a lone surrogate.
    """
    try:
        written = msgspec.json.encode(rows).decode()
    except UnicodeEncodeError:
        written = msgspec.json.encode(_repaired(rows)).decode()
    return _ZERO.sub(r"\1\\ufffd", written) if "\\u0000" in written else written


def packed_structs(postgres: bool, rows: Sequence[msgspec.Struct]) -> str:
    """Return structs of one type as the JSON that `source` reads with their fields.

    SQLite reads lists in two thirds of the time that it needs for objects; PostgreSQL wants names.
    """
    return packed(rows if postgres else [msgspec.structs.astuple(row) for row in rows])


def _repaired(row: object) -> object:
    if isinstance(row, str):
        return row.encode("utf-8", "replace").decode()
    if isinstance(row, msgspec.Struct):
        row = msgspec.structs.asdict(row)
    if isinstance(row, Mapping):
        return {_repaired(name): _repaired(value) for name, value in row.items()}
    if isinstance(row, list | tuple | set | frozenset):
        return [_repaired(value) for value in row]
    return row
