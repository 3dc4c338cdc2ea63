"""The keys that programs come with: their names and hashes, never the keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.base.ids import new_id
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.statements import insert_rows

_USE_NOTED_EVERY: Final = timedelta(minutes=1)
_SELECTED: Final = "SELECT id, name, hash, created_at, last_used_at, revoked_at FROM api_keys"


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a key; `last_used_at` is exact to a minute."""

    id: str
    name: str
    hash: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def as_json(self) -> dict[str, object]:
        """`{"type": "key", "id", "name", "created_at", "last_used_at", "revoked_at"}`."""
        return {
            "type": "key",
            "id": self.id,
            "name": self.name,
            "created_at": self.created_at.isoformat(),
            "last_used_at": self.last_used_at.isoformat() if self.last_used_at else None,
            "revoked_at": self.revoked_at.isoformat() if self.revoked_at else None,
        }


def add_key(connection: Connection, name: str, hashed: str, now: datetime) -> ApiKey | None:
    """Keep a new key; None when a key of that name is in use."""
    made = ApiKey(id=new_id(now), name=name, hash=hashed, created_at=now)
    columns = ("id", "name", "hash", "created_at")
    row = (made.id, name, hashed, to_micros(now))
    return made if insert_rows(connection, "api_keys", columns, [row], "DO NOTHING") else None


def list_keys(connection: Connection) -> list[ApiKey]:
    """Return all keys, revoked ones too, the oldest first."""
    return [_read(row) for row in connection.execute(text(f"{_SELECTED} ORDER BY id"))]


def find_key(connection: Connection, hashed: str) -> ApiKey | None:
    """Return the key with a hash, if it is not revoked."""
    found = connection.execute(
        text(f"{_SELECTED} WHERE hash = :hash AND revoked_at IS NULL"), {"hash": hashed}
    ).one_or_none()
    return None if found is None else _read(found)


def is_use_news(key: ApiKey, now: datetime) -> bool:
    """Say whether a use at `now` is worth a write: once a minute is."""
    return key.last_used_at is None or not (
        timedelta(0) <= now - key.last_used_at < _USE_NOTED_EVERY
    )


def note_use(connection: Connection, key: ApiKey, now: datetime) -> None:
    """Note when a key was used."""
    connection.execute(
        text("UPDATE api_keys SET last_used_at = :now WHERE id = :id"),
        {"now": to_micros(now), "id": key.id},
    )


def revoke_key(connection: Connection, name: str, now: datetime) -> bool:
    """End the key in use that is called `name`, or has that id; False when there is none."""
    done = connection.execute(
        text(
            "UPDATE api_keys SET revoked_at = :now "
            "WHERE (name = :name OR id = :name) AND revoked_at IS NULL"
        ),
        {"now": to_micros(now), "name": name},
    )
    return done.rowcount > 0


def _read(row: Any) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        hash=row.hash,
        created_at=from_micros(row.created_at),
        last_used_at=from_micros(row.last_used_at),
        revoked_at=from_micros(row.revoked_at),
    )
