"""What a delivery run came to."""

from __future__ import annotations

import msgspec

from smsnotify.model.message import MessageState


class Counts(msgspec.Struct):
    """Messages by what became of them; `retried` counts tries that will be repeated."""

    accepted: int = 0
    failed: int = 0
    unknown: int = 0
    expired: int = 0
    retried: int = 0

    def add(self, state: MessageState) -> None:
        """Count one message that went to a state."""
        if state is MessageState.ACCEPTED:
            self.accepted += 1
            return
        match state:
            case MessageState.QUEUED:
                self.retried += 1
            case MessageState.UNKNOWN:
                self.unknown += 1
            case MessageState.EXPIRED:
                self.expired += 1
            case MessageState.FAILED:
                self.failed += 1
            case _:
                self.accepted += 1


class DeliveryReport(Counts):
    """The whole run. `left` is what is still queued; `stopped_accounts` is name → reason.

    `paused` names the paused accounts, or holds `*` when everything is.
    """

    left: int = 0
    paused: tuple[str, ...] = ()
    stopped_accounts: dict[str, str] = {}
    by_account: dict[str, Counts] = {}

    @property
    def sent(self) -> int:
        """Messages that a provider took."""
        return self.accepted

    def note(self, account: str, state: MessageState) -> None:
        """Count one message of an account."""
        self.add(state)
        counts = self.by_account.get(account)
        if counts is None:
            counts = self.by_account[account] = Counts()
        counts.add(state)
