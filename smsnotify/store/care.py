"""Looking after a database: is it sound, how much is in it, and a copy of it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine, func, select, text

from smsnotify.base.errors import StoreError, StoreUnavailableError
from smsnotify.store.schema import version_of
from smsnotify.store.tables import metadata


class CheckUp(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What `db check` found: the schema's version, rows by table, and problems in words."""

    place: str
    version: str
    rows: dict[str, int]
    problems: list[str]


def check_up(connection: Connection, place: str) -> CheckUp:
    """Examine the database; reads all of it."""
    problems: list[str] = []
    if connection.dialect.name == "sqlite":
        told = connection.execute(text("PRAGMA integrity_check(20)")).scalars().all()
        problems += [str(line) for line in told if line != "ok"]
    rows = {
        table.name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for table in metadata.sorted_tables
    }
    orphans = connection.execute(
        text(
            "SELECT count(*) FROM aliases WHERE NOT EXISTS "
            "(SELECT 1 FROM jobs WHERE jobs.subject = aliases.subject)"
        )
    ).scalar_one()
    if orphans:
        problems.append(f"{orphans} names lead to no job")
    return CheckUp(place=place, version=version_of(connection), rows=rows, problems=problems)


def back_up(engine: Engine, source: Path | None, target: Path) -> int:
    """Copy an SQLite database, as it is at one moment, to a new file; return its size in bytes.

    Others may go on writing. Only its owner may read the copy.

    Raises:
        StoreError: PostgreSQL, which brings its own tool, or a file that exists already.
        StoreUnavailableError: the copy cannot be written.
    """
    if source is None:
        raise StoreError("this database is on PostgreSQL", hint="use pg_dump")
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        raise StoreError(f"{target} exists already", hint="name a new file") from None
    except OSError as error:
        raise StoreUnavailableError(
            f"{target} cannot be written: {error.strerror or error}",
            hint="name a file in a folder where you may write",
        ) from None
    try:
        _copy(engine, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target.stat().st_size


def _copy(engine: Engine, target: Path) -> None:
    raw = engine.raw_connection()
    try:
        source = raw.driver_connection
        assert isinstance(source, sqlite3.Connection)
        copy = sqlite3.connect(target)
        try:
            source.backup(copy)
            # A single file travels better; whoever opens it switches it back.
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
    finally:
        raw.close()
