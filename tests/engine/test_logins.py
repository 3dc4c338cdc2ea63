"""Who is let into the console, and who is kept out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from smsnotify.base.errors import StoreError, UsageError
from smsnotify.engine.auditing import Actor, audited
from smsnotify.engine.logins import (
    PER_ADDRESS,
    PER_NAME_AND_ADDRESS,
    SPAN,
    LoggedIn,
    Refused,
    add_user,
    change_own,
    csrf_of,
    form_proof,
    hash_token,
    is_proof,
    log_in,
    log_out,
    session_of,
)
from smsnotify.engine.passwords import hash_password, is_dated, is_right, read_name
from smsnotify.model.user import Role
from smsnotify.store.open import open_store
from smsnotify.store.store import Store

WORDS = "correct horse battery"
ROOT = Actor("root", "cli")
HOUR = timedelta(hours=1)
HERE = "203.0.113.9"


@pytest.fixture
def store(sqlite_url: str, now: datetime, cheap: None) -> Iterator[Store]:
    """Books with one clerk."""
    with open_store(sqlite_url) as opened:
        add_user(opened, "Mei.Tan", Role.CLERK, WORDS, ROOT, now)
        yield opened


def came(store: Store, password: str, now: datetime, name: str = "mei.tan") -> LoggedIn | Refused:
    return log_in(store, name, password, HERE, now, HOUR)


def test_a_right_password_begins_a_session(store: Store, now: datetime) -> None:
    login = came(store, WORDS, now, " MEI.tan ")
    assert isinstance(login, LoggedIn)
    known = session_of(store, login.token, now, HOUR)
    assert known is not None
    assert known.user.name == "mei.tan"
    assert known.session.hash == hash_token(login.token) != login.token
    log_out(store, login.token)
    assert session_of(store, login.token, now, HOUR) is None


def test_wrong_passwords_and_unknown_names_are_told_the_same(store: Store, now: datetime) -> None:
    assert came(store, "wrong horse battery", now) == Refused()
    assert came(store, WORDS, now, "nobody") == Refused()
    assert came(store, "", now) == Refused()
    assert came(store, "x" * 5000, now) == Refused()
    assert session_of(store, "", now, HOUR) is None
    assert session_of(store, "x" * 43, now, HOUR) is None


def test_whoever_tries_too_often_waits_even_with_the_right_one(store: Store, now: datetime) -> None:
    for _ in range(PER_NAME_AND_ADDRESS):
        assert came(store, "wrong horse battery", now) == Refused()
    assert came(store, WORDS, now) == Refused(now + SPAN)
    assert isinstance(log_in(store, "mei.tan", WORDS, "203.0.113.8", now, HOUR), LoggedIn)
    assert isinstance(came(store, WORDS, now + SPAN), LoggedIn)


def test_an_unknown_name_is_locked_out_alike(store: Store, now: datetime) -> None:
    for _ in range(PER_NAME_AND_ADDRESS):
        came(store, "wrong horse battery", now, "nobody")
    assert came(store, WORDS, now, "nobody") == Refused(now + SPAN)


def test_an_address_that_tries_many_names_waits(store: Store, now: datetime) -> None:
    for number in range(PER_ADDRESS):
        assert came(store, WORDS, now, f"guess{number}") == Refused()
    assert came(store, WORDS, now) == Refused(now + SPAN)


def test_a_right_password_does_not_clear_the_address(store: Store, now: datetime) -> None:
    for number in range(PER_ADDRESS - 1):
        came(store, WORDS, now, f"guess{number}")
    assert isinstance(came(store, WORDS, now), LoggedIn)
    assert came(store, WORDS, now, "guess") == Refused(now + SPAN)


def test_what_was_tried_is_not_stored_in_the_clear(store: Store, now: datetime) -> None:
    came(store, "x", now, "my secret password")
    assert store.path is not None
    written = store.path.read_bytes() + store.path.with_name("desk.db-wal").read_bytes()
    assert b"my secret password" not in written
    assert WORDS.encode() not in written


def test_a_disabled_user_is_kept_out(store: Store, now: datetime) -> None:
    login = came(store, WORDS, now)
    assert isinstance(login, LoggedIn)
    with audited(store, ROOT, "user.disable", "mei.tan", now):
        pass
    store.set_disabled(login.user, now, store.list_changes()[0])
    assert came(store, WORDS, now) == Refused()
    assert session_of(store, login.token, now, HOUR) is None


def test_ones_own_password_is_changed_by_who_knows_it(store: Store, now: datetime) -> None:
    first, second = came(store, WORDS, now), came(store, WORDS, now)
    assert isinstance(first, LoggedIn)
    assert isinstance(second, LoggedIn)
    known = session_of(store, first.token, now, HOUR)
    assert known is not None
    assert change_own(store, known, "wrong", "another horse, quite", HERE, now) is False
    assert change_own(store, known, WORDS, "another horse, quite", HERE, now) is True
    assert session_of(store, first.token, now, HOUR) is not None
    assert session_of(store, second.token, now, HOUR) is None
    assert came(store, WORDS, now) == Refused()
    for _ in range(PER_NAME_AND_ADDRESS):
        change_own(store, known, "wrong", "one more horse, quite", HERE, now)
    assert change_own(store, known, "wrong", "one more horse, quite", HERE, now) == now + SPAN


def test_a_hash_with_old_parameters_is_renewed(
    store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import PasswordHasher

    from smsnotify.engine import passwords

    stronger = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: stronger)
    before = store.find_user("mei.tan")
    assert before is not None
    assert is_dated(before[1])
    assert isinstance(came(store, WORDS, now), LoggedIn)
    after = store.find_user("mei.tan")
    assert after is not None
    assert not is_dated(after[1])
    assert is_right(after[1], WORDS)


@pytest.mark.parametrize("name", ["", " ", "a b", "ä", "-x", "x" * 65, "a\nb", "<b>"])
def test_some_names_are_none(name: str) -> None:
    with pytest.raises(UsageError):
        read_name(name)


@pytest.mark.parametrize("password", ["short", "x" * 257, "aaaaaaaaaaaaaaaa", "hello mei.tan 2026"])
def test_some_passwords_are_refused(store: Store, now: datetime, password: str) -> None:
    store.remove_user(store.list_users()[0], store.list_changes()[0])
    with pytest.raises(UsageError):
        add_user(store, "mei.tan", Role.CLERK, password, ROOT, now)
    assert store.list_users() == []


def test_a_name_is_taken_once(store: Store, now: datetime) -> None:
    with pytest.raises(UsageError, match="already"):
        add_user(store, "MEI.TAN", Role.VIEWER, WORDS, ROOT, now)


def test_a_form_proves_itself_under_ever_new_masks() -> None:
    csrf = csrf_of("token")
    first, second = form_proof(csrf), form_proof(csrf)
    assert first != second
    assert is_proof(csrf, first)
    assert is_proof(csrf, second)
    for wrong in ("", "zz", first[:-2], first[:-2] + "00", form_proof(csrf_of("other"))):
        assert not is_proof(csrf, wrong) or wrong == first


def test_a_broken_hash_lets_nobody_in() -> None:
    assert not is_right("nonsense", WORDS)
    assert is_right(hash_password("pässwörter ünd mehr"), "pässwörter ünd mehr")


def test_a_change_is_written_before_it_is_made(store: Store, now: datetime) -> None:
    with audited(store, ROOT, "message.retry", "m1", now, before="failed +6591230000") as trail:
        (begun,) = store.list_changes(about="m1")
        assert (begun.after, begun.before) == ("begun", "failed +65••••••00")
        trail.came_to("queued")
    assert store.list_changes(about="m1")[0].after == "queued"


def test_a_change_that_is_refused_says_so(store: Store, now: datetime) -> None:
    with (
        pytest.raises(StoreError),
        audited(store, ROOT, "message.retry", "m1", now),
    ):
        raise StoreError("the disk is full")
    assert store.list_changes(about="m1")[0].after == "refused: store"
