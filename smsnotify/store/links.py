"""Pages that belong to one person: known by a hash of their token, never by the token."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection

from smsnotify.store.conversation_batch import NewLink
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.rowset import execute, is_postgres, statement
from smsnotify.store.statements import insert_rows
from smsnotify.store.unstorable import storable

OF_READER: Final = (
    "LEFT JOIN addresses ON addresses.address = links.recipient "
    "LEFT JOIN contacts ON contacts.id = addresses.contact_id"
)
"""Joins whom a link is of to it, as far as there is a contact."""

_FIND: Final = (
    "SELECT links.kind, recipient, subject, links.created_at, expires_at, contacts.language "
    f"FROM links {OF_READER} WHERE token_hash = :hash"
)
_COLUMNS: Final = ("token_hash", "kind", "recipient", "subject", "created_at", "expires_at")


class StoredLink(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a token leads to. `language` is the reader's, `''` where nobody knows."""

    kind: str
    recipient: str
    subject: str
    created_at: datetime
    expires_at: datetime | None
    language: str = ""

    def is_over(self, now: datetime) -> bool:
        """Return True when it leads nowhere any more."""
        return self.expires_at is not None and self.expires_at <= now


def token_hash(token: str) -> bytes:
    """Return what stands in the books for a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def add_links(connection: Connection, links: Sequence[NewLink], now: datetime) -> int:
    """Keep links; one whose token is known already stays as it is. Return how many were new."""
    at = to_micros(now)
    rows = sorted(
        (
            token_hash(one.token),
            one.kind,
            storable(one.recipient),
            storable(one.subject),
            at,
            to_micros(one.expires_at),
        )
        for one in {link.token: link for link in links}.values()
    )
    return insert_rows(connection, "links", _COLUMNS, rows, "(token_hash) DO NOTHING")


def find_link(connection: Connection, token: str) -> StoredLink | None:
    """Return what a token leads to, over or not; None when there never was such a token."""
    asking = statement(is_postgres(connection), _FIND)
    row = execute(connection, asking, {"hash": token_hash(token)}).fetchone()
    if row is None:
        return None
    kind, recipient, subject, created_at, expires_at, language = row
    return StoredLink(
        kind=kind,
        recipient=recipient,
        subject=subject,
        created_at=from_micros(created_at),
        expires_at=from_micros(expires_at),
        language=language or "",
    )
