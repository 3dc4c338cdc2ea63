"""`tick --ping`: a watchdog hears of every whole tick."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cli_calls import Cli

from smsnotify.engine.ticking import TICKED
from smsnotify.store.open import open_store

RULES = 'rules:\n  - {name: a, events: [failed], to: {fields: [phone_number]}, body: "x"}\n'


@pytest.fixture
def watchdog() -> Iterator[tuple[str, list[str]]]:
    """An address, and the paths that were called there."""
    called: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(500 if self.path == "/angry" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}", called
        served.shutdown()
        thread.join()


def test_a_whole_tick_is_told(folder: Path, cli: Cli, watchdog: tuple[str, list[str]]) -> None:
    (folder / "rules.yaml").write_text(RULES)
    address, called = watchdog
    assert cli("tick", "--ping", f"{address}/key").code == 0
    assert called == ["/key"]


def test_a_tick_that_cannot_work_is_not_told(
    folder: Path, cli: Cli, watchdog: tuple[str, list[str]]
) -> None:
    (folder / "rules.yaml").write_text(RULES)
    (folder / "sms-notify.db").write_bytes(b"garbage" * 1000)
    address, called = watchdog
    assert cli("tick", "--ping", f"{address}/key").code == 3
    assert called == []


@pytest.mark.parametrize("path", ["/angry", ""])
def test_a_call_that_fails_changes_nothing_and_shows_no_key(
    folder: Path, cli: Cli, watchdog: tuple[str, list[str]], path: str
) -> None:
    (folder / "rules.yaml").write_text(RULES)
    address = watchdog[0] + path if path else "http://127.0.0.1:1/secret-key"
    done = cli("tick", "--ping", address)
    assert done.code == 0
    assert "the call of --ping failed" in done.err
    assert "secret-key" not in done.err


def test_no_address_is_wrong_usage(folder: Path, cli: Cli) -> None:
    assert cli("tick", "--ping", "watchdog").code == 2


def test_a_tick_that_comes_late_says_so(folder: Path, cli: Cli) -> None:
    (folder / "rules.yaml").write_text(RULES)
    assert cli("tick").err == ""
    with open_store(f"sqlite:///{folder / 'sms-notify.db'}") as store:
        store.set_watermark(TICKED, datetime.now(UTC) - timedelta(hours=3, minutes=1))
    done = cli("tick", "--quiet")
    told = "late: tick ran 3h ago, and what was due since leaves only now\n"
    assert (done.code, done.err) == (0, told)
    assert cli("tick").err == ""
