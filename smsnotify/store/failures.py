"""What a database driver complains of, in words that a person can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from smsnotify.base.errors import StoreError, StoreUnavailableError
from smsnotify.base.redact import scrub

_Words = tuple[type[StoreError], str, str]

_LOCKED: _Words = (
    StoreUnavailableError,
    "is locked by another process",
    "wait for the other run to end, then start this one again",
)
_FULL: _Words = (
    StoreUnavailableError,
    "cannot grow: the disk is full",
    "free some space, then start the same run again; what was stored is not sent twice",
)
_READ_ONLY: _Words = (
    StoreUnavailableError,
    "is read-only for this user",
    "check the owner and the mode of the file and of its folder",
)
_UNREACHABLE: _Words = (
    StoreUnavailableError,
    "cannot be reached",
    "check host, port and network, and that the server runs",
)
_DENIED: _Words = (
    StoreUnavailableError,
    "refused the user name or the password",
    "check user and password in the setting `database`",
)
_NOT_ALLOWED: _Words = (
    StoreUnavailableError,
    "does not let this user do that",
    "grant the user the right to read and write the tables",
)
_ABSENT: _Words = (
    StoreUnavailableError,
    "does not exist on the server",
    "create it first: createdb NAME",
)
_NO_TABLES: _Words = (
    StoreError,
    "lacks a table or column of ours",
    "run `sms-notify db upgrade`",
)

# Source: https://www.sqlite.org/rescode.html (primary result codes; checked August 2026).
_SQLITE: dict[int, _Words] = {
    3: _NOT_ALLOWED,
    5: _LOCKED,
    6: _LOCKED,
    8: _READ_ONLY,
    10: (StoreUnavailableError, "cannot be read or written", "check the disk it lies on"),
    11: (StoreError, "is damaged", "restore the newest backup, or ask `sms-notify db check`"),
    13: _FULL,
    14: (
        StoreUnavailableError,
        "cannot be opened",
        "check that its folder exists and that this user may write there",
    ),
    23: _NOT_ALLOWED,
    26: (
        StoreError,
        "is not an SQLite database",
        "name another file in the setting `database`",
    ),
}

# Source: PostgreSQL's manual, appendix A, error codes (checked August 2026).
_SQLSTATE: dict[str, _Words] = {
    "25006": (StoreUnavailableError, "is read-only", "name the primary server, not a standby"),
    "28000": _DENIED,
    "28P01": _DENIED,
    "3D000": _ABSENT,
    "40001": _LOCKED,
    "40P01": _LOCKED,
    "42501": _NOT_ALLOWED,
    "42703": _NO_TABLES,
    "42P01": _NO_TABLES,
    "53100": _FULL,
    "53300": (
        StoreUnavailableError,
        "has no connection left for us",
        "run fewer workers, or raise max_connections",
    ),
    "55P03": _LOCKED,
    "57014": _LOCKED,
}
_SQLSTATE_CLASSES: dict[str, _Words] = {"08": _UNREACHABLE, "57": _UNREACHABLE, "53": _FULL}

# libpq reports a refused log-in as text alone, without a code.
_POSTGRES_PHRASES: tuple[tuple[str, _Words], ...] = (
    ("password authentication failed", _DENIED),
    ("no password supplied", _DENIED),
    ("no pg_hba.conf entry", _DENIED),
    ('role "', _DENIED),
    ('database "', _ABSENT),
    ("too many clients", _SQLSTATE["53300"]),
)


@contextmanager
def told_plainly(place: str) -> Iterator[None]:
    """Turn every driver error inside the block into a StoreError that names the database.

    `place` is the database as people know it: a path, or a URL without its password.

    Raises:
        StoreUnavailableError: locked, full, read-only, unreachable.
        StoreError: anything else that the database refused.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise explain(error, place) from error


def explain(error: BaseException, place: str) -> StoreError:
    """Return the StoreError for a driver error (bare, or wrapped by SQLAlchemy)."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    kind, words, hint = _words(cause)
    return kind(f"the database {place} {words}", hint=hint)


def _words(cause: BaseException) -> _Words:
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        known = _SQLITE.get(code & 0xFF) if code is not None else None
        if known:
            return known
        if "no such table" in str(cause) or "no such column" in str(cause):
            return _NO_TABLES
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate:
        known = _SQLSTATE.get(sqlstate) or _SQLSTATE_CLASSES.get(sqlstate[:2])
        if known:
            return known
    elif type(cause).__module__.startswith("psycopg"):
        told = str(cause)
        return next((words for phrase, words in _POSTGRES_PHRASES if phrase in told), _UNREACHABLE)
    first_line = scrub(str(cause).partition("\n")[0])
    return StoreError, f"refused: {type(cause).__name__}: {first_line}", ""
