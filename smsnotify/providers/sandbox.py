"""The built-in account that records texts and sends nothing.

It needs no keys and no network: the outbox is the record. Every text and mail is accepted and
delivered at once, under an id made from the message's own, so that a run can be repeated exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from smsnotify.model.message import MessageState, OutboundMessage, Outcome, Receipt, Result
from smsnotify.providers.adapter import AccountAdapter
from smsnotify.providers.base import AccountSettings, Capabilities


class SandboxSettings(AccountSettings):
    """`[accounts.NAME]` with `provider = "sandbox"`: nothing is needed."""

    provider: Literal["sandbox"] = "sandbox"


class Sandbox(AccountAdapter[SandboxSettings]):
    """The provider that needs no network."""

    name: ClassVar[str] = "sandbox"
    title: ClassVar[str] = "Sandbox (records, sends nothing)"
    docs: ClassVar[str] = ""
    local: ClassVar[bool] = True
    capabilities: ClassVar[Capabilities] = Capabilities(channel="any", batch=1000)
    settings_type: ClassVar[type[AccountSettings]] = SandboxSettings

    def can_receive(self, sender: str) -> bool:
        """Nobody can answer a text that never left, but nothing stands in the way either."""
        return True

    def send(self, messages: Sequence[OutboundMessage]) -> list[Outcome]:
        """Accept every message under `sb_` and its own id."""
        return [
            Outcome(
                message_id=message.id,
                result=Result.ACCEPTED,
                provider_message_id=f"sb_{message.id}",
            )
            for message in messages
        ]

    def receipts_for(self, outcomes: Sequence[Outcome]) -> list[Receipt]:
        """Deliver whatever was accepted."""
        return [
            Receipt(
                provider_message_id=outcome.provider_message_id,
                message_id=outcome.message_id,
                state=MessageState.DELIVERED,
                raw_word="delivered",
            )
            for outcome in outcomes
            if outcome.result is Result.ACCEPTED
        ]
