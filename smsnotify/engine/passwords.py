"""Passwords of the console's users: argon2id, with the parameters of RFC 9106 for little memory."""

from __future__ import annotations

import re
import secrets
from functools import cache
from typing import TYPE_CHECKING, Final

from smsnotify.base.errors import UsageError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST: Final = 12
LONGEST: Final = 256
"""Characters. What is longer costs time and guards nothing."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


def read_name(written: str) -> str:
    """Return the name of a user, in lower case.

    Raises:
        UsageError: it is none.
    """
    name = written.strip().lower()
    if not _NAME.fullmatch(name):
        raise UsageError(
            "a user's name is 1 to 64 letters a to z, digits and . _ @ -",
            hint="such as mei.tan",
        )
    return name


def check_new(password: str, name: str) -> None:
    """Make sure that a password may be chosen.

    Raises:
        UsageError: it is too short, too long, or begins like the user's name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(
            f"a password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}",
            hint="a sentence is a good one",
        )
    if len(set(password)) < SHORTEST // 2 or name in password.lower():
        raise UsageError(
            "that password is guessed soon: it has few characters, or the user's name in it",
            hint="a sentence is a good one",
        )


def hash_password(password: str) -> str:
    """Return what is stored of a password."""
    return _hasher().hash(_bytes(password))


def is_right(hashed: str, password: str) -> bool:
    """Say whether a password is that of a hash; takes as long when it is not."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(hashed, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def is_nobodys(password: str) -> bool:
    """Compare a password with nothing, which takes as long as comparing it; always False."""
    is_right(_nobodys(), password)
    return False


def is_dated(hashed: str) -> bool:
    """Say whether a hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(hashed)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher, profiles

    return PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)


@cache
def _nobodys() -> str:
    return hash_password(secrets.token_urlsafe(32))


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
