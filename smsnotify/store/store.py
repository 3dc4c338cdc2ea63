"""The one class that the engine sees of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine

from smsnotify.store.failures import told_plainly


class Store:
    """The database, opened; every method is one transaction of its own.

    Safe to use from several threads. Made by `open_store`.
    """

    def __init__(self, engine: Engine, place: str, path: Path | None) -> None:
        """`place` is the database as people know it; `path` its file, None for PostgreSQL."""
        self.place = place
        self.path = path
        self._engine = engine
        self._reading = engine.execution_options(reading=True)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Give a connection in a write transaction: committed at the end, undone on an error.

        Raises:
            StoreError: the database refused; nothing of the block is stored.
        """
        with told_plainly(self.place), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the database and writes nothing.

        Raises:
            StoreError: the database refused.
        """
        with told_plainly(self.place), self._reading.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    def __enter__(self) -> Store:
        """Return the store itself; `close` follows."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
