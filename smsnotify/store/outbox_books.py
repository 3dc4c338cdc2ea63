"""What is asked of the database about messages: found, counted, sent again, released."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from smsnotify.model.counts import Charge
from smsnotify.model.message import Attempt, Message
from smsnotify.store import (
    digests,
    held,
    numbers,
    outbox,
    receipt_stats,
    receipts,
)
from smsnotify.store.base import Books


class OutboxBooks(Books):
    """The part of `Store` about the outbox; every method is one transaction of its own."""

    def list_messages(self, wanted: outbox.Wanted, limit: int | None = 50) -> list[Message]:
        """Return messages, newest first."""
        with self.read() as connection:
            return outbox.list_messages(connection, self.recipient_hash, wanted, limit)

    def count_messages(self, wanted: outbox.Wanted) -> int:
        """Return how many messages there are of this kind."""
        with self.read() as connection:
            return outbox.count_messages(connection, self.recipient_hash, wanted)

    def messages_called(self, id_start: str) -> list[Message]:
        """Return up to two messages whose id begins so: one is found, two are too many."""
        with self.read() as connection:
            return outbox.messages_called(connection, id_start)

    def attempts_of(self, message_id: str) -> list[Attempt]:
        """Return every try to hand a message over, in order."""
        with self.read() as connection:
            return outbox.attempts_of(connection, message_id)

    def receipts_of(self, message_id: str) -> list[receipts.StoredReceipt]:
        """Return every receipt about a message, oldest first."""
        with self.read() as connection:
            return receipts.receipts_of(connection, [message_id])

    def receipt_stats(self, now: datetime, mode: str = "") -> receipt_stats.ReceiptStats:
        """Count what providers said of the last 30 days' messages, of one mode or of all."""
        with self.read() as connection:
            return receipt_stats.receipt_stats(connection, now, mode)

    def retry(self, wanted: outbox.Wanted, now: datetime, *, unknown: bool = False) -> int:
        """Queue messages again; return how many. `unknown` takes those that are maybe sent too."""
        with self.begin() as connection:
            return outbox.retry(connection, self.recipient_hash, wanted, now, unknown=unknown)

    def cancel(self, wanted: outbox.Wanted, now: datetime, *, reason: str = "by_hand") -> int:
        """Cancel what was not handed over yet; return how many."""
        with self.begin() as connection:
            return outbox.cancel(connection, self.recipient_hash, wanted, now, reason=reason)

    def stats(self, mode: str = "") -> outbox.Stats:
        """Count the outbox, of one mode or of all."""
        with self.read() as connection:
            return outbox.stats(connection, mode)

    def people_of_run(self, run: str) -> int:
        """Return for how many people the texts are that a run's volume guard holds back."""
        with self.read() as connection:
            return outbox.people_of_run(connection, run)

    def release_run(self, run: str, now: datetime) -> int:
        """Let go what a run's volume guard holds back; return how many texts."""
        with self.begin() as connection:
            return outbox.release_run(connection, run, now)

    def held_due(self, mode: str, now: datetime, limit: int = 500) -> list[held.HeldMessage]:
        """Return held messages that may leave at `now`, with the newest look of their jobs."""
        with self.read() as connection:
            return held.held_due(connection, mode, now, limit)

    def held_together(self, windows: Collection[str]) -> list[held.HeldMessage]:
        """Return all whom some windows of digests hold, due or not, in order of arrival."""
        with self.read() as connection:
            return held.held_together(connection, windows)

    def resolve_held(
        self,
        resolutions: Sequence[held.Resolution],
        now: datetime,
        windows: Sequence[digests.Window] = (),
        charges: Mapping[str, Sequence[Charge]] = MappingProxyType({}),
    ) -> set[str]:
        """Write what became of held messages; return the ids of those that were still held.

        A window of a digest that changed since it was read is left alone. `charges` are what
        those that leave add to counters, by their ids.

        Raises:
            OvertakenError: others have reached a cap meanwhile; nothing is written.
        """
        with self.begin() as connection:
            hashed = self.recipient_hash
            return held.resolve_held(connection, hashed, resolutions, now, windows, charges)

    def carried(self, carriers: Collection[str]) -> list[Message]:
        """Return the messages that others carry within a digest."""
        with self.read() as connection:
            return digests.carried(connection, carriers)

    def index_numbers(self, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
        """Let messages be found by number faster; return how many were taken in."""
        return numbers.index_numbers(self.begin, self.recipient_hash, now, go_on)
