"""What the console asks of the database: searches, and what waits for somebody."""

from __future__ import annotations

from datetime import datetime

from smsnotify.store import account_figures, books, outbox, replay, replies
from smsnotify.store.base import Books
from smsnotify.store.unstorable import storable


class DeskBooks(Books):
    """The part of `Store` that people search; every method is one transaction of its own."""

    def message_with_provider_id(self, provider_id: str) -> str:
        """Return the id of the message that a provider knows by that id, `''` for none."""
        with self.read() as connection:
            return outbox.message_with_provider_id(connection, provider_id)

    def knows_job(self, name: str) -> bool:
        """Say whether some job is called so."""
        with self.read() as connection:
            return bool(books.subjects_called(connection, storable(name)))

    def count_open_replies(self) -> int:
        """Return how many replies wait for a clerk."""
        with self.read() as connection:
            return replies.count_open(connection)

    def last_hour(self, now: datetime) -> dict[str, account_figures.LastHour]:
        """Return how each account did in the last hour."""
        with self.read() as connection:
            return account_figures.last_hour(connection, now)

    def messages_by_hour(self, start: datetime, end: datetime, mode: str) -> list[int]:
        """Return how many messages were queued in each hour of a span."""
        with self.read() as connection:
            return account_figures.by_hour(connection, start, end, mode)

    def newest_lines(self, limit: int = 20) -> list[replay.NamedLine]:
        """Return the newest lines that told of events, the newest first."""
        with self.read() as connection:
            return replay.newest_lines(connection, limit)
