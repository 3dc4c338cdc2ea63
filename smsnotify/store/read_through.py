"""What a dry run asks of the real store as it is: nothing that the run does would change it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from smsnotify.model.contact import Contact
from smsnotify.model.facts import Person
from smsnotify.model.silence import Silence
from smsnotify.store.hashing import NO_TOKEN

if TYPE_CHECKING:
    from smsnotify.store.store import Store


class ReadThrough:
    """The half of a memory that only reads; without a store there is nothing."""

    def __init__(self, store: Store | None) -> None:
        """`store` is what is really stored so far, None for nothing."""
        self._store = store
        self._below = store if store is not None and not store.is_blank() else None

    def counted_among(self, ids: Collection[str]) -> set[str]:
        """Return those of some guarded messages that were counted when they were stored.

        Raises:
            StoreError: the real database refused.
        """
        return self._below.counted_among(ids) if self._below is not None else set()

    def has_guarded(self) -> bool:
        """Return True when a volume guard really holds anything back.

        Raises:
            StoreError: the real database refused.
        """
        return self._below is not None and self._below.has_guarded()

    def silences(self, now: datetime) -> tuple[Silence, ...]:
        """Return the silences that run at an instant.

        Raises:
            StoreError: the real database refused.
        """
        return self._below.silences(now) if self._below is not None else ()

    def people(self, numbers: Iterable[str]) -> dict[str, Person]:
        """Return what is known of recipients.

        Raises:
            StoreError: the real database refused.
        """
        return self._below.people(numbers) if self._below is not None else {}

    def contacts_of(self, addresses: Collection[str]) -> dict[str, Contact]:
        """Return the contacts behind recipients.

        Raises:
            StoreError: the real database refused.
        """
        return self._below.contacts_of(addresses) if self._below is not None else {}

    def opt_out_token(self, recipient: str) -> str:
        """Return what stands in the address of a recipient's opt-out page."""
        return self._store.opt_out_token(recipient) if self._store is not None else NO_TOKEN

    def tracking_token(self, subject: str, recipient: str) -> str:
        """Return what stands in the address of a recipient's page about a job."""
        store = self._store
        return store.tracking_token(subject, recipient) if store is not None else NO_TOKEN
