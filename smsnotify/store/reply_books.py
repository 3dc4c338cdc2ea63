"""What is asked of the database about replies."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from smsnotify.store import replies
from smsnotify.store.base import Books


class ReplyBooks(Books):
    """The part of `Store` about replies; every method is one transaction of its own."""

    def unworked_replies(self, limit: int = 500) -> list[replies.StoredReply]:
        """Return replies that nobody has worked yet, the oldest first."""
        with self.read() as connection:
            return replies.unworked_replies(connection, limit)

    def unworked_senders(self, numbers: Collection[str]) -> set[str]:
        """Return those of the numbers that have replies which nobody has worked yet."""
        with self.read() as connection:
            return replies.unworked_senders(connection, numbers)

    def doubtful_senders(self, numbers: Collection[str]) -> set[str]:
        """Return those of the numbers whose likely opt-out a clerk must still decide."""
        with self.read() as connection:
            return replies.doubtful_senders(connection, numbers)

    def replies_since(
        self, numbers: Collection[str], since: datetime, limit: int = 5000
    ) -> dict[str, list[replies.StoredReply]]:
        """Return what these numbers sent since, worked or not, oldest first, by number."""
        with self.read() as connection:
            return replies.replies_since(connection, numbers, since, limit)

    def counted_replies(
        self, numbers: Collection[str], since: datetime, before: str = ""
    ) -> dict[str, int]:
        """Return how many replies each of these numbers sent since; none at all is absent.

        `before` is an id: that reply and those after it do not count.
        """
        with self.read() as connection:
            return replies.counted_since(connection, numbers, since, before)

    def list_replies(
        self, wanted: replies.WantedReplies, limit: int | None = 50
    ) -> list[replies.StoredReply]:
        """Return replies, the newest first."""
        with self.read() as connection:
            return replies.list_replies(connection, wanted, limit)

    def replies_called(self, id_start: str) -> list[replies.StoredReply]:
        """Return up to two replies whose id begins so: one is found, two are too many."""
        with self.read() as connection:
            return replies.replies_called(connection, id_start)

    def set_reply_state(
        self, reply_id: str, *, was: str, state: str, now: datetime, note: str = ""
    ) -> bool:
        """Decide on a reply by hand; False when it is not in the state `was` any more."""
        with self.begin() as connection:
            return replies.set_reply_state(
                connection, reply_id, was=was, state=state, note=note, now=now
            )
