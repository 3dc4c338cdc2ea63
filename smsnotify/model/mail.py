"""A mail on its way to a mail server, and what the server said."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

Tls = Literal["starttls", "tls", "none"]


class MailServer(msgspec.Struct, frozen=True):
    """Where mails are handed over."""

    host: str
    port: int
    tls: Tls = "starttls"


class Mail(msgspec.Struct, frozen=True, gc=False):
    """One mail as it goes over the line: bare addresses, and the whole of it as bytes."""

    sender: str
    recipient: str
    content: bytes


class MailStep(StrEnum):
    """How far a conversation with a mail server came."""

    GREETING = "greeting"  # connecting, TLS, EHLO
    LOGIN = "login"
    SENDER = "sender"  # MAIL FROM
    RECIPIENT = "recipient"  # RCPT TO
    CONTENT = "content"  # DATA and the mail


class MailAnswer(msgspec.Struct, frozen=True, gc=False):
    """The server's last word: at which step, its code (250, 550 …) and text."""

    step: MailStep
    code: int
    text: str = ""
