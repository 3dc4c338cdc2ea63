"""Alarms through apprise to a real server: taken, refused, slow, and told again to the rest."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from desk_for_delivery import Turned, open_books, queue, states, tries

from smsnotify.engine import alarms
from smsnotify.engine.accounts import Account
from smsnotify.engine.delivery import drain
from smsnotify.engine.loop import run as run_loop
from smsnotify.model.decision import Mode
from smsnotify.model.message import ErrorWord, MessageState
from smsnotify.providers.apprise import Apprise, AppriseSettings
from smsnotify.store.store import Store

# Plug-ins of apprise import what Python gives up; nobody but a strict test hears of it.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Chat:
    """A server that keeps what it is told. `answers` are by path: codes, or `hang`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, list[int | str]] = {}
        self.released = threading.Event()
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                chat.told.append((self.path, json.loads(body)))
                answers = chat.answers.get(self.path, [])
                answer = answers.pop(0) if answers else 200
                if answer == "hang":
                    chat.released.wait(10)
                    return
                self.send_response(int(answer))
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def paths(self) -> list[str]:
        return [path for path, _ in self.told]


@pytest.fixture
def chat() -> Iterator[Chat]:
    made = Chat()
    yield made
    made.released.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_books(tmp_path) as opened:
        yield opened


def account(*urls: Any, name: str = "ops") -> Account:
    return Account.of(name, Apprise(AppriseSettings.model_validate({"urls": list(urls)})))


def queue_alarm(store: Store, *ids: str, **fields: Any) -> None:
    told = {
        "channel": "apprise",
        "recipient": "ops",
        "country": "",
        "title": "Low rating",
        "body": "DO-1: 1 star. Rude.",
        "encoding": "",
        "segments": 0,
        "on_unknown": "resend",
    }
    queue(store, *ids, **told | fields)


def deliver(store: Store, *accounts: Account) -> Any:
    turned = Turned()
    return run_loop(
        drain(
            store,
            {one.name: one for one in accounts},
            {"default": [[one.name] for one in accounts]},
            mode=Mode.LIVE,
            times=turned.times(),
            sleep=turned.sleep,
        )
    )


def test_every_address_is_told(store: Store, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER", f"json://127.0.0.1:{chat.port}/other")
    queue_alarm(store, "m1")
    report = deliver(store, account(f"json://127.0.0.1:{chat.port}/t0ken", {"env": "OTHER"}))
    assert (report.sent, states(store)) == (1, {MessageState.ACCEPTED: 1})
    assert sorted(chat.paths()) == ["/other", "/t0ken"]
    assert chat.told[0][1]["title"] == "Low rating"
    assert chat.told[0][1]["message"] == "DO-1: 1 star. Rude."


def test_only_who_said_no_is_told_again(store: Store, chat: Chat) -> None:
    chat.answers["/two"] = [500, 403]
    queue_alarm(store, "m1")
    places = [f"json://127.0.0.1:{chat.port}/{name}" for name in ("one", "two", "three")]
    deliver(store, account(*places))
    assert states(store) == {MessageState.ACCEPTED: 1}
    assert sorted(chat.paths()[:3]) == ["/one", "/three", "/two"]
    assert chat.paths()[3:] == ["/two", "/two"]
    assert [one["raw_text"] for one in tries(store, "m1")] == ["2 of 3 addresses took it"] * 2 + [
        ""
    ]


def test_an_answer_that_does_not_come_leaves_it_unknown_and_it_is_told_again(
    store: Store, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "ANSWER_S", 0.2)
    chat.answers["/slow"] = ["hang"]
    queue_alarm(store, "m1")
    deliver(store, account(f"json://127.0.0.1:{chat.port}/slow"))
    assert states(store) == {MessageState.ACCEPTED: 1}
    assert [one["result"] for one in tries(store, "m1")] == ["unknown", "accepted"]


def test_with_hold_it_waits_for_a_person(
    store: Store, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "ANSWER_S", 0.2)
    chat.answers["/slow"] = ["hang"]
    queue_alarm(store, "m1", on_unknown="hold")
    deliver(store, account(f"json://127.0.0.1:{chat.port}/slow"))
    assert states(store) == {MessageState.UNKNOWN: 1}
    assert chat.paths() == ["/slow"]


def test_an_address_that_apprise_cannot_read_stops_the_account(
    store: Store, chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    queue_alarm(store, "m1")
    deliver(store, account(f"json://127.0.0.1:{chat.port}/one", "nosuch://s3cret/t0ken"))
    assert states(store) == {MessageState.QUEUED: 1}
    (tried,) = tries(store, "m1")
    assert tried["error"] == ErrorWord.BAD_CREDENTIALS
    assert tried["raw_text"] == "1 of 2 addresses took it; apprise cannot read number 2"
    assert "t0ken" not in caplog.text


def test_without_the_extra_the_account_stops_and_says_which(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    queue_alarm(store, "m1")
    deliver(store, account("json://127.0.0.1/one"))
    (tried,) = tries(store, "m1")
    assert (tried["error"], states(store)) == (
        ErrorWord.BAD_CREDENTIALS,
        {MessageState.QUEUED: 1},
    )
    assert "the extra `alarms`" in tried["raw_text"]


def test_texts_and_mails_never_go_there(store: Store, chat: Chat) -> None:
    queue_alarm(store, "m1", channel="sms", recipient="+6591230001", country="SG")
    deliver(store, account(f"json://127.0.0.1:{chat.port}/one"))
    assert (chat.told, states(store)) == ([], {MessageState.QUEUED: 1})
