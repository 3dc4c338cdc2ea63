"""Opening: made on first use, of one version, and plain words for everything that goes wrong."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import make_url, text

from smsnotify.base.errors import (
    ConfigError,
    SchemaVersionError,
    StoreError,
    StoreUnavailableError,
)
from smsnotify.store import connect
from smsnotify.store.connect import _prepare_if_direct, make_engine, parse_url, place_of
from smsnotify.store.failures import explain
from smsnotify.store.migrations import HEAD, REVISIONS, VERSION_TABLE
from smsnotify.store.open import open_existing, open_store, upgrade_store
from smsnotify.store.tables import metadata


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def test_the_file_is_made_on_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    with open_store(url_of(path)) as store, store.begin() as connection:
        connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
        for one in tmp_path.iterdir():
            assert stat.S_IMODE(one.stat().st_mode) == 0o600, one.name


def test_a_commit_is_on_the_disk(sqlite_url: str) -> None:
    assert "PRAGMA synchronous = FULL" in connect.PRAGMAS
    with open_store(sqlite_url) as store, store.read() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


def test_the_secret_of_the_keys_is_made_once(sqlite_url: str) -> None:
    with open_store(sqlite_url) as first, open_store(sqlite_url) as second:
        assert first.recipient_hash("+6591230000") == second.recipient_hash("+6591230000")
        assert len(first.recipient_hash("+6591230000")) == 16


def test_two_databases_hash_the_same_number_differently(tmp_path: Path) -> None:
    with open_store(url_of(tmp_path / "a.db")) as a, open_store(url_of(tmp_path / "b.db")) as b:
        assert a.recipient_hash("+6591230000") != b.recipient_hash("+6591230000")


def test_a_lost_secret_is_told_and_never_replaced(sqlite_url: str) -> None:
    with open_store(sqlite_url) as store, store.begin() as connection:
        connection.execute(text("DELETE FROM meta WHERE name = 'key_secret'"))
    with open_store(sqlite_url) as store, pytest.raises(StoreError, match="lost the secret"):
        store.taken([])


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    url = url_of(tmp_path / "desk.db")

    def secret(_: int) -> bytes:
        with open_store(url) as store:
            return store.recipient_hash("+6591230000")

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(secret, range(6)))) == 1


def test_opening_a_current_database_loads_no_alembic(sqlite_url: str) -> None:
    code = (
        "import sys; from smsnotify.store.open import open_store; "
        f"open_store({sqlite_url!r}).close(); assert 'alembic' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_looking_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    assert open_existing(url_of(path)) is None
    with pytest.raises(StoreUnavailableError, match="there is no database"):
        open_store(url_of(path), create=False)
    assert not path.exists()
    path.touch()
    assert open_existing(url_of(path)) is None


def test_looking_opens_what_is_there(sqlite_url: str) -> None:
    store = open_existing(sqlite_url)
    assert store is not None
    assert store.is_blank()
    store.close()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=r"no folder .*missing"):
        open_store(url_of(tmp_path / "missing" / "desk.db"))


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        open_store(url_of(tmp_path))


def test_another_kind_of_file_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    path.write_bytes(b"Dear diary, " * 200)
    with pytest.raises(StoreError, match="is not an SQLite database"):
        open_store(url_of(path))


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (name)")
    other.close()
    before = path.read_bytes()
    for opening in (open_store, upgrade_store):
        with pytest.raises(StoreError, match="belongs to another program"):
            opening(url_of(path))
    # Not even its journal is ours to change.
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["desk.db"]


def test_a_newer_database_is_refused(database_url: str) -> None:
    with open_store(database_url) as store, store.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    try:
        with pytest.raises(SchemaVersionError, match="9999") as told:
            open_store(database_url)
        assert "newer" in told.value.hint
        with pytest.raises(SchemaVersionError, match="9999"):
            upgrade_store(database_url)
    finally:
        engine = make_engine(parse_url(database_url))
        with engine.begin() as connection:
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{HEAD}'"))
        engine.dispose()


def test_a_locked_database_is_told(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_TIMEOUT_S", 0.01)
    with open_store(sqlite_url) as holder, open_store(sqlite_url) as other, holder.begin():
        with pytest.raises(StoreUnavailableError, match="locked by another process"):
            other.set_meta("a", "b")
        assert other.get_meta("a") == ""


def test_a_full_disk_is_told_and_nothing_is_stored(sqlite_url: str) -> None:
    with open_store(sqlite_url) as store:
        with store.begin() as connection:
            pages = connection.execute(text("PRAGMA page_count")).scalar()
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        with pytest.raises(StoreUnavailableError, match="disk is full"):
            store.set_meta("a", "x" * 100_000)
        assert store.get_meta("a") == ""


def test_a_read_only_database_is_told(sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as refused:
        connection.execute("INSERT INTO meta VALUES ('a', 'b')")
    connection.close()
    told = explain(refused.value, "desk.db")
    assert isinstance(told, StoreUnavailableError)
    assert told.message == "the database desk.db is read-only for this user"


@pytest.mark.parametrize(
    "url", ["desk.db", "", "sqlite://", "sqlite:///:memory:", "mysql://host/db", "sqlite:///a?b=c"]
)
def test_what_is_no_usable_url_is_told_with_examples(url: str) -> None:
    with pytest.raises(ConfigError) as told:
        open_store(url)
    assert "sqlite:///sms-notify.db" in told.value.hint


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_uses_psycopg(scheme: str) -> None:
    assert parse_url(f"{scheme}://host/db").drivername == "postgresql+psycopg"


def test_a_password_is_never_part_of_the_place() -> None:
    url = parse_url("postgresql://desk:s3cret@db.example.com:5433/notify")
    assert place_of(url) == "postgresql://db.example.com:5433/notify"


def test_postgresql_without_its_driver_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError) as told:
        open_store("postgresql://localhost/desk")
    assert "sms-notify[postgres]" in told.value.hint


def test_a_server_that_is_not_there_cannot_be_reached() -> None:
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        open_store("postgresql://desk:s3cret@127.0.0.1:1/desk")


def test_a_database_that_the_server_lacks_is_told(postgres_server: str) -> None:
    url = make_url(postgres_server).set(database="nowhere")
    with pytest.raises(StoreUnavailableError, match="does not exist on the server"):
        open_store(url.render_as_string(hide_password=False))


def test_a_refused_password_is_told() -> None:
    import psycopg

    refused = psycopg.OperationalError(
        'connection failed: FATAL:  password authentication failed for user "desk"'
    )
    told = explain(refused, "postgresql://host/desk")
    assert isinstance(told, StoreUnavailableError)
    assert "password" in told.message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("DiskFull", "disk is full"),
        ("ReadOnlySqlTransaction", "read-only"),
        ("InsufficientPrivilege", "does not let this user"),
        ("DeadlockDetected", "locked"),
        ("TooManyConnections", "no connection left"),
        ("AdminShutdown", "cannot be reached"),
        ("UndefinedTable", "lacks a table"),
    ],
)
def test_what_postgresql_complains_of_is_told_plainly(name: str, words: str) -> None:
    from psycopg import errors

    assert words in explain(getattr(errors, name)("no"), "here").message


def test_an_error_that_nobody_knows_is_told_without_numbers() -> None:
    told = explain(sqlite3.IntegrityError("bad value +6591234567"), "desk.db")
    assert "IntegrityError" in told.message
    assert "91234567" not in told.message


def test_an_empty_postgresql_wants_to_be_upgraded_first(make_postgres: Callable[[], str]) -> None:
    url = make_postgres()
    with pytest.raises(SchemaVersionError, match="no tables yet") as told:
        open_store(url)
    assert "db upgrade" in told.value.hint
    assert upgrade_store(url) == ("", HEAD)
    assert upgrade_store(url) == (HEAD, HEAD)
    open_store(url).close()


def test_two_upgrades_at_once_do_the_work_once(make_postgres: Callable[[], str]) -> None:
    url = make_postgres()
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: upgrade_store(url), range(3)))
    assert sorted(before for before, _ in done) == ["", HEAD, HEAD]


def test_the_migrations_make_exactly_the_tables(database_url: str) -> None:
    engine = make_engine(parse_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "compare_type": True,
                # SQLite gives defaults back in another spelling: the next test compares them.
                "compare_server_default": connection.dialect.name == "postgresql",
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrations_and_tables_agree_on_every_column_and_index(tmp_path: Path) -> None:
    migrated, direct = tmp_path / "migrated.db", tmp_path / "direct.db"
    open_store(url_of(migrated)).close()
    engine = make_engine(parse_url(url_of(direct)))
    metadata.create_all(engine)
    engine.dispose()
    assert _shape(migrated) == _shape(direct)


def _shape(path: Path) -> dict[str, object]:
    """Every table as its columns with type, NOT NULL, default and key; every index as written."""
    connection = sqlite3.connect(path)
    made = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE name <> ?", (VERSION_TABLE,)
    ).fetchall()
    shape: dict[str, object] = {}
    for kind, name, sql in made:
        if kind == "table":
            columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
            shape[name] = {column[1:] for column in columns}
        elif sql is not None:
            shape[name] = " ".join(sql.split())
    connection.close()
    return shape


def test_the_list_of_revisions_is_alembics_own() -> None:
    config = Config()
    config.set_main_option("script_location", "smsnotify.store:migrations")
    script = ScriptDirectory.from_config(config)
    assert tuple(reversed([one.revision for one in script.walk_revisions()])) == REVISIONS


def test_a_file_that_was_shared_on_purpose_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    path.touch(mode=0o660)
    os.chmod(path, 0o660)
    open_store(url_of(path)).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_an_older_postgresql_wants_to_be_upgraded(postgres_url: str) -> None:
    with open_store(postgres_url) as store, store.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{REVISIONS[0]}'"))
    with pytest.raises(SchemaVersionError, match=f"needs {HEAD}") as told:
        open_store(postgres_url)
    assert "db upgrade" in told.value.hint
    engine = make_engine(parse_url(postgres_url))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{HEAD}'"))
    engine.dispose()


def test_a_new_file_that_another_holds_is_told_as_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "BUSY_TIMEOUT_S", 0.01)
    monkeypatch.setattr("smsnotify.store.open._WAL_TRIES", 2)
    monkeypatch.setattr("smsnotify.store.open._WAL_PAUSE_S", 0.001)
    path = tmp_path / "desk.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA user_version = 1")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="locked"):
        open_store(url_of(path))
    holder.close()


def test_a_missing_table_is_told(sqlite_url: str) -> None:
    with open_store(sqlite_url) as store:
        with store.begin() as connection:
            connection.execute(text("DROP TABLE watermarks"))
        with pytest.raises(StoreError, match="lacks a table") as told:
            store.get_watermark("a")
        assert "db upgrade" in told.value.hint


class _Pooled:
    """A connection through a pooler: another process answers than the one that greeted."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self.prepare_threshold = None
        self.info = SimpleNamespace(backend_pid=driver.info.backend_pid + 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)


def test_statements_are_prepared_unless_a_pooler_stands_between(postgres_url: str) -> None:
    with open_store(postgres_url) as store, store.read() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        assert driver.prepare_threshold == 2
        pooled = _Pooled(driver)
        _prepare_if_direct(pooled, None)
        assert pooled.prepare_threshold is None
