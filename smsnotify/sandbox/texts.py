"""What the local provider knows: texts, the phones that they go to, and who sends them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from smsnotify.model.message import MessageState
from smsnotify.model.size import TextSize


class Speech(StrEnum):
    """Whose HTTP a text came by."""

    EIGHT = "8x8"
    TWILIO = "twilio"


class Trouble(StrEnum):
    """Why a text did not reach its phone."""

    OFF = "phone off"
    GONE = "number gone"
    EXPIRED = "too late"


class Text(msgspec.Struct, kw_only=True, eq=False):
    """One text, to a phone or from it; it changes while the network works on it.

    `phone` is the person's number in E.164 and `ours` the sender id or number on our side, `''`
    when the account picks it. `account` is the account SID or the sub-account. `callback_url` is
    where its receipts go, `''` for none. `gives_up_at` is when the network stops trying,
    `starts_at` when a scheduled text leaves. `note` says what is unusual about it.
    """

    id: str
    order: int
    speech: Speech
    account: str
    phone: str
    ours: str
    body: str
    size: TextSize
    created_at: datetime
    updated_at: datetime
    inbound: bool = False
    state: MessageState = MessageState.ACCEPTED
    trouble: Trouble | None = None
    sent_at: datetime | None = None
    client_id: str = ""
    batch_id: str = ""
    client_batch_id: str = ""
    service: str = ""
    callback_url: str = ""
    gives_up_at: datetime | None = None
    starts_at: datetime | None = None
    note: str = ""

    @property
    def is_final(self) -> bool:
        """Whether nothing more can become of it."""
        return self.state not in (MessageState.ACCEPTED, MessageState.SENT)

    def move(self, state: MessageState, at: datetime, trouble: Trouble | None = None) -> None:
        """Note what the network says of it."""
        self.state, self.updated_at, self.trouble = state, at, trouble
        if self.sent_at is None and state is not MessageState.CANCELLED:
            self.sent_at = at


class Phone(msgspec.Struct, kw_only=True, eq=False):
    """A number, its texts in the order in which they came up, and what is the matter with it.

    `blocked` holds (speech, sender or service) pairs that the person said STOP to: Twilio keeps
    such a list itself.
    """

    number: str
    texts: list[Text] = []
    is_off: bool = False
    is_gone: bool = False
    is_slow: bool = False
    blocked: set[tuple[Speech, str]] = set()

    @property
    def waiting(self) -> list[Text]:
        """The texts that the network has and the phone has not."""
        return [text for text in self.texts if text.state is MessageState.SENT]


class Account(msgspec.Struct, kw_only=True, eq=False):
    """Who sends: what it must prove itself with, and where its webhooks go.

    `id` is the account SID, or the sub-account. `users` are the Basic users with their passwords
    (Twilio); `key` is the API key (8x8). `auth_token` signs Twilio's webhooks and `webhook_token`
    is 8x8's Authorization value. `hook` is the address for texts from people and for receipts
    whose text names none. `is_known` is False for one that was met in a request.
    """

    speech: Speech
    id: str
    name: str = ""
    users: dict[str, str] = {}
    key: str = ""
    auth_token: str = ""
    webhook_token: str = ""
    hook: str = ""
    is_known: bool = True
    senders: dict[str, None] = {}
