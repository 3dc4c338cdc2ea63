"""What acceptance tests work with: a desk in a folder, and the world on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from loopback import Answer, Loopback, TwilioDesk, eight_x_eight
from place import Place

from smsnotify.cli import app

_load_command = cache(app.load_command)


@pytest.fixture
def bare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Place:
    """An empty working folder; no settings of the real user are seen."""
    monkeypatch.chdir(tmp_path)
    for name in ("SMS_NOTIFY_CONFIG", "SMS_NOTIFY_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("smsnotify.wiring.find.user_folder", lambda: tmp_path / "no-such-folder")
    # Commands are made once: typer takes longer to make one than most of them take to run.
    monkeypatch.setattr(app, "load_command", _load_command)
    return Place(tmp_path, capsys, monkeypatch)


@pytest.fixture
def place(bare: Place, sqlite_template: Path) -> Place:
    """A desk in sandbox mode with two rules and an empty database."""
    bare.settings()
    bare.rules()
    shutil.copy(sqlite_template, bare / "sms-notify.db")
    return bare


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Loopback]]:
    """Open servers on this machine; they end with the test."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Loopback(answer).open())


@pytest.fixture
def eight(place: Place, serve: Callable[[Answer], Loopback]) -> Loopback:
    """A live desk on 8x8."""
    server = serve(eight_x_eight)
    account = {
        "provider": "8x8",
        "api_key": "eight-key",
        "subaccount_id": "acme_notify",
        "sender": "ACME",
        "base_url": server.url,
    }
    place.settings(mode="live", test_to="+6591230000", accounts={"main": account})
    return server


@pytest.fixture
def twilio(place: Place, serve: Callable[[Answer], Loopback]) -> Loopback:
    """A live desk on Twilio, where 91239999 has said STOP and 91238888 is no mobile."""
    server = serve(TwilioDesk(n6591239999=(400, 21610), n6591238888=(400, 21614)))
    account = {
        "provider": "twilio",
        "account_sid": "AC" + "0" * 32,
        "auth_token": "twilio-token",
        "sender": "+6531590000",
        "base_url": server.url,
    }
    place.settings(mode="live", test_to="+6591230000", accounts={"backup": account})
    return server
