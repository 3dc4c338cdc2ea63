"""The ways to get a Store."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from smsnotify.base.errors import StoreUnavailableError
from smsnotify.store.connect import make_engine, make_file, parse_url, place_of, sqlite_path
from smsnotify.store.failures import explain, told_plainly
from smsnotify.store.migrations import HEAD
from smsnotify.store.schema import check_version, refuse_foreign, upgrade, version_of
from smsnotify.store.store import Store

Made = Callable[[Engine, str, Path | None], Store]

_WAL_TRIES: Final = 100
_WAL_PAUSE_S: Final = 0.1


def open_store(url: str, *, create: bool = True, make: Made = Store) -> Store:
    """Open the database of the settings.

    `create` lets an SQLite file be made, and brought to our version, on first use; PostgreSQL
    is only ever changed by `upgrade_store`. `make` is the store's class, or one made of it.

    Raises:
        ConfigError: not a URL that we can use, or PostgreSQL without its driver.
        StoreUnavailableError: cannot be reached, opened, written.
        SchemaVersionError: made by another version, or without tables.
        StoreError: not a database, or one of another program.
    """
    parsed = parse_url(url)
    place, path = place_of(parsed), sqlite_path(parsed)
    if path is not None:
        if create:
            make_file(path)
        elif not path.is_file():
            raise StoreUnavailableError(
                f"there is no database {path}", hint="`sms-notify process` makes it on first use"
            )
    engine = make_engine(parsed)
    try:
        with told_plainly(place):
            if path is not None and create:
                _prepare_file(engine, place)
            with engine.connect().execution_options(reading=True) as connection:
                check_version(connection, place)
        return make(engine, place, path)
    except BaseException:
        engine.dispose()
        raise


def open_existing(url: str) -> Store | None:
    """Open the database if something may be stored there; never makes or changes anything.

    None: the SQLite file is missing or still empty. For dry runs and previews.

    Raises:
        StoreError: as `open_store`.
    """
    path = sqlite_path(parse_url(url))
    if path is not None and (not path.exists() or _is_empty(path)):
        return None
    return open_store(url, create=False)


def upgrade_store(url: str) -> tuple[str, str]:
    """Bring the database to this program's version (`db upgrade`); give back (before, after).

    Raises:
        StoreError: as `open_store`.
    """
    parsed = parse_url(url)
    place, path = place_of(parsed), sqlite_path(parsed)
    if path is not None:
        make_file(path)
    engine = make_engine(parsed)
    try:
        with told_plainly(place):
            return _prepare_file(engine, place) if path is not None else upgrade(engine, place)
    finally:
        engine.dispose()


def _is_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0


def _prepare_file(engine: Engine, place: str) -> tuple[str, str]:
    with engine.connect().execution_options(reading=True) as connection:
        found = version_of(connection)
        # Before anything is changed: the journal of another program's file is its own affair.
        refuse_foreign(connection, found, place)
        wal = connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    if not wal:
        _switch_to_wal(engine, place)
    return upgrade(engine, place) if found != HEAD else (found, found)


def _switch_to_wal(engine: Engine, place: str) -> None:
    # SQLite does not wait here when another process switches the same new file at this moment.
    raw = engine.raw_connection()
    try:
        for left in reversed(range(_WAL_TRIES)):
            try:
                raw.cursor().execute("PRAGMA journal_mode = WAL")
                return
            except Exception as error:
                if not left or "locked" not in str(error):
                    raise explain(error, place) from error
            time.sleep(_WAL_PAUSE_S)
    finally:
        raw.close()
