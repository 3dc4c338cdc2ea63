"""What is asked of the database about users of the console, their sessions and changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from smsnotify.model.user import AuditEntry, Role, User
from smsnotify.store import audit, users
from smsnotify.store.base import Books


class UserBooks(Books):
    """The part of `Store` about the console's people; every method is one transaction."""

    def add_user(
        self, name: str, role: Role, password: str, now: datetime, entry: AuditEntry
    ) -> User | None:
        """Keep a new user with the hash of a password; None when the name is taken."""
        with self.begin() as connection:
            made = users.add_user(connection, name, role, password, now)
            if made is not None:
                audit.note_change(connection, entry)
            return made

    def list_users(self) -> list[User]:
        """Return all users by name."""
        with self.read() as connection:
            return users.list_users(connection)

    def find_user(self, name: str) -> tuple[User, str] | None:
        """Return the user of a name, also a disabled one, and the hash of the password."""
        with self.read() as connection:
            return users.find_user(connection, name)

    def set_role(self, user: User, role: Role, entry: AuditEntry) -> None:
        """Give a user another role."""
        with self.begin() as connection:
            users.set_role(connection, user.id, role)
            audit.note_change(connection, entry)

    def set_disabled(self, user: User, at: datetime | None, entry: AuditEntry) -> None:
        """Let a user in no more and end every session; or let them in again, with None."""
        with self.begin() as connection:
            users.set_disabled(connection, user.id, at)
            audit.note_change(connection, entry)

    def set_password(self, user: User, password: str, entry: AuditEntry, *, but: str = "") -> None:
        """Keep the hash of a new password and end every session but one."""
        with self.begin() as connection:
            users.set_password(connection, user.id, password)
            users.end_sessions(connection, user.id, but)
            audit.note_change(connection, entry)

    def renew_hash(self, user: User, password: str) -> None:
        """Keep a newer hash of the same password."""
        with self.begin() as connection:
            users.set_password(connection, user.id, password)

    def remove_user(self, user: User, entry: AuditEntry) -> None:
        """Delete a user with every session; what they did stays in the audit."""
        with self.begin() as connection:
            users.remove_user(connection, user.id)
            audit.note_change(connection, entry)

    def add_session(
        self, hashed: str, user: User, now: datetime, lasting: timedelta, entry: AuditEntry
    ) -> None:
        """Keep a new session, and note that its user has logged in."""
        with self.begin() as connection:
            users.add_session(connection, hashed, user.id, now, lasting)
            audit.note_change(connection, entry)

    def find_session(self, hashed: str, now: datetime, idle: timedelta) -> users.Session | None:
        """Return the session with a hash, if it counts."""
        with self.read() as connection:
            return users.find_session(connection, hashed, now, idle)

    def note_seen(self, session: users.Session, now: datetime) -> None:
        """Note that somebody is there, once a minute."""
        if users.is_sight_news(session, now):
            with self.begin() as connection:
                users.note_seen(connection, session.hash, now)

    def end_session(self, hashed: str) -> None:
        """End one session."""
        with self.begin() as connection:
            users.end_session(connection, hashed)

    def count_try(
        self, limits: Mapping[str, int], now: datetime, span: timedelta
    ) -> datetime | None:
        """Count a try to log in; return until when one must wait, None if one need not."""
        with self.begin() as connection:
            return audit.count_try(connection, limits, now, span)

    def forget_tries(self, whose: Collection[str]) -> None:
        """Begin to count anew."""
        with self.begin() as connection:
            audit.forget_tries(connection, whose)

    def note_change(self, entry: AuditEntry) -> None:
        """Keep an entry of the audit."""
        with self.begin() as connection:
            audit.note_change(connection, entry)

    def note_outcome(self, entry: AuditEntry, after: str) -> None:
        """Write what a change came to."""
        with self.begin() as connection:
            audit.note_outcome(connection, entry.id, after)

    def list_changes(
        self, *, who: str = "", about: str = "", before: str = "", limit: int = 100
    ) -> list[AuditEntry]:
        """Return what people changed, the newest first."""
        with self.read() as connection:
            return audit.list_changes(connection, who=who, about=about, before=before, limit=limit)
