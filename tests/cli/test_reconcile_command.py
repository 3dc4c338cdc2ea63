"""`outbox reconcile`, and what receipts add to `outbox show`, `outbox stats` and `why`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from smsnotify.engine.receipts import take_receipts
from smsnotify.model.decision import MessageKey
from smsnotify.model.job import Job
from smsnotify.model.jobstate import JobState
from smsnotify.model.message import ErrorWord, Message, MessageState, Receipt
from smsnotify.store.batch import Batch, JobRow
from smsnotify.store.open import open_store

ONE = "a" * 26
NOW = datetime.now(UTC)
HANDED_OVER = NOW - timedelta(hours=1)


class _Answers(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        body = json.dumps({"umid": "U1", "status": {"state": "delivered"}}).encode()
        self.send_response(type(self).status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def answers() -> Iterator[tuple[str, type[_Answers]]]:
    handler = type("Answers", (_Answers,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}", handler
        served.shutdown()
        thread.join()


@pytest.fixture
def desk(folder: Path, answers: tuple[str, type[_Answers]]) -> Path:
    """Settings with an 8x8 account on loopback, and one text that it took."""
    (folder / "sms-notify.toml").write_text(
        'mode = "live"\ncountry = "SG"\ntimezone = "Asia/Singapore"\n'
        '[accounts.main]\nprovider = "8x8"\napi_key = "key"\nsubaccount_id = "acme"\n'
        f'sender = "ACME"\nbase_url = "{answers[0]}"\n'
    )
    (folder / "rules.yaml").write_text(
        "version: 1\nrules:\n- name: Done\n  id: done\n  events: [completed]\n"
        "  to: {fields: [phone_number]}\n  body: Hi\n"
    )
    message = Message(
        id=ONE,
        state=MessageState.ACCEPTED,
        subject="id:1",
        mode="live",
        kind="completed",
        rule="done",
        recipient="+6591230000",
        job="DO-1",
        body="Hello",
        account="main",
        provider_message_id="U1",
        attempts=1,
        created_at=HANDED_OVER,
        updated_at=HANDED_OVER,
    )
    key = MessageKey("id:1", "live", "completed", "done", "1", "sms", "+6591230000")
    job = Job(id="1", do_number="DO-1", date="2026-03-02")
    row = JobRow("id:1", ("id:1",), JobState("completed", 1, "2026-03-02"), job, b"")
    with open_store(url(folder)) as store:
        store.save(
            Batch(jobs=[row], events=[], decisions=[], messages={key: message}, at=HANDED_OVER)
        )
    return folder


def url(folder: Path) -> str:
    return f"sqlite:///{folder.as_posix()}/sms-notify.db"


def test_it_asks_and_why_tells_when_the_text_was_delivered(cli: Any, desk: Path) -> None:
    done = cli("outbox", "reconcile", "--json")
    assert done.code == 0, done.err
    (report,) = done.json
    assert (report["type"], report["asked"], report["settled"], report["left"]) == (
        "reconcile",
        1,
        1,
        0,
    )
    told = cli("why", "DO-1")
    assert "+6591230000: delivered at " in told.out
    assert "lookup  +6591230000: delivered" in told.out
    (shown, receipt) = cli("outbox", "show", "a", "--json").json
    assert (shown["state"], shown["told_by"]) == ("delivered", "lookup")
    assert (receipt["type"], receipt["state"], receipt["outcome"]) == (
        "receipt",
        "delivered",
        "moves",
    )
    assert "asked      0" in cli("outbox", "reconcile").out


def test_a_wrong_key_ends_it_with_3_and_names_the_account(
    cli: Any, desk: Path, answers: tuple[str, Any]
) -> None:
    answers[1].status = 401
    done = cli("outbox", "reconcile")
    assert done.code == 3
    assert "account main: " in done.err


def test_wrong_options_are_told(cli: Any, desk: Path) -> None:
    for args in (["--quiet-for", "soon"], ["--quiet-for", "9d"], ["--account", "nobody"]):
        assert cli("outbox", "reconcile", *args).code == 2


def test_without_books_there_is_nothing_to_ask(cli: Any, desk: Path) -> None:
    (desk / "sms-notify.db").unlink()
    assert cli("outbox", "reconcile").code == 0
    assert not (desk / "sms-notify.db").exists()


def test_receipts_are_shown_and_counted(cli: Any, desk: Path) -> None:
    delivered_at = HANDED_OVER + timedelta(days=-2)
    receipts = [
        Receipt(
            provider_message_id="U1",
            state=MessageState.UNDELIVERED,
            error=ErrorWord.UNREACHABLE,
            raw_word="undelivered",
            raw_code="1",
            at=delivered_at,
        ),
        Receipt(provider_message_id="U1", state=MessageState.DELIVERED, raw_word="delivered"),
        Receipt(provider_message_id="U1", raw_word="fluttering"),
    ]
    with open_store(url(desk)) as store:
        take_receipts(store, "main", receipts, NOW)
    told = cli("why", "DO-1").out
    assert "receipt +6591230000: undelivered, unreachable 1" in told
    assert "receipt +6591230000: delivered (conflict)" in told
    assert "receipt +6591230000: fluttering (undocumented)" in told
    shown = cli("outbox", "show", "a").out
    assert "conflict" in shown
    assert "undelivered 1" in shown
    stats = cli("outbox", "stats").out
    assert "fluttering (?)" in stats
    (counted,) = cli("outbox", "stats", "--json").json
    assert counted["receipts"] == {"undelivered": 1, "delivered": 1}
    assert counted["receipt_outcomes"] == {"moves": 1, "conflict": 1, "undocumented": 1}
    assert counted["no_word"] == 0


def test_doubts_and_lags_are_shown_when_there_are_some(capsys: pytest.CaptureFixture[str]) -> None:
    from smsnotify.cli.reconciling import show_receipt_stats
    from smsnotify.store.receipt_stats import Lag, ReceiptStats

    show_receipt_stats(
        ReceiptStats(
            tried=200,
            doubted=3,
            doubts={"lookup": 2, "open": 1},
            words={},
            undocumented={},
            outcomes={},
            lags={"main": Lag(7, 2.5, 9.0)},
            no_word=4,
        )
    )
    told = capsys.readouterr().out
    assert "1.50% of 200" in told
    assert "main" in told
    assert "4 texts are without a final word" in told
