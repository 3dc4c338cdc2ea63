"""Telling workers at once that something is queued: NOTIFY and LISTEN, on PostgreSQL alone.

A word of comfort, no more: it may get lost (a connection breaks, a pooler stands between), so
whoever listens also looks by itself now and then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final, cast

from sqlalchemy import Connection, Engine, text

from smsnotify.store.failures import explain
from smsnotify.store.rowset import is_postgres

CHANNEL: Final = "sms_notify"
"""PostgreSQL keeps channels apart by database."""


def announce(connection: Connection) -> None:
    """Wake the workers that listen once this transaction is committed.

    However often it is called in one transaction, they hear it once.
    """
    if is_postgres(connection):
        connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})


class Listener:
    """A connection of its own that hears `announce`; for an event loop to watch."""

    def __init__(self, engine: Engine, place: str) -> None:
        """Connect and listen.

        Raises:
            StoreUnavailableError: the server cannot be reached.
        """
        self._place = place
        with _told(place):
            pooled = engine.raw_connection()
            self._driver = cast(Any, pooled.driver_connection)
            pooled.detach()  # busy for as long as the worker lives: it takes no seat of the pool
            try:
                self._driver.rollback()
                self._driver.autocommit = True
                self._driver.execute(f"LISTEN {CHANNEL}")
            except BaseException:
                self.close()
                raise

    def fileno(self) -> int:
        """The socket: readable when there is something to `take`, or when the line is broken."""
        return int(self._driver.fileno())

    def take(self) -> bool:
        """Take in what has come, without waiting; say whether workers are called.

        Raises:
            StoreUnavailableError: the line is broken.
        """
        called = False
        with _told(self._place):
            self._driver.pgconn.consume_input()
            while self._driver.pgconn.notifies() is not None:
                called = True
        return called

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(Exception):
            self._driver.close()


@contextlib.contextmanager
def _told(place: str) -> Iterator[None]:
    """The driver is used without SQLAlchemy here, so its errors come bare."""
    try:
        yield
    except Exception as error:
        raise explain(error, place) from error
