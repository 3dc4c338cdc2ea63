"""Users of the console: made, let in, kept out, and known again by their session.

A session is 256 random bits in a cookie; the database has a hash of it. A try to log in is counted
before its password is looked at, under three keyed hashes: the name from that address, the
address, and the name from anywhere. Unknown and disabled names take as long and are told the same
as wrong passwords.

Whoever logs in gets a pass for that browser, too: a try with the pass of its own name counts by the
pass alone. So nobody is locked out of their own browser by what strangers try elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from smsnotify.base.errors import UsageError
from smsnotify.engine.auditing import Actor, entry_of
from smsnotify.engine.passwords import (
    LONGEST,
    check_new,
    hash_password,
    is_dated,
    is_nobodys,
    is_right,
    read_name,
)
from smsnotify.model.user import Role, User
from smsnotify.store.store import Store
from smsnotify.store.users import Session

SPAN: Final = timedelta(minutes=15)
"""Wrong passwords are counted for so long, and whoever had too many waits until it is over."""

PER_NAME_AND_ADDRESS: Final = 5
PER_ADDRESS: Final = 30
PER_NAME: Final = 50
"""From many addresses: high, so that a stranger does not lock a clerk out at once."""

_BYTES: Final = 32


class LoggedIn(msgspec.Struct, frozen=True):
    """Somebody was let in; `token` goes into their cookie and nowhere else, `browser` as well."""

    token: str
    user: User
    browser: str


class Refused(msgspec.Struct, frozen=True):
    """Nobody was let in; `until` is how long that address or name has to wait, if it has to."""

    until: datetime | None = None


class Known(msgspec.Struct, frozen=True):
    """A session of somebody, with the secret that its forms carry."""

    session: Session
    csrf: bytes

    @property
    def user(self) -> User:
        """Whose session it is."""
        return self.session.user


# Users.


def add_user(
    store: Store, name: str, role: Role, password: str, actor: Actor, now: datetime
) -> User:
    """Make a user.

    Raises:
        UsageError: the name is none or taken, or the password is a bad one.
    """
    name = read_name(name)
    check_new(password, name)
    entry = entry_of(actor, "user.add", name, now, after=role.value)
    made = store.add_user(name, role, hash_password(password), now, entry)
    if made is None:
        raise UsageError(
            f"there is a user {name!r} already", hint=f"sms-notify users passwd {name}"
        )
    return made


def user_called(store: Store, name: str) -> User:
    """Return a user.

    Raises:
        UsageError: there is none of that name.
    """
    found = store.find_user(name.strip().lower())
    if found is None:
        raise UsageError(f"there is no user {name!r}", hint="sms-notify users list")
    return found[0]


def change_password(
    store: Store, user: User, password: str, actor: Actor, now: datetime, *, but: str = ""
) -> None:
    """Give a user another password; every session of theirs ends, but one.

    Raises:
        UsageError: it is a bad one.
    """
    check_new(password, user.name)
    entry = entry_of(actor, "user.password", user.name, now)
    store.set_password(user, hash_password(password), entry, but=but)


def change_own(
    store: Store,
    known: Known,
    old: str,
    password: str,
    address: str,
    now: datetime,
    *,
    browser: str = "",
) -> bool | datetime:
    """Let somebody change their own password; their other sessions end. False: `old` is wrong.

    Wrong ones are counted as at the door; an instant says until when to wait.

    Raises:
        UsageError: the new one is a bad one.
    """
    user = known.user
    check_new(password, user.name)
    whose = _whose(store, user.name, address, browser)
    until = store.count_try(whose, now, SPAN)
    if until is not None:
        return until
    found = store.find_user(user.name)
    if found is None or len(old) > LONGEST or not is_right(found[1], old):
        return False
    store.forget_tries(_names_in(whose))
    change_password(store, user, password, Actor(user.name), now, but=known.session.hash)
    return True


# Sessions.


def log_in(
    store: Store,
    name: str,
    password: str,
    address: str,
    now: datetime,
    lasting: timedelta,
    *,
    browser: str = "",
) -> LoggedIn | Refused:
    """Let somebody in who knows a password. `address` is where they call from, `''` unknown.

    `browser` is the pass that this browser was given when somebody logged in before.
    """
    name = name.strip().lower()
    whose = _whose(store, name, address, browser)
    until = store.count_try(whose, now, SPAN)
    if until is not None:
        return Refused(until)
    if len(password) > LONGEST:
        return Refused()
    found = store.find_user(name)
    if found is None:
        is_nobodys(password)
        return Refused()
    user, hashed = found
    if not is_right(hashed, password) or user.disabled_at is not None:
        return Refused()
    store.forget_tries(_names_in(whose))
    if is_dated(hashed):
        store.renew_hash(user, hash_password(password))
    token = secrets.token_urlsafe(_BYTES)
    entry = entry_of(Actor(user.name), "session.begin", user.name, now)
    store.add_session(hash_token(token), user, now, lasting, entry)
    if not _is_pass(store, name, browser):
        browser = _pass(store, name, secrets.token_hex(16))
    return LoggedIn(token, user, browser)


def session_of(
    store: Store, token: str, now: datetime, idle: timedelta, *, is_there: bool = True
) -> Known | None:
    """Return the session of a cookie. `is_there` False: a page that asks by itself is nobody."""
    if not token or len(token) > 2 * _BYTES:
        return None
    session = store.find_session(hash_token(token), now, idle)
    if session is None:
        return None
    if is_there:
        store.note_seen(session, now)
    return Known(session, csrf_of(token))


def log_out(store: Store, token: str) -> None:
    """End a session."""
    store.end_session(hash_token(token))


def hash_token(token: str) -> str:
    """Return what is stored of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


# Forms.


def csrf_of(token: str) -> bytes:
    """Return the secret of a token's forms; nobody gets from it to the token."""
    return hmac.digest(token.encode("utf-8", "replace"), b"form", "sha256")


def form_proof(csrf: bytes) -> str:
    """Return what a form carries: the secret under a fresh mask, so that no two pages repeat it."""
    mask = secrets.token_bytes(len(csrf))
    return (mask + _xor(mask, csrf)).hex()


def is_proof(csrf: bytes, given: str) -> bool:
    """Say whether a form carries what `form_proof` made."""
    try:
        both = bytes.fromhex(given)
    except ValueError:
        return False
    if len(both) != 2 * len(csrf):
        return False
    return hmac.compare_digest(_xor(both[: len(csrf)], both[len(csrf) :]), csrf)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _whose(store: Store, name: str, address: str, browser: str) -> dict[str, int]:
    """Return what a try is counted under, with how many each may have.

    The names are hashed: people type passwords where names belong. `''` is a proxy of our own, or
    this machine, and counts by name alone.
    """
    hashed = store.recipient_hash
    name = name[:LONGEST]
    if _is_pass(store, name, browser):
        return {hashed(f"login pass {browser}").hex(): PER_NAME_AND_ADDRESS}
    counted = {
        hashed(f"login both {address} {name}").hex(): PER_NAME_AND_ADDRESS,
        hashed(f"login name {name}").hex(): PER_NAME,
    }
    if address:
        counted[hashed(f"login address {address}").hex()] = PER_ADDRESS
    return counted


def _pass(store: Store, name: str, number: str) -> str:
    """Return a browser's pass: a number, and a keyed hash that binds it to a name."""
    return f"{number}.{store.recipient_hash(f'login browser {number} {name}').hex()}"


def _is_pass(store: Store, name: str, browser: str) -> bool:
    made = _pass(store, name, browser.partition(".")[0][:64])
    return hmac.compare_digest(made.encode("utf-8", "replace"), browser.encode("utf-8", "replace"))


def _names_in(whose: Mapping[str, int]) -> list[str]:
    """Return what is counted anew after a right password: not the address, others may share it."""
    return [who for who, most in whose.items() if most != PER_ADDRESS]
