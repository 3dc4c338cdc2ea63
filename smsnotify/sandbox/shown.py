"""What the pages say of texts, phones and senders."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.model.message import MessageState
from smsnotify.providers.base import is_numeric
from smsnotify.sandbox.texts import Account, Phone, Text

_STATES: Final = {
    MessageState.ACCEPTED: "on its way",
    MessageState.SENT: "at the operator",
    MessageState.DELIVERED: "delivered",
    MessageState.UNDELIVERED: "undelivered",
    MessageState.CANCELLED: "cancelled",
}


_LINK: Final = re.compile(r"https?://[^\s<>\"']+")
_AFTER_LINK: Final = ".,;:!?)"


class Piece(msgspec.Struct, frozen=True):
    """A part of a text; `href` is `''` where it is no link."""

    text: str
    href: str = ""


class Bubble(msgspec.Struct, frozen=True, kw_only=True):
    """A text as the phone page shows it."""

    id: str
    pieces: list[Piece]
    mine: bool
    sender: str
    by: str
    state: str
    tone: str
    size: str
    at: datetime
    note: str


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom a person may answer: `key` is what the form sends back."""

    key: str
    told: str
    can_receive: bool


class PhoneLine(msgspec.Struct, frozen=True, kw_only=True):
    """A phone in the list of all."""

    number: str
    digits: str
    count: int
    last: str
    mine: bool
    at: datetime | None
    troubles: list[str]


def bubble(text: Text) -> Bubble:
    """Return what the page shows of a text."""
    plural = "" if text.size.segments == 1 else "s"
    state, tone = _state(text)
    return Bubble(
        id=text.id,
        pieces=pieces(text.body),
        mine=text.inbound,
        sender=text.ours or "no sender id",
        by=text.speech.value,
        state=state,
        tone=tone,
        size=f"{text.size.segments} segment{plural} {text.size.encoding.value}",
        at=text.created_at,
        note=text.note,
    )


def pieces(body: str) -> list[Piece]:
    """Cut a text at its links, as a phone does: what ends a sentence is no part of one."""
    found, place = [], 0
    for link in _LINK.finditer(body):
        href = link.group().rstrip(_AFTER_LINK)
        found += [Piece(body[place : link.start()]), Piece(href, href)]
        place = link.start() + len(href)
    return [piece for piece in (*found, Piece(body[place:])) if piece.text]


def _state(text: Text) -> tuple[str, str]:
    if text.inbound:
        return "sent by you", "good"
    if text.state is MessageState.ACCEPTED and text.starts_at is not None:
        return "scheduled", "open"
    told = _STATES.get(text.state, text.state.value)
    if text.state is MessageState.DELIVERED:
        return told, "good"
    if text.trouble is not None:
        return f"{told}: {text.trouble.value}", "bad"
    return told, "open"


def conversation(account: Account, ours: str) -> Conversation:
    """Return how the form names a sender; a word cannot receive anything."""
    return Conversation(
        key=f"{account.speech.value}|{account.id}|{ours}",
        told=f"{ours} ({account.speech.value})",
        can_receive=is_numeric(ours),
    )


def phone_line(phone: Phone) -> PhoneLine:
    """Return a phone's line in the list."""
    last = phone.texts[-1] if phone.texts else None
    return PhoneLine(
        number=phone.number,
        digits=phone.number.lstrip("+"),
        count=len(phone.texts),
        last=last.body if last else "",
        mine=last is not None and last.inbound,
        at=last.created_at if last else None,
        troubles=troubles(phone),
    )


def troubles(phone: Phone) -> list[str]:
    """Return what is the matter with a phone, in words."""
    told = {
        "off": phone.is_off,
        "number gone": phone.is_gone,
        "slow receipts": phone.is_slow,
        "said STOP": bool(phone.blocked),
    }
    return [word for word, is_so in told.items() if is_so]
