"""Folders for files, files for databases, full disks, and no rights: a sentence and a code."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback import Answer, Loopback
from place import NOON, Place, event
from rights import as_the_mode_says

from smsnotify.store import connect


@pytest.mark.parametrize("command", ["process", "preview"])
def test_a_folder_is_no_input(place: Place, command: str) -> None:
    done = place.run(command, ".")
    assert (done.code, done.out) == (2, "")
    assert ". is a folder" in done.err
    assert "*.jsonl" in done.err


@pytest.mark.parametrize("name", ["missing.jsonl", "no/such/folder.jsonl", "a\0b", "x" * 5000])
def test_a_missing_input_is_said(place: Place, name: str) -> None:
    done = place.run("process", name)
    assert (done.code, done.out) == (2, "")


def test_an_input_that_may_not_be_read_is_said(place: Place) -> None:
    (place / place.events(event())).chmod(0o200)
    with as_the_mode_says():
        done = place.process("events.jsonl")
    assert (done.code, done.out) == (2, "")
    assert "events.jsonl may not be read" in done.err


def test_a_database_that_may_not_be_written_is_said(place: Place) -> None:
    place.events(event())
    (place / "events.jsonl").chmod(0o644)
    (place / "sms-notify.db").chmod(0o444)
    with as_the_mode_says():
        done = place.process("events.jsonl")
        looked = place.run("preview", "events.jsonl", as_of=NOON)
    assert (done.code, done.out) == (3, "")
    assert "sms-notify.db" in done.err
    assert "hint:" in done.err
    assert looked.code in (0, 3)


def test_a_folder_that_may_not_be_written_is_said(place: Place) -> None:
    (place / place.events(event())).chmod(0o644)
    (place / "sms-notify.db").unlink()
    place.folder.chmod(0o555)
    with as_the_mode_says():
        done = place.process("events.jsonl")
    place.folder.chmod(0o755)
    assert (done.code, done.out) == (3, "")
    assert "cannot be opened" in done.err


def test_rejected_lines_of_a_read_only_folder_stand_in_the_working_folder(
    place: Place,
) -> None:
    inputs = place / "in"
    inputs.mkdir()
    (inputs / "events.jsonl").write_bytes(b"no\n")
    inputs.chmod(0o555)
    with as_the_mode_says():
        done = place.process("in/events.jsonl")
    assert done.code == 1
    assert "1 line rejected: see events.jsonl.rejected.jsonl" in done.err
    assert (place / "events.jsonl.rejected.jsonl").exists()


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ("sqlite:///.", "Is a directory"),
        ("sqlite:///no/such/folder/desk.db", "there is no folder"),
        ("sqlite:///rules.yaml", "is not an SQLite database"),
        ("postgresql://me:topsecret@127.0.0.1:9/desk", "cannot be reached"),
    ],
)
def test_a_database_that_is_none_stops_every_command_with_3(
    place: Place, database: str, said: str
) -> None:
    file = place.events(event())
    commands = [
        ("process", file),
        ("process", "--dry-run", file),
        ("tick",),
        ("prejob", "run"),
        ("deliver",),
        ("pause",),
        ("why", "DO-1"),
        ("outbox", "list"),
    ]
    for command in commands:
        done = place.run(*command, "--database", database)
        dry = "--dry-run" in command or command[0] in ("why", "outbox")
        assert done.code in ((0, 2, 3) if dry else (3,)), (command, done)
        if not dry:
            assert said in done.err, (command, done.err)
        assert "topsecret" not in done.out + done.err


@pytest.mark.parametrize("database", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", ""])
def test_an_address_of_no_database_of_ours_ends_with_2(place: Place, database: str) -> None:
    place.settings(database=database)
    assert place.run("process", place.events(event())).code == 2


def test_a_database_of_another_program_is_left_alone(place: Place) -> None:
    other = place / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE messages (id INTEGER)")
    connection.close()
    done = place.run("process", place.events(event()), "--database", "sqlite:///other.db")
    assert (done.code, done.out) == (3, "")
    assert "belongs to another program" in done.err
    with sqlite3.connect(other) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert tables == [("messages",)]


def test_a_locked_database_is_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_TIMEOUT_S", 0.05)
    blocker = sqlite3.connect(place / "sms-notify.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        done = place.process(place.events(event()))
    finally:
        blocker.close()
    assert done.code == 3
    assert "locked by another process" in done.err
    assert place.process("events.jsonl").summary["sent"] == 1


def test_a_full_disk_under_the_database_loses_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = place.events(*(event(number=number) for number in range(1, 501)))
    pages = (place / "sms-notify.db").stat().st_size // 4096
    with monkeypatch.context() as patch:
        full = f"PRAGMA max_page_count = {pages + 8}"
        patch.setattr(connect, "PRAGMAS", (*connect.PRAGMAS, full))
        done = place.process(file)
    assert done.code == 3
    assert "the disk is full" in done.err
    assert "free some space" in done.err
    again = place.process(file)
    assert (again.code, again.summary["sent"] + again.summary["duplicates"]) == (0, 500)


def test_a_file_that_may_not_grow_stops_the_run_and_loses_nothing(place: Place) -> None:
    # What the system says of a real full disk or a quota, at any write of ours.
    file = place.events(*(event(number=number) for number in range(1, 201)), *([b"no"] * 4_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        done = place.process("--quiet", file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert done.code == 3
    assert done.err.startswith("error: ")
    again = place.process("--quiet", file)
    assert again.code == 1
    assert again.summary["rejected"] == 4_000
    assert len(place.outbox()) == 200


def test_rejected_lines_that_cannot_be_kept_stop_the_run(place: Place) -> None:
    file = place.events(b"no", event())
    (place / "events.jsonl.rejected.jsonl").symlink_to("/dev/full")
    mode = Path("/dev/full").stat().st_mode
    done = place.process(file)
    assert done.code == 3
    assert "cannot write the rejected lines to events.jsonl.rejected.jsonl" in done.err
    assert Path("/dev/full").stat().st_mode == mode
    (place / "events.jsonl.rejected.jsonl").unlink()
    (place / "events.jsonl.rejected.jsonl").mkdir()
    assert place.process(file).code == 3


def test_results_that_nobody_can_keep_are_said(place: Place) -> None:
    place.events(event())
    with (
        Path("/dev/full").open("wb") as full,
        place.child("process", "--json", "events.jsonl", stdout=full) as child,
    ):
        _, err = child.communicate(timeout=60)
    assert child.returncode == 3
    assert b"No space left on device" in err
    assert b"Traceback" not in err


def test_a_secret_that_cannot_be_read_is_named_and_not_shown(
    place: Place, serve: Callable[[Answer], Loopback]
) -> None:
    place.settings(detrack={"api_key": {"file": "nowhere.key"}})
    done = place.run("pull", "detrack")
    assert done.code == 2
    assert "nowhere.key" in done.err
