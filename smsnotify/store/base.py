"""Transactions: what every use of the database goes through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Self

from sqlalchemy import Connection, Engine

from smsnotify.base.errors import StoreError
from smsnotify.store import meta
from smsnotify.store.connect import BUSY_TIMEOUT_S
from smsnotify.store.failures import told_plainly
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.rowset import find_by_id_always
from smsnotify.store.schema import KEY_SECRET
from smsnotify.store.wakeups import Listener


class Books:
    """An open database with its transactions and its secret; `Store` says what one may ask."""

    def __init__(self, engine: Engine, place: str, path: Path | None) -> None:
        """`place` is the database as people know it; `path` its file, None for PostgreSQL."""
        self.place = place
        self.path = path
        self._engine = engine
        self._reading = engine.execution_options(reading=True)
        self._writing = Lock() if path is not None else None

    @contextmanager
    def begin(self, kept: Connection | None = None) -> Iterator[Connection]:
        """Give a connection in a write transaction: committed at the end, undone on an error.

        `kept` is what `keep` gave: then no connection is fetched from the pool and put back.
        """
        with told_plainly(self.place), self._in_line():
            if kept is None:
                with self._engine.begin() as connection:
                    yield connection
            else:
                with kept.begin():
                    yield kept

    @contextmanager
    def _in_line(self) -> Iterator[None]:
        """Let the threads of this process write to SQLite one after the other.

        SQLite takes one writer at a time; who finds it busy sleeps, up to 0.1 s at once, and looks
        again. Here the next one goes on at the moment that the last one is through.
        """
        if self._writing is None:
            yield
            return
        # Whoever waits too long goes on and hears it from SQLite, which has its own words for it.
        held = self._writing.acquire(timeout=BUSY_TIMEOUT_S)
        try:
            yield
        finally:
            if held:
                self._writing.release()

    def keep(self) -> Connection:
        """Give a connection to one thread that writes all the time; it closes it at its end.

        Lines to a server break: after an error that thread closes it and asks for another one.
        """
        with told_plainly(self.place):
            connection = self._engine.connect()
            if self.shares_rates:
                connection.detach()  # its settings are its own, and end with it
                find_by_id_always(connection)
            return connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the database and writes nothing."""
        with told_plainly(self.place), self._reading.connect() as connection:
            yield connection

    @property
    def shares_rates(self) -> bool:
        """True when many workers may share the rate of an account: on PostgreSQL."""
        return self._engine.dialect.name == "postgresql"

    def listen(self) -> Listener | None:
        """Open what hears of queued messages; None on SQLite, where nobody calls."""
        return Listener(self._engine, self.place) if self.shares_rates else None

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Return the store itself; `close` follows."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @cached_property
    def recipient_hash(self) -> RecipientHash:
        """The keyed hash of recipients, with this database's own secret."""
        secret = self.get_meta(KEY_SECRET)
        if not secret:
            raise StoreError(
                f"the database {self.place} has lost the secret of its keys",
                hint="restore the newest backup; without it everything could be sent twice",
            )
        return RecipientHash(bytes.fromhex(secret))

    def get_meta(self, name: str) -> str:
        """Return the value noted under a name, `''` when there is none."""
        with self.read() as connection:
            return meta.get_meta(connection, name)
