"""Which version a database has, and bringing it to ours."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from smsnotify.base.errors import SchemaVersionError, StoreError
from smsnotify.store.migrations import HEAD, REVISIONS, VERSION_TABLE

_LOCK_NUMBER: Final = 0x736D736E
"""The advisory lock of an upgrade on PostgreSQL: `smsn`."""

KEY_SECRET: Final = "key_secret"  # noqa: S105 - the name of a row, not the secret
"""The row of `meta` that holds the secret of the keys' hash, as hex."""


def version_of(connection: Connection) -> str:
    """Return the database's revision, `''` when it has none of our tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return ""
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - our own name
    return str(found or "")


def check_version(connection: Connection, place: str) -> None:
    """Make sure that the database has exactly our schema.

    Raises:
        SchemaVersionError: it is empty, older or newer than this program.
    """
    found = version_of(connection)
    if found == HEAD:
        return
    if not found:
        raise SchemaVersionError(
            f"the database {place} has no tables yet", hint="run `sms-notify db upgrade`"
        )
    _refuse_newer(found, place)
    raise SchemaVersionError(
        f"the database {place} has version {found}, this program needs {HEAD}",
        hint="run `sms-notify db upgrade`",
    )


def upgrade(engine: Engine, place: str) -> tuple[str, str]:
    """Bring the database to our version; give back its version before and after.

    One transaction under one lock: two at once do the work once, and a crash leaves it as it was.

    Raises:
        SchemaVersionError: the database is newer than this program.
        StoreError: the file is an SQLite database of another program.
    """
    with engine.begin() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK_NUMBER})
        before = version_of(connection)
        if before != HEAD:
            _refuse_newer(before, place)
            if is_sqlite:
                refuse_foreign(connection, before, place)
            _run_migrations(connection)
        _make_secret(connection)
        return before, HEAD


def refuse_foreign(connection: Connection, found: str, place: str) -> None:
    """Leave a file of another program alone: it has tables and no version of ours.

    Raises:
        StoreError: that is what it is.
    """
    if not found and inspect(connection).get_table_names():
        raise StoreError(
            f"the database {place} belongs to another program",
            hint="name another file in the setting `database`",
        )


def _refuse_newer(found: str, place: str) -> None:
    if found and found not in REVISIONS:
        raise SchemaVersionError(
            f"the database {place} has version {found}, which this program does not know",
            hint="it was made by a newer sms-notify: upgrade this one",
        )


def _run_migrations(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "smsnotify.store:migrations")
    command.upgrade(config, "head")


def _make_secret(connection: Connection) -> None:
    connection.execute(
        text("INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING"),
        {"name": KEY_SECRET, "value": secrets.token_hex(32)},
    )
