"""Keys that programs come with: made here, shown once, known again by their hash."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from smsnotify.store.api_keys import ApiKey
from smsnotify.store.store import Store

PREFIX: Final = "snk_"
"""So that a key is known for one wherever it turns up."""

_BYTES: Final = 32
_LONGEST: Final = 200


def make_key() -> str:
    """Return a new key: 256 random bits, so that a plain hash keeps it as safe as a slow one."""
    return PREFIX + secrets.token_urlsafe(_BYTES)


def hash_key(key: str) -> str:
    """Return what is stored of a key: its SHA-256 as hex."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def recognise(store: Store, offered: str, now: datetime) -> ApiKey | None:
    """Return the key that was offered, None when there is no such key in use.

    The database is asked for the hash, so what its answer's time could tell is of a hash that
    nobody can choose.
    """
    if not offered.startswith(PREFIX) or len(offered) > _LONGEST:
        return None
    return store.use_key(hash_key(offered), now)


def offered_key(headers: Mapping[str, str], *, basic: bool = False) -> str:
    """Return the key that a request came with, `''` without one.

    `X-API-Key: KEY`, `Authorization: Bearer KEY`, and with `basic` also as the password of Basic
    authentication under any user name. Header names are in lower case.
    """
    if key := headers.get("x-api-key", "").strip():
        return key
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if basic and scheme.lower() == "basic":
        return _password(value.strip())
    return ""


def _password(written: str) -> str:
    try:
        pair = base64.b64decode(written, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return pair.partition(":")[2]
