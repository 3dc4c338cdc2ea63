"""Messages on their way out, tries to hand them over, and what became of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from smsnotify.model.rule import SMS, Priority


class MessageState(StrEnum):
    """Where a message is. `unknown` means: the provider may or may not have it."""

    HELD = "held"
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


HANDED_OVER: Final = frozenset(
    {MessageState.ACCEPTED, MessageState.SENT, MessageState.DELIVERED, MessageState.READ}
)
"""The provider took it."""


class ErrorWord(StrEnum):
    """One vocabulary over all providers."""

    INVALID_NUMBER = "invalid_number"
    UNREACHABLE = "unreachable"
    BLOCKED = "blocked"
    OPTED_OUT = "opted_out"
    LANDLINE = "landline"
    NO_CREDIT = "no_credit"
    BAD_CREDENTIALS = "bad_credentials"
    SENDER_REJECTED = "sender_rejected"
    CONTENT_REJECTED = "content_rejected"
    RATE_LIMITED = "rate_limited"
    PROVIDER_DOWN = "provider_down"
    EXPIRED = "expired"
    UNKNOWN_ERROR = "unknown_error"


ABOUT_RECIPIENT: Final = frozenset(
    {
        ErrorWord.INVALID_NUMBER,
        ErrorWord.OPTED_OUT,
        ErrorWord.BLOCKED,
        ErrorWord.LANDLINE,
        ErrorWord.CONTENT_REJECTED,
    }
)
"""Permanent words about the person or the text: no other account may try."""

ABOUT_ACCOUNT: Final = frozenset(
    {ErrorWord.BAD_CREDENTIALS, ErrorWord.NO_CREDIT, ErrorWord.SENDER_REJECTED}
)
"""The account is at fault: the next account of the route may serve."""


class Result(StrEnum):
    """What one try came to."""

    ACCEPTED = "accepted"  # the provider has it
    REJECTED = "rejected"  # certainly refused: permanent for this account
    RETRY = "retry"  # certainly not taken: may be tried again later
    UNKNOWN = "unknown"  # maybe taken


class Attachment(msgspec.Struct, frozen=True, gc=False):
    """A file that goes along with a mail. `media_type` is such as `text/html`."""

    name: str
    media_type: str
    content: bytes


class OutboundMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an adapter gets: one text or email to one recipient from one sender.

    `id` is ours and goes along where the provider has a field for it; `callback_url` is where
    receipts shall come, `''` for none; `expires_at` is when the text is worthless. An email has a
    `title` (its subject line), `markup` (its body as Markdown, values escaped; `body` is the plain
    text) and the address of the recipient's opt-out page, `''` for none; `attachments` are for
    mails that a person asks for, which wait in no outbox.
    """

    id: str
    recipient: str
    body: str
    encoding: str
    sender: str = ""
    callback_url: str = ""
    expires_at: datetime | None = None
    title: str = ""
    markup: str = ""
    opt_out_url: str = ""
    attachments: tuple[Attachment, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the provider's answer means for one message."""

    message_id: str
    result: Result
    provider_message_id: str = ""
    error: ErrorWord | None = None
    raw_code: str = ""
    raw_text: str = ""
    http_status: int = 0
    retry_after_s: float | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of the outbox.

    `recipient` is who is really texted; `kind`, `subject`, `occasion` and `rule` are its key.
    `not_before` is when it may leave, `expires_at` when it is given up. `told_by` is `receipt` or
    `lookup` when the state is the provider's later word, and `told_at` when that came about.
    `purpose` is `service` or `marketing`: an opt-out may be of one purpose alone. `title` is an
    email's subject line, `markup` its body as Markdown with the values escaped. `digest` is the
    window in which it waits, or waited, for others; `carried_by` what went in its place.
    """

    id: str
    state: MessageState
    subject: str = ""
    mode: str = "sandbox"
    kind: str = ""
    rule: str = ""
    occasion: str = ""
    channel: str = "sms"
    recipient: str
    intended: str = ""
    country: str = ""
    job: str = ""
    attempt: int = 1
    event: str = ""
    event_time: datetime | None = None
    body: str = ""
    encoding: str = "GSM7"
    segments: int = 1
    priority: Priority = Priority.NORMAL
    route: str = "default"
    account: str = ""
    sender: str = ""
    on_unknown: str = "hold"
    provider_message_id: str = ""
    error: str = ""
    error_text: str = ""
    gate: str = ""
    reason: str = ""
    attempts: int = 0
    run: str = ""
    not_before: datetime | None = None
    expires_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    told_by: str = ""
    told_at: datetime | None = None
    purpose: str = "service"
    title: str = ""
    markup: str = ""
    digest: str = ""
    carried_by: str = ""

    @property
    def state_at(self) -> datetime:
        """When the present state came about: by the provider's clock when it told us."""
        return self.told_at or self.updated_at

    def as_json(self) -> dict[str, object]:
        """The outside shape: `{"type": "message", "id": …, "state": …, …}`."""
        heading: dict[str, object] = {"subject": self.title} if self.channel != SMS else {}
        told: dict[str, object] = {
            "type": "message",
            "id": self.id,
            "state": self.state.value,
            "rule": self.rule,
            "job": self.job,
            "event": self.event,
            "mode": self.mode,
            "channel": self.channel,
            "recipient": self.recipient,
            "account": self.account,
            "sender": self.sender,
            "provider_message_id": self.provider_message_id,
            "error": self.error,
            "reason": self.reason,
            "carried_by": self.carried_by,
            "attempts": self.attempts,
            "body": self.body,
            "encoding": self.encoding,
            "segments": self.segments,
            "not_before": self.not_before.isoformat() if self.not_before else None,
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "told_by": self.told_by,
            "told_at": self.told_at.isoformat() if self.told_at else None,
        }
        return told | heading


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One try to hand a message to a provider account. `latency_ms` is request to answer."""

    message_id: str
    account: str
    at: datetime
    latency_ms: float
    result: Result
    error: str = ""
    http_status: int = 0
    raw_code: str = ""
    raw_text: str = ""
    provider_message_id: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A provider's later word on a message. `state` is None for a word that we do not know."""

    provider_message_id: str = ""
    message_id: str = ""
    state: MessageState | None = None
    error: ErrorWord | None = None
    raw_word: str = ""
    raw_code: str = ""
    at: datetime | None = None
    price: str = ""
    currency: str = ""
    segments: int = 0


class InboundMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A text from a person to one of our numbers."""

    provider_message_id: str
    sender: str
    to: str
    body: str
    at: datetime | None = None
    media: tuple[str, ...] = ()
    keyword: str = ""
