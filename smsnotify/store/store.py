"""The one class that the engine sees of the database."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import msgspec

from smsnotify.model.report import DeliveryTime, Figures
from smsnotify.store import (
    meta,
    pauses,
    report,
    retention,
    why,
)
from smsnotify.store.care import CheckUp, back_up, check_up
from smsnotify.store.conversation_books import ConversationBooks
from smsnotify.store.desk_books import DeskBooks
from smsnotify.store.doors import DoorBooks
from smsnotify.store.failures import told_plainly
from smsnotify.store.intake_books import IntakeBooks
from smsnotify.store.outbox_books import OutboxBooks
from smsnotify.store.people_books import PeopleBooks
from smsnotify.store.reply_books import ReplyBooks
from smsnotify.store.silences import SilenceBooks
from smsnotify.store.user_books import UserBooks


class Store(
    IntakeBooks,
    OutboxBooks,
    DoorBooks,
    ReplyBooks,
    ConversationBooks,
    PeopleBooks,
    SilenceBooks,
    UserBooks,
    DeskBooks,
):
    """The database, opened; every method is one transaction of its own.

    Safe to use from several threads. Made by `open_store`. Every method raises StoreError when
    the database refuses; then nothing of what was to be written is stored.
    """

    durable: ClassVar[bool] = True

    def story_of_job(self, name: str) -> why.Story:
        """Tell all of the jobs that people call `name`: a D.O. number, an id or a subject."""
        with self.read() as connection:
            return why.story_of_job(connection, name)

    def story_of_number(self, number: str) -> why.Story:
        """Tell what was decided and sent for a number."""
        with self.read() as connection:
            return why.story_of_number(connection, self.recipient_hash, number)

    def report_figures(self, days: Sequence[report.Day], mode: str) -> Figures:
        """Return what happened on consecutive days, in one mode.

        The two long looks run side by side, each at its own moment.
        """
        with ThreadPoolExecutor(1) as beside:
            times = beside.submit(self._delivery_times, days, mode)
            with self.read() as connection:
                figures = report.report_figures(connection, days, mode)
            return msgspec.structs.replace(figures, times=times.result())

    def _delivery_times(self, days: Sequence[report.Day], mode: str) -> tuple[DeliveryTime, ...]:
        with self.read() as connection:
            return report.delivery_times(connection, days, mode)

    def paused(self) -> pauses.Paused:
        """Return what is paused."""
        with self.read() as connection:
            return pauses.paused(connection)

    def pause(self, account: str = "", *, note: str = "") -> None:
        """Stop one account, or everything with `''`."""
        with self.begin() as connection:
            pauses.pause(connection, account, note=note)

    def resume(self, account: str = "") -> bool:
        """End a pause; say whether there was one."""
        with self.begin() as connection:
            return pauses.resume(connection, account)

    def set_meta(self, name: str, value: str) -> None:
        """Note a value under a name, in place of the one before."""
        with self.begin() as connection:
            meta.set_meta(connection, name, value)

    def get_watermark(self, name: str) -> datetime | None:
        """Return how far something has come, None when it never began."""
        with self.read() as connection:
            return meta.get_watermark(connection, name)

    def set_watermark(self, name: str, at: datetime) -> None:
        """Note how far something has come."""
        with self.begin() as connection:
            meta.set_watermark(connection, name, at)

    def prune(self, now: datetime) -> retention.Pruned:
        """Forget what is old enough; return how many rows."""
        return retention.prune(self.begin, now)

    def check(self) -> CheckUp:
        """Examine the database; reads all of it."""
        with self.read() as connection:
            return check_up(connection, self.place)

    def backup(self, target: Path) -> int:
        """Copy an SQLite database to a new file with mode 0600; return its size in bytes."""
        with told_plainly(self.place):
            return back_up(self._engine, self.path, target)
