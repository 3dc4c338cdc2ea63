"""Messages in memory, hearing receipts: which try a receipt is about, and what it changes."""

from __future__ import annotations

import msgspec

from smsnotify.model.lattice import ENDED, WAITING, Effect, judge
from smsnotify.model.message import ErrorWord, MessageState


class Kept(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A receipt in the books. `by` is `receipt` or `lookup`; `at` is never after it came in."""

    id: str
    account: str
    provider_message_id: str
    our_id: str
    message_id: str
    state: MessageState | None
    error: str
    raw_word: str
    raw_code: str
    at: int
    by: str


class Judged(msgspec.Struct, frozen=True, gc=False):
    """What a receipt came to; `message_id` is `''` when its message is not known."""

    receipt: Kept
    message_id: str
    effect: Effect


class Known(msgspec.Struct, kw_only=True, gc=False):
    """A message as far as receipts go; changed in place while a list of them is judged."""

    id: str
    was: MessageState
    was_told_by: str
    had_provider_id: str
    account: str
    past_ids: frozenset[str]
    recipient: str
    state: MessageState
    told_by: str
    provider_message_id: str
    told_at: int = 0
    error: str = ""
    error_text: str = ""

    @property
    def is_linked(self) -> bool:
        """True when only the provider's id is news."""
        return not self.has_moved and self.provider_message_id != self.had_provider_id

    @property
    def has_moved(self) -> bool:
        """True when a receipt has changed its state."""
        return self.state is not self.was

    def hear(self, receipt: Kept) -> Effect:
        """Take one receipt; return what it did."""
        other_try = self._is_other_try(receipt)
        verdict = judge(self.state, receipt.state, told=bool(self.told_by), other_try=other_try)
        if verdict.state is not None:
            self._adopt(receipt, other_try)
            self._move(verdict.state, receipt)
        elif self.state not in WAITING and not other_try and not self.provider_message_id:
            self._adopt(receipt, other_try)
        return verdict.effect

    def _is_other_try(self, receipt: Kept) -> bool:
        provider_id = receipt.provider_message_id
        if provider_id in self.past_ids or self.account not in ("", receipt.account):
            return True
        if self.state in WAITING or self.state is MessageState.SENDING:
            return False  # the id in the row, if any, is that of a try that was refused
        return bool(
            provider_id and self.provider_message_id and provider_id != self.provider_message_id
        )

    def _adopt(self, receipt: Kept, other_try: bool) -> None:
        provider_id = receipt.provider_message_id
        takes_its_place = not other_try and provider_id
        if takes_its_place or not self.provider_message_id:
            self.provider_message_id = provider_id
        self.account = self.account or receipt.account

    def _move(self, state: MessageState, receipt: Kept) -> None:
        self.state = state
        self.told_by = receipt.by
        self.told_at = receipt.at
        self.error = self.error_text = ""
        if state in ENDED:
            self.error = receipt.error or ErrorWord.UNKNOWN_ERROR
            self.error_text = f"{receipt.raw_word} {receipt.raw_code}".strip()
