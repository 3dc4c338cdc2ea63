"""Users of the console and their sessions, as rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.base.ids import new_id
from smsnotify.model.user import Role, User
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.statements import insert_rows
from smsnotify.store.unstorable import storable

_SEEN_NOTED_EVERY: Final = timedelta(minutes=1)
_SELECTED: Final = (
    "users.id, users.name, users.role, users.created_at, users.logged_in_at, users.disabled_at"
)


class Session(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A session that counts, and whose it is; `seen_at` is exact to a minute."""

    hash: str
    user: User
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


def add_user(
    connection: Connection, name: str, role: Role, password: str, now: datetime
) -> User | None:
    """Keep a new user; `password` is its hash. None when the name is taken."""
    made = User(id=new_id(now), name=name, role=role, created_at=now)
    columns = ("id", "name", "role", "password", "created_at")
    row = (made.id, name, role.value, password, to_micros(now))
    done = insert_rows(connection, "users", columns, [row], "(name) DO NOTHING")
    return made if done else None


def list_users(connection: Connection) -> list[User]:
    """Return all users by name."""
    rows = connection.execute(text(f"SELECT {_SELECTED} FROM users ORDER BY name"))  # noqa: S608 - constants
    return [_user(row) for row in rows]


def find_user(connection: Connection, name: str) -> tuple[User, str] | None:
    """Return the user of a name, also a disabled one, and the hash of the password."""
    found = connection.execute(
        text(f"SELECT {_SELECTED}, users.password FROM users WHERE name = :name"),  # noqa: S608 - constants
        {"name": storable(name)},
    ).one_or_none()
    return None if found is None else (_user(found), str(found.password))


def set_role(connection: Connection, user_id: str, role: Role) -> None:
    """Give a user another role; it counts with their next step."""
    connection.execute(
        text("UPDATE users SET role = :role WHERE id = :id"), {"role": role.value, "id": user_id}
    )


def set_disabled(connection: Connection, user_id: str, at: datetime | None) -> None:
    """Let a user in no more, or again with None. Whoever is disabled has no session left."""
    connection.execute(
        text("UPDATE users SET disabled_at = :at WHERE id = :id"),
        {"at": to_micros(at), "id": user_id},
    )
    if at is not None:
        end_sessions(connection, user_id)


def set_password(connection: Connection, user_id: str, password: str) -> None:
    """Keep another hash of a password."""
    connection.execute(
        text("UPDATE users SET password = :password WHERE id = :id"),
        {"password": password, "id": user_id},
    )


def remove_user(connection: Connection, user_id: str) -> None:
    """Delete a user with every session; what they did stays in the audit."""
    end_sessions(connection, user_id)
    connection.execute(text("DELETE FROM users WHERE id = :id"), {"id": user_id})


def add_session(
    connection: Connection, hashed: str, user_id: str, now: datetime, lasting: timedelta
) -> None:
    """Keep a new session, and note that its user has logged in."""
    columns = ("hash", "user_id", "created_at", "seen_at", "expires_at")
    at = to_micros(now)
    row = (hashed, user_id, at, at, to_micros(now + lasting))
    insert_rows(connection, "sessions", columns, [row], "DO NOTHING")
    connection.execute(
        text("UPDATE users SET logged_in_at = :now WHERE id = :id"), {"now": at, "id": user_id}
    )


def find_session(
    connection: Connection, hashed: str, now: datetime, idle: timedelta
) -> Session | None:
    """Return the session with a hash, unless it is over, idle for too long, or its user is out."""
    found = connection.execute(
        text(
            f"SELECT {_SELECTED}, sessions.created_at AS begun_at, seen_at, expires_at "  # noqa: S608 - constants
            "FROM sessions JOIN users ON users.id = sessions.user_id "
            "WHERE hash = :hash AND expires_at > :now AND seen_at > :idle AND disabled_at IS NULL"
        ),
        {"hash": hashed, "now": to_micros(now), "idle": to_micros(now - idle)},
    ).one_or_none()
    if found is None:
        return None
    return Session(
        hash=hashed,
        user=_user(found),
        created_at=from_micros(found.begun_at),
        seen_at=from_micros(found.seen_at),
        expires_at=from_micros(found.expires_at),
    )


def is_sight_news(session: Session, now: datetime) -> bool:
    """Say whether it is worth a write that somebody is there: once a minute is."""
    return not timedelta(0) <= now - session.seen_at < _SEEN_NOTED_EVERY


def note_seen(connection: Connection, hashed: str, now: datetime) -> None:
    """Note that somebody is there."""
    connection.execute(
        text("UPDATE sessions SET seen_at = :now WHERE hash = :hash"),
        {"now": to_micros(now), "hash": hashed},
    )


def end_session(connection: Connection, hashed: str) -> None:
    """End one session."""
    connection.execute(text("DELETE FROM sessions WHERE hash = :hash"), {"hash": hashed})


def end_sessions(connection: Connection, user_id: str, but: str = "") -> None:
    """End the sessions of a user, all but one."""
    connection.execute(
        text("DELETE FROM sessions WHERE user_id = :id AND hash <> :but"),
        {"id": user_id, "but": but},
    )


def _user(row: Any) -> User:
    return User(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        created_at=from_micros(row.created_at),
        logged_in_at=from_micros(row.logged_in_at),
        disabled_at=from_micros(row.disabled_at),
    )
