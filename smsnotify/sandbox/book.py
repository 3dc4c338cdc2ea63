"""The book of the local provider: every text, by id and by phone, in memory."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from smsnotify.sandbox.texts import Phone, Speech, Text

MOST_TEXTS: Final = 50_000
"""Beyond so many, the oldest are forgotten."""


class Book:
    """Texts and phones. `version` grows with every change, for whoever watches."""

    def __init__(self) -> None:
        """Begin empty."""
        self.texts: dict[str, Text] = {}
        self.phones: dict[str, Phone] = {}
        self.version = 0
        self.is_closed = False
        self._order = 0
        self._changed = asyncio.Event()

    def add(self, *, at: datetime, speech: Speech, **fields: Any) -> Text:
        """Write a new text under a new id; `fields` are those of `Text`."""
        self._order += 1
        text = Text(
            id=_new_id(speech),
            order=self._order,
            speech=speech,
            created_at=at,
            updated_at=at,
            **fields,
        )
        if len(self.texts) >= MOST_TEXTS:
            self._forget_oldest()
        self.texts[text.id] = text
        self.phone(text.phone).texts.append(text)
        self.touch()
        return text

    def _forget_oldest(self) -> None:
        self.remove(next(iter(self.texts.values())))

    def remove(self, text: Text) -> None:
        """Take a text out, from its phone too."""
        del self.texts[text.id]
        self.phones[text.phone].texts.remove(text)
        self.touch()

    def find(self, speech: Speech, account: str, id: str) -> Text | None:
        """Return a text of an account, None when the account has no such."""
        text = self.texts.get(id)
        return text if text and (text.speech, text.account) == (speech, account) else None

    def newest(self, speech: Speech, account: str) -> Iterator[Text]:
        """Yield an account's texts, the newest first."""
        for text in reversed(self.texts.values()):
            if (text.speech, text.account) == (speech, account):
                yield text

    def phone(self, number: str) -> Phone:
        """Return a phone; one that was never heard of is new."""
        return self.phones.setdefault(number, Phone(number=number))

    def recent_phones(self) -> Iterable[Phone]:
        """Return the phones, the one with the newest text first."""
        return sorted(
            self.phones.values(),
            key=lambda phone: phone.texts[-1].order if phone.texts else 0,
            reverse=True,
        )

    def touch(self) -> None:
        """Tell whoever watches that something changed."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed_since(self, version: int) -> None:
        """Return when there is something newer than `version`, or at the end."""
        while self.version <= version and not self.is_closed:
            await self._changed.wait()

    def close(self) -> None:
        """Let whoever watches go."""
        self.is_closed = True
        self.touch()


def _new_id(speech: Speech) -> str:
    return f"SM{secrets.token_hex(16)}" if speech is Speech.TWILIO else str(uuid.uuid4())
