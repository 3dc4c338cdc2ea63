"""`providers`: the list, and real credential calls to a server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from smsnotify.providers.registry import provider_names


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A provider that knows one key: 200 with it, 401 without."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            good = "good-key" in self.headers.get("Authorization", "")
            body = b'{"code": 1300, "message": "no such message"}' if good else b'{"code": 1200}'
            self.send_response(404 if good else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def _account(name: str, key: str, port: int) -> str:
    return (
        f'[accounts.{name}]\nprovider = "8x8"\napi_key = "{key}"\nsubaccount_id = "acme"\n'
        f'base_url = "http://127.0.0.1:{port}"\n'
    )


def test_every_provider_is_listed(cli: Any) -> None:
    listed = cli("providers", "list", "--json").json
    assert [one["name"] for one in listed] == [*provider_names()]
    assert "Twilio" in cli("providers", "list").out


def test_good_and_bad_credentials_are_told_apart(
    cli: Any, folder: Path, server: ThreadingHTTPServer
) -> None:
    port = server.server_port
    text = _account("main", "good-key", port) + _account("old", "bad-key", port)
    (folder / "sms-notify.toml").write_text(text, encoding="utf-8")
    done = cli("providers", "check", "--json")
    assert done.code == 3
    told = {one["account"]: (one["ok"], one["error"], one["http_status"]) for one in done.json}
    assert told == {"main": (True, "", 404), "old": (False, "bad_credentials", 401)}
    assert "bad-key" not in done.out + done.err
    assert cli("providers", "check", "--account", "main").code == 0


def test_a_provider_that_is_away_ends_with_3(cli: Any, folder: Path) -> None:
    (folder / "sms-notify.toml").write_text(_account("main", "k", 9), encoding="utf-8")
    done = cli("providers", "check", "--json")
    assert done.code == 3
    assert "cannot be reached" in done.json[0]["detail"]


def test_an_unreadable_key_is_told_before_any_call(cli: Any, folder: Path) -> None:
    text = _account("main", "k", 9).replace('"k"', '{ env = "SURELY_NOT_SET" }')
    (folder / "sms-notify.toml").write_text(text, encoding="utf-8")
    done = cli("providers", "check")
    assert done.code == 3
    assert "SURELY_NOT_SET is not set" in done.out


def test_an_account_that_is_not_there_is_wrong_usage(cli: Any) -> None:
    assert cli("providers", "check", "--account", "x").code == 2
    assert cli("providers", "check").code == 0
