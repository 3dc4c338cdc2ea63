"""Answers in the provider's own call: a hook waits a moment for the worker of replies.

What is not ready in time, or was worked by another process, goes out by the API some seconds
later: such a text is not due before, so nobody can send it twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from smsnotify.engine.conversing import InCall
from smsnotify.model.message import Message

PATIENCE_S: Final = 2.5
"""So long a provider's call waits for its answer; Twilio would wait for 15 seconds."""

MOST: Final = 10
"""The most texts in one answer that Twilio takes (error 14109)."""

_Key = tuple[str, str]


class Waiting:
    """The hooks of one process that wait for answers; used inside one event loop."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._hooks: dict[_Key, asyncio.Future[Sequence[Message]]] = {}

    def expect(self, account: str, provider_message_id: str) -> None:
        """Say that a call is going to wait; before its text is stored."""
        future = asyncio.get_running_loop().create_future()
        self._hooks[account, provider_message_id] = future

    async def answers(self, account: str, provider_message_id: str) -> Sequence[Message]:
        """Return the texts that answer, none when they are not ready in time."""
        future = self._hooks[account, provider_message_id]
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await future
        except TimeoutError:
            return ()
        finally:
            self._hooks.pop((account, provider_message_id), None)

    def forget(self, account: str, provider_message_id: str) -> None:
        """A call does not wait after all."""
        self._hooks.pop((account, provider_message_id), None)

    def tell(self, ready: Iterable[InCall]) -> None:
        """Hand answers to the calls that wait for them."""
        for one in ready:
            future = self._hooks.get((one.account, one.provider_message_id))
            if future is not None and not future.done():
                future.set_result(one.messages)


def as_twiml(messages: Sequence[tuple[Message, str]]) -> str:
    """Write texts as Twilio reads them, each with the address for its receipts."""
    said = "".join(
        f"<Message{f' action={quoteattr(url)} method={chr(34)}POST{chr(34)}' if url else ''}>"
        f"{escape(message.body)}</Message>"
        for message, url in messages
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{said}</Response>'
