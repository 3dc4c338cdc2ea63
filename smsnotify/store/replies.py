"""Texts from people, kept as they came; who they are and what they want is decided later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from smsnotify.base.ids import new_id
from smsnotify.model.message import InboundMessage
from smsnotify.store.instants import to_micros
from smsnotify.store.statements import insert_rows
from smsnotify.store.unstorable import storable

_COLUMNS = (
    "id",
    "account",
    "provider_message_id",
    "sender",
    "to_number",
    "body",
    "media",
    "keyword",
    "at",
    "received_at",
)


def note_replies(
    connection: Connection, account: str, messages: Sequence[InboundMessage], now: datetime
) -> int:
    """Keep inbound texts once each; return how many were new."""
    return insert_rows(
        connection,
        "replies",
        _COLUMNS,
        [_row(account, message, now) for message in messages],
        "(account, provider_message_id) DO NOTHING",
    )


def _row(account: str, message: InboundMessage, now: datetime) -> tuple[object, ...]:
    return (
        new_id(now),
        account,
        storable(message.provider_message_id) or _made_up_id(message),
        storable(message.sender),
        storable(message.to),
        storable(message.body),
        json.dumps([storable(address) for address in message.media]),
        storable(message.keyword),
        to_micros(message.at),
        to_micros(now),
    )


def _made_up_id(message: InboundMessage) -> str:
    """Name a text that the provider gave no id, so that its replay has the same name."""
    parts = (message.sender, message.to, message.body, str(message.at))
    told = "\x1f".join(parts).encode("utf-8", "replace")
    return f"none:{hashlib.sha256(told).hexdigest()}"
