"""`outbox`, `contacts`, `pause`, `resume`, `db` and `doctor` on a real database."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.instants import ago, read_since
from smsnotify.model.decision import MessageKey
from smsnotify.model.job import Job
from smsnotify.model.jobstate import JobState
from smsnotify.model.message import Message, MessageState
from smsnotify.store.batch import Batch, JobRow
from smsnotify.store.open import open_store

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
STATES = ("queued", "held", "failed", "unknown", "delivered")


@pytest.fixture
def books(folder: Path) -> Path:
    """A database with one message of every state in STATES, ids `a…` to `e…`."""
    url = f"sqlite:///{folder.as_posix()}/sms-notify.db"
    rows: dict[MessageKey, Message] = {}
    for index, state in enumerate(STATES):
        letter = "abcde"[index]
        message = Message(
            id=letter * 26,
            state=MessageState(state),
            subject=f"id:{index}",
            kind="event",
            rule="late" if index % 2 else "done",
            recipient="+6591230000",
            job=f"DO-{index}",
            body="Hello",
            error="no_credit" if state == "failed" else "",
            gate="quiet_hours" if state == "held" else "",
            reason="quiet_hours" if state == "held" else "",
            not_before=NOW if state == "held" else None,
            expires_at=NOW + timedelta(days=1),
            created_at=NOW,
            updated_at=NOW,
        )
        key = MessageKey(f"id:{index}", "sandbox", "event", message.rule, "1", "sms", "+6591230000")
        rows[key] = message
    jobs = [
        JobRow(f"id:{n}", (f"id:{n}",), JobState(), Job(id=str(n), do_number=f"DO-{n}"), b"{}")
        for n in range(len(STATES))
    ]
    with open_store(url) as store:
        store.save(Batch(jobs=jobs, events=[], decisions=[], messages=rows, at=NOW))
    return folder / "sms-notify.db"


def test_looking_makes_no_database(cli: Any, folder: Path) -> None:
    for args in (["outbox", "list"], ["outbox", "stats"], ["contacts", "list"], ["doctor"]):
        assert cli(*args).code in (0, 2)
    assert cli("outbox", "show", "a").code == 2
    assert not (folder / "sms-notify.db").exists()


def test_messages_are_listed_newest_first_in_their_outside_shape(cli: Any, books: Path) -> None:
    listed = cli("outbox", "list", "--json").json
    assert [message["id"][0] for message in listed] == ["e", "d", "c", "b", "a"]
    assert {*listed[0]} >= {
        *("type", "id", "state", "rule", "job", "channel", "recipient", "account"),
        *("provider_message_id", "error", "attempts", "body", "segments"),
        *("created_at", "updated_at"),
    }


@pytest.mark.parametrize(
    ("args", "ids"),
    [
        (["--state", "failed"], "c"),
        (["--state", "failed", "--state", "held"], "cb"),
        (["--rule", "late"], "db"),
        (["--job", "DO-4"], "e"),
        (["--error", "no_credit"], "c"),
        (["--to", "+65 9123 0000", "--limit", "2"], "ed"),
        (["--since", "2026-03-03"], ""),
        (["--limit", "0"], "edcba"),
    ],
)
def test_lists_can_be_narrowed(cli: Any, books: Path, args: list[str], ids: str) -> None:
    listed = cli("outbox", "list", "--json", *args).json
    assert "".join(message["id"][0] for message in listed) == ids


def test_the_end_of_a_short_list_says_how_many_more(cli: Any, books: Path) -> None:
    assert "3 more" in cli("outbox", "list", "--limit", "2").err


def test_a_message_is_found_by_the_start_of_its_id(cli: Any, books: Path) -> None:
    assert cli("outbox", "show", "ccc", "--json").json[0]["state"] == "failed"
    assert "Hello" in cli("outbox", "show", "ccc").out
    assert "no message's id" in cli("outbox", "show", "zz").err


def test_a_failed_message_is_queued_again(cli: Any, books: Path) -> None:
    done = cli("outbox", "retry", "c")
    assert (done.code, done.out) == (0, "1 message queued again\n")
    assert cli("outbox", "show", "c", "--json").json[0]["state"] == "queued"


def test_what_is_maybe_sent_is_repeated_only_when_asked_for(cli: Any, books: Path) -> None:
    done = cli("outbox", "retry", "d")
    assert done.code == 2
    assert "may arrive twice" in done.err
    assert cli("outbox", "retry", "--unknown", "d").code == 0


def test_what_is_waiting_can_be_cancelled_and_nothing_else(cli: Any, books: Path) -> None:
    assert cli("outbox", "cancel", "e").code == 2
    assert cli("outbox", "cancel", "--all", "--json").json == [{"type": "cancel", "messages": 2}]
    assert cli("outbox", "stats", "--json").json[0]["states"]["cancelled"] == 2


def test_retry_and_cancel_need_to_be_told_what(cli: Any, books: Path) -> None:
    assert cli("outbox", "retry").code == 2
    assert cli("outbox", "cancel").code == 2
    assert cli("outbox", "cancel", "--all", "a").code == 2


def test_stats_count_by_state_error_and_gate(cli: Any, books: Path) -> None:
    (stats,) = cli("outbox", "stats", "--json").json
    assert stats["states"] == dict.fromkeys(STATES, 1)
    assert stats["errors"] == {"no_credit": 1}
    assert stats["held"] == {"quiet_hours": 1}
    assert "no_credit" in cli("outbox", "stats").out


def test_an_opt_out_is_kept_with_its_evidence_until_an_opt_in(cli: Any, folder: Path) -> None:
    (folder / "sms-notify.toml").write_text('country = "SG"', encoding="utf-8")
    assert cli("contacts", "opt-out", "9123 0000", "--note", "called us").code == 0
    (contact,) = cli("contacts", "list", "--opted-out", "--json").json
    assert (contact["recipient"], contact["note"]) == ("+6591230000", "called us")
    assert cli("contacts", "opt-in", "+6591230000").code == 0
    assert cli("contacts", "list", "--opted-out", "--json").json == []


def test_one_unreadable_number_changes_nobody(cli: Any, folder: Path) -> None:
    assert cli("contacts", "opt-out", "+6591230000", "12").code == 2
    assert cli("contacts", "list", "--json").json == []


def test_contacts_are_imported_and_bad_rows_told(cli: Any, folder: Path) -> None:
    (folder / "c.csv").write_bytes(
        b"\xef\xbb\xbfname,Phone_Number,opted_out,time_zone\r\n"
        b"Mei,+6591230000,yes,Asia/Singapore\r\n"
        b"\r\n"
        b"Bad,12,no,\r\n"
        b"Ali,+60123456789,no,\r\n"
        b"Zoe,+6591230001,maybe,\r\n"
        b"Tom,+6591230002,no,Mars/Base\r\n"
    )
    done = cli("contacts", "import", "c.csv", "--json")
    assert done.code == 1
    assert [(one["type"], one.get("line")) for one in done.json] == [
        ("rejected", 4),
        ("rejected", 6),
        ("rejected", 7),
        ("import", None),
    ]
    listed = {one["recipient"]: one for one in cli("contacts", "list", "--json").json}
    assert listed["+6591230000"]["name"] == "Mei"
    assert listed["+6591230000"]["opted_out"] is True
    assert listed["+60123456789"]["opted_out"] is False


def test_bare_numbers_need_a_word_about_them(cli: Any, folder: Path) -> None:
    done = cli("contacts", "import", "-", stdin="+6591230000\n+6591230001\n")
    assert done.code == 2
    assert "--opted-out" in done.err
    done = cli("contacts", "import", "-", "--opted-out", stdin="+6591230000\n+6591230001\n")
    assert done.code == 0
    assert len(cli("contacts", "list", "--opted-out", "--json").json) == 2


@pytest.mark.parametrize("raw", [b"", b"a,b\n1,2\n", b"\xff\xfe"])
def test_a_file_without_numbers_is_told_plainly(cli: Any, raw: bytes) -> None:
    assert cli("contacts", "import", "-", "--opted-out", stdin=raw).code == 2
    assert cli("contacts", "import", "no-such-file").code == 2


def test_a_pause_is_kept_until_resumed(cli: Any, folder: Path) -> None:
    assert cli("pause", "--json").json == [{"type": "pause", "account": "", "paused": True}]
    assert "paused: everything" in cli("doctor").out
    assert cli("resume").code == 0
    assert "was not paused" in cli("resume").out
    assert "paused" not in cli("doctor").out


def test_a_pause_of_nobody_is_refused(cli: Any) -> None:
    assert cli("pause", "--account", "mian").code == 2


def test_the_database_can_be_upgraded_checked_and_copied(cli: Any, folder: Path) -> None:
    assert cli("db", "check").code == 3
    assert cli("db", "upgrade").code == 0
    assert cli("db", "check", "--json").json[0]["problems"] == []
    assert cli("db", "backup", "copy.db").code == 0
    assert (folder / "copy.db").stat().st_size > 0
    assert cli("db", "backup", "copy.db").code == 3


def test_another_database_can_be_named(cli: Any, folder: Path) -> None:
    assert cli("pause", "--database", "sqlite:///other.db").code == 0
    assert (folder / "other.db").exists()
    assert not (folder / "sms-notify.db").exists()
    assert cli("pause", "--database", "mysql://x").code == 2


def test_a_database_that_cannot_be_made_ends_with_3(cli: Any, folder: Path) -> None:
    done = cli("pause", "--database", "sqlite:///no/such/folder/x.db")
    assert done.code == 3
    assert done.err.startswith("error: ")


def test_a_file_that_is_no_database_ends_with_3(cli: Any, folder: Path) -> None:
    (folder / "sms-notify.db").write_bytes(b"hello, I am a text file, not a database" * 100)
    assert cli("outbox", "list").code == 3
    assert cli("doctor").code == 3


def test_doctor_warns_of_held_texts_that_nobody_lets_go(cli: Any, books: Path) -> None:
    (books.parent / "rules.yaml").write_text(
        'rules:\n  - {name: a, events: [arrived], to: {fields: [phone_number]}, body: "x"}\n'
    )
    told = {one["name"]: one for one in cli("doctor", "--json").json}
    assert told["held texts"]["status"] == "warning"
    assert "tick" in told["held texts"]["hint"]
    with open_store(f"sqlite:///{books.as_posix()}") as store:
        store.set_watermark("tick", datetime.now(UTC))
    told = {one["name"]: one for one in cli("doctor", "--json").json}
    assert told["held texts"]["status"] == "ok"


LIVE = """\
mode = "live"
country = "SG"
[accounts.main]
provider = "8x8"
api_key = { env = "PATH" }
subaccount_id = "acme"
sender = "ACME"
[routes]
conversation = ["main"]
default = ["main"]
"""


def test_doctor_knows_what_to_do_before_going_live(cli: Any, folder: Path) -> None:
    file = folder / "sms-notify.toml"
    file.write_text(LIVE, encoding="utf-8")
    file.chmod(0o600)
    (folder / "rules.yaml").write_text(
        "rules:\n"
        "  - {name: a, events: [failed], to: {fields: [phone_number]}, body: x,"
        " route: conversation}\n"
        "  - {name: b, events: [failed], to: {fixed: ['+6591230000']}, body: x, route: nowhere}\n"
    )
    done = cli("doctor", "--json")
    assert done.code == 0
    told = " ".join(one["detail"] + one["hint"] for one in done.json)
    for words in (
        "registered first",
        "nobody can reply",
        "in Detrack",
        "'nowhere'",
        "conversation",
    ):
        assert words in told


def test_doctor_fails_on_wrong_rules(cli: Any, folder: Path) -> None:
    (folder / "rules.yaml").write_text("rules:\n  - name: a\n")
    assert cli("doctor").code == 2


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T10:00:00+08:00", datetime(2026, 3, 1, 2, tzinfo=UTC)),
    ],
)
def test_points_in_time_are_read(written: str, at: datetime) -> None:
    assert read_since(written, NOW) == at


@pytest.mark.parametrize("written", ["yesterday", "", "99999999999d"])
def test_other_words_are_no_points_in_time(written: str) -> None:
    with pytest.raises(UsageError):
        read_since(written, NOW)


def test_ages_are_told_in_their_largest_unit() -> None:
    spans = (0, 5, 125, 7200, 3 * 86400)
    told = [ago(NOW - timedelta(seconds=span), NOW) for span in spans]
    assert told == ["now", "5s ago", "2m ago", "2h ago", "3d ago"]


def test_the_database_is_its_owners_alone(cli: Any, folder: Path) -> None:
    cli("pause")
    if os.name == "posix":
        assert (folder / "sms-notify.db").stat().st_mode & 0o077 == 0


def test_a_list_fits_a_narrow_terminal_and_its_ids_can_be_used(
    cli: Any, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=80, color_system=None)
    with monkeypatch.context() as patch:
        patch.setattr(show, "out", lambda: console)
        assert cli("outbox", "list").code == 0
    told = [line.split() for line in drawn.getvalue().splitlines()]
    assert told[0] == ["state", "rule", "job", "to", "segments", "age", "id", "why"]
    assert len(told) == 2 + len(STATES), "no line is folded"
    found = {line[0]: line for line in told[2:]}
    assert found["failed"][-1] == "no_credit"
    assert cli("outbox", "show", found["failed"][-2]).code == 0


def test_a_list_tells_ids_that_begin_alike_apart(cli: Any, folder: Path) -> None:
    cli("init", "--yes", "--country", "SG")
    for _ in range(2):
        assert cli("send-test", "Hi", "--to", "+6591230000").code == 0
    ids = [line.split()[-1] for line in cli("outbox", "list").out.splitlines()[1:]]
    assert [cli("outbox", "show", one).code for one in ids] == [0, 0]
    whole = [row["id"] for row in cli("outbox", "list", "--json").json]
    assert all(one in cli("outbox", "list", "-v").out for one in whole)


def test_an_empty_list_is_a_sentence(cli: Any, books: Path) -> None:
    for args, said in (
        (["outbox", "list", "--rule", "nope"], "no message is like that"),
        (["contacts", "list"], "nothing is known of anybody"),
        (["contacts", "list", "--opted-out"], "no contact is like that"),
    ):
        done = cli(*args)
        assert (done.code, done.out) == (0, "")
        assert said in done.err
        assert cli(*args, "--json").out + cli(*args, "-q").err == ""
