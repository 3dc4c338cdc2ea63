"""What the web's doors ask of the database: replies, keys, turns, figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from smsnotify.model.message import InboundMessage
from smsnotify.store import api_keys, gauges, replies, turns
from smsnotify.store.base import Books
from smsnotify.store.schema import check_version


class DoorBooks(Books):
    """The part of `Store` that serving needs; every method is one transaction of its own."""

    def check_schema(self) -> None:
        """Make sure that the database answers and has our version.

        Raises:
            StoreError: it does not.
        """
        with self.read() as connection:
            check_version(connection, self.place)

    def note_replies(self, account: str, messages: Sequence[InboundMessage], now: datetime) -> int:
        """Keep inbound texts once each; return how many were new."""
        with self.begin() as connection:
            return replies.note_replies(connection, account, messages, now)

    def add_key(self, name: str, hashed: str, now: datetime) -> api_keys.ApiKey | None:
        """Keep a new key; None when a key of that name is in use."""
        with self.begin() as connection:
            return api_keys.add_key(connection, name, hashed, now)

    def list_keys(self) -> list[api_keys.ApiKey]:
        """Return all keys, revoked ones too, the oldest first."""
        with self.read() as connection:
            return api_keys.list_keys(connection)

    def use_key(self, hashed: str, now: datetime) -> api_keys.ApiKey | None:
        """Return the key with a hash and note its use; None when it is unknown or revoked."""
        with self.read() as connection:
            key = api_keys.find_key(connection, hashed)
        if key is not None and api_keys.is_use_news(key, now):
            with self.begin() as connection:
                api_keys.note_use(connection, key, now)
        return key

    def revoke_key(self, name: str, now: datetime) -> bool:
        """End the key in use that is called `name`, or has that id; False when there is none."""
        with self.begin() as connection:
            return api_keys.revoke_key(connection, name, now)

    def take_turn(self, name: str, owner: str, now: datetime, lasting: timedelta) -> bool:
        """Take the turn, or hold on to it; False while another owner has it."""
        with self.begin() as connection:
            return turns.take_turn(connection, name, owner, now, lasting)

    def end_turn(self, name: str, owner: str) -> None:
        """Give the turn back, if it is still the owner's."""
        with self.begin() as connection:
            turns.end_turn(connection, name, owner)

    def gauges(self, mode: str, now: datetime) -> gauges.Gauges:
        """Return how much is open, in one mode."""
        with self.read() as connection:
            return gauges.gauges(connection, mode, now)
