"""Engines for the two databases, set up so that a commit is a promise."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from smsnotify.base.errors import ConfigError, StoreUnavailableError

BUSY_TIMEOUT_S: Final = 10.0
"""How long a statement waits for another process before it says `locked`."""

PRAGMAS: Final = (
    # FULL: a commit is on the disk before anything is sent. NORMAL may lose the last ones.
    "PRAGMA synchronous = FULL",
    # 16 MiB of pages, and a WAL that is folded back every 16 MiB.
    "PRAGMA cache_size = -16384",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA temp_store = MEMORY",
)
"""What every connection to an SQLite database is told first."""

_EXAMPLES: Final = "write sqlite:///sms-notify.db or postgresql://user@host/name"


def parse_url(url: str) -> URL:
    """Read the setting `database`.

    Raises:
        ConfigError: no URL, or of a database that we do not know, or one in memory (it would
            forget what was sent).
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError("the setting `database` is not a database URL", hint=_EXAMPLES) from None
    name = parsed.get_backend_name()
    if name == "sqlite":
        if not parsed.database or parsed.database == ":memory:" or parsed.query:
            raise ConfigError("an SQLite database must be a plain file", hint=_EXAMPLES)
        return parsed.set(drivername="sqlite+pysqlite")
    if name in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(f"{name} is not a database that we can use", hint=_EXAMPLES)


def sqlite_path(url: URL) -> Path | None:
    """Return the file of an SQLite database, None for PostgreSQL."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def place_of(url: URL) -> str:
    """Return the database as people know it: a path, or the URL without user and password."""
    path = sqlite_path(url)
    if path is not None:
        return str(path)
    return f"postgresql://{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database or ''}"


_PREPARE_AT: Final = 2
"""A statement is prepared when it comes for so many times, on one connection."""


def make_file(path: Path) -> None:
    """Make an empty database file that only its owner may read; an existing one stays as it is.

    Raises:
        StoreUnavailableError: no such folder, or no right to write there.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except FileNotFoundError:
        raise StoreUnavailableError(
            f"there is no folder {path.parent} for the database {path.name}",
            hint="create the folder, or name another file in the setting `database`",
        ) from None
    except OSError as error:
        raise StoreUnavailableError(
            f"the database {path} cannot be opened: {error.strerror or error}",
            hint="check the owner and the mode of the file and of its folder",
        ) from None


def make_engine(url: URL) -> Engine:
    """Make the engine; nothing is opened yet.

    Raises:
        ConfigError: PostgreSQL without its driver.
    """
    return _sqlite_engine(url) if sqlite_path(url) is not None else _postgres_engine(url)


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,  # an error of the driver ends up in logs: no text and no number there
        # isolation_level None: the driver opens no transaction of its own, _begin does.
        connect_args={
            "timeout": BUSY_TIMEOUT_S,
            "isolation_level": None,
            "check_same_thread": False,
        },
    )
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when another process wrote
    # in between; IMMEDIATE takes the write lock first and waits for it.
    reading = connection.get_execution_options().get("reading", False)
    # Straight through the driver: a third of the cost of an empty transaction.
    driver: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    driver.execute("BEGIN" if reading else "BEGIN IMMEDIATE")


def _postgres_engine(url: URL) -> Engine:
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_pre_ping": True,
        "pool_size": 8,
        "connect_args": {"prepare_threshold": None, "connect_timeout": 10},
    }
    try:
        engine = create_engine(url, **options)
    except ImportError:
        raise ConfigError(
            "PostgreSQL needs its driver, which is not installed",
            hint='pip install "sms-notify[postgres]"',
        ) from None
    event.listen(engine, "connect", _prepare_if_direct)
    return engine


def _prepare_if_direct(driver: Any, _record: object) -> None:
    """Prepare statements that come again, which saves a fifth of the server's work on a text.

    Not behind a pooler: in transaction mode it forgets them, or gives them to somebody else. One is
    known by the process that it told at the start, which is not the one that answers.
    """
    with driver.cursor() as cursor:
        answering = cursor.execute("SELECT pg_backend_pid()").fetchone()[0]
    driver.rollback()
    if answering == driver.info.backend_pid:
        driver.prepare_threshold = _PREPARE_AT
