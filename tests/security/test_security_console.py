"""The console against whoever wants in, or wants more than is theirs."""

from __future__ import annotations

import hashlib
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

sys.path.append(str(Path(__file__).parents[1] / "web"))

from console_desk import WORDS, Person, at_the_desk
from web_desk import rows, write_desk

from smsnotify.base.clock import Clock
from smsnotify.engine import logins
from smsnotify.store.open import open_store
from smsnotify.web.console.door import FORM_LIMIT
from smsnotify.web.console.look import static_file
from smsnotify.web.console.routes import ROUTES
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load, read_settings


@pytest.fixture
def serving(tmp_path: Path, sqlite_url: str, clock: Clock, cheap: None) -> Iterator[Serving]:
    """A desk that is set up."""
    sources = Sources(config=write_desk(tmp_path), database=sqlite_url)
    with open_store(sqlite_url) as store:
        made = Serving(store, load(read_settings(sources), sources), clock=clock)
        yield made
        made.close()


@pytest.fixture
def stranger(serving: Serving) -> Iterator[Person]:
    """Somebody at the door."""
    with at_the_desk(serving) as person:
        yield person


def test_an_unknown_name_costs_as_much_as_a_known_one(
    stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def counted(name: str, real: Any) -> Any:
        def look(*args: Any) -> Any:
            looked.append(name)
            return real(*args)

        return look

    monkeypatch.setattr(logins, "is_right", counted("known", logins.is_right))
    monkeypatch.setattr(logins, "is_nobodys", counted("unknown", logins.is_nobodys))
    stranger.log_in("clerk", "wrong horse battery")
    stranger.log_in("nobody", "wrong horse battery")
    assert looked == ["known", "unknown"]


def test_what_strangers_type_is_not_in_the_log(
    stranger: Person, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        stranger.log_in("my secret password", "another secret of mine")
        stranger.log_in("clerk")
        stranger.get("/console/messages?q=%2B6591230000")
    told = "".join(one.getMessage() for one in caplog.records if one.name.startswith("smsnotify"))
    assert "console" in told
    for secret in ("secret", WORDS, "6591230000", stranger.cookies["__Host-sms-notify"]):
        assert secret not in told


def test_the_database_opens_no_session(stranger: Person, serving: Serving) -> None:
    stranger.log_in("clerk")
    (session,) = rows(serving.store, "sessions")
    users = rows(serving.store, "users")
    assert all(user["password"].startswith("$argon2id$") for user in users)
    stranger.cookies = {"__Host-sms-notify": session["hash"]}
    assert stranger.get("/console").status_code == 303


def test_guessed_cookies_open_nothing(stranger: Person) -> None:
    for guess in ("", "x", "a" * 43, "a" * 5000, "%00", '"', "a; b"):
        stranger.cookies = {"__Host-sms-notify": guess}
        assert stranger.get("/console").status_code == 303


def test_a_form_that_is_too_large_is_not_read(stranger: Person) -> None:
    stranger.log_in("clerk")
    proof = stranger.proof("/console")
    answer = stranger.post("/console/rules/try", {"proof": proof, "event": "x" * FORM_LIMIT})
    assert answer.status_code == 413
    assert "longer than 256 KiB" in answer.text
    many = {f"f{n}": "x" for n in range(100)}
    assert stranger.post("/console/rules/try", {"proof": proof, **many}).status_code == 403


def test_a_viewer_cannot_post_what_a_clerk_may_even_with_a_clerks_proof(
    stranger: Person, serving: Serving
) -> None:
    with at_the_desk(serving) as clerk:
        clerk.log_in("clerk")
        proof = clerk.proof("/console")
    stranger.log_in("viewer")
    for path, form in (
        ("/console/silences", {"what": "all", "lasting": "3h", "reason": "x"}),
        ("/console/accounts/pause", {"account": "everything"}),
        ("/console/contacts/opt-out", {"who": "+6591230000", "note": "x"}),
    ):
        for given in (proof, stranger.proof("/console")):
            assert stranger.post(path, {"proof": given, **form}).status_code == 403
    assert not serving.store.paused()
    assert serving.store.list_silences() == []


def test_a_change_is_never_made_by_looking(stranger: Person, serving: Serving) -> None:
    stranger.log_in("clerk")
    for path in ("/console/accounts/pause", "/console/logout", "/console/silences/x/expire"):
        assert stranger.get(f"{path}?account=everything").status_code == 405
    assert not serving.store.paused()


def test_a_session_of_somebody_who_was_removed_is_over(stranger: Person, serving: Serving) -> None:
    stranger.log_in("clerk")
    found = serving.store.find_user("clerk")
    assert found is not None
    serving.store.remove_user(found[0], serving.store.list_changes()[0])
    assert stranger.get("/console").status_code == 303
    assert stranger.post("/console/logout", {}).status_code == 303


def test_the_vendored_script_is_the_one_that_was_read() -> None:
    """htmx.org 2.0.11 as npm has it; a newer one comes with its own digest here."""
    digest = hashlib.sha256(static_file("htmx.min.js")).hexdigest()
    assert digest == "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


def test_nobody_locks_a_clerk_out_of_the_browser_that_she_uses(
    stranger: Person, serving: Serving
) -> None:
    with at_the_desk(serving) as clerk:
        clerk.log_in("clerk")
        own = dict(clerk.cookies)
        for _ in range(8):
            refused = stranger.log_in("clerk", "a guess of a stranger")
        assert refused.status_code == 429
        new = "another horse, quite"
        changed = clerk.do("/console/own", old=WORDS, password=new, again=new)
        assert changed.status_code == 303
        clerk.do("/console/logout")
        assert clerk.log_in("clerk", new).status_code == 303
        # A pass is good for one name, and for five tries.
        stranger.cookies = {"__Host-sms-notify-browser": own["__Host-sms-notify-browser"]}
        assert stranger.log_in("viewer", "x").status_code == 403
        told = [stranger.log_in("clerk", "x").status_code for _ in range(6)]
        assert told == [403] * 5 + [429]


def test_a_pass_that_somebody_made_up_is_none(stranger: Person, serving: Serving) -> None:
    for made_up in ("x", "." * 200, "a.b", "0" * 32 + "." + "0" * 64, "é"):
        stranger.cookies = {"__Host-sms-notify-browser": quote(made_up)}
        told = stranger.log_in("clerk", "a guess of a stranger").status_code
    assert told == 403
    assert stranger.log_in("clerk").status_code == 429


def test_no_form_of_any_page_is_taken_from_elsewhere(stranger: Person, serving: Serving) -> None:
    with at_the_desk(serving) as other:
        other.log_in("clerk")
        proof_of_another = other.proof("/console")
    stranger.log_in("clerk")
    own = stranger.proof("/console")
    before = len(rows(serving.store, "audit"))
    posts = {route.path for route in ROUTES if "POST" in (route.methods or ())}
    for path in (re.sub(r"\{[^}]+\}", "x", one) for one in sorted(posts)):
        for proof in ("", "00" * 64, proof_of_another):
            assert stranger.post(path, {"proof": proof}).status_code == 403, path
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            assert stranger.post(path, {"proof": own}, headers).status_code == 403, path
    assert len(rows(serving.store, "audit")) == before
    assert stranger.get("/console").status_code == 200
