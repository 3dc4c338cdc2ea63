"""Recorded texts from people, one a line: our own shape, or a provider's call as it came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from smsnotify.base.errors import EventError, WebhookError
from smsnotify.model.message import InboundMessage
from smsnotify.providers.base import WebhookCall
from smsnotify.text.phone import read_number

_LONGEST: Final = 100_000


class Recorder:
    """Reads recorded lines for the accounts of a desk."""

    def __init__(self, accounts: Mapping[str, Any], *, default: str, country: str) -> None:
        """`accounts` are by name; `default` is for lines that name none, `''` for nobody."""
        self._accounts = accounts
        self._default = default
        self._country = country

    def read(self, line: bytes) -> tuple[str, list[InboundMessage]]:
        """Return the account and the texts of one line; no text for a call about something else.

        Raises:
            EventError: the line cannot be read; it says why.
        """
        told = line.strip()
        if len(told) > _LONGEST:
            raise EventError(f"the line is longer than {_LONGEST:,} bytes")
        if not told.startswith((b"{", b"[")):
            return self._raw(told, "application/x-www-form-urlencoded")
        try:
            read = msgspec.json.decode(told)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise EventError("the line is not JSON", hint='{"from": "+65…", "body": "…"}') from None
        if isinstance(read, list) or "payload" in read:
            return self._raw(told, "application/json")
        if "MessageSid" in read or "SmsSid" in read:
            form = urlencode({name: str(value) for name, value in read.items()})
            return self._raw(form.encode(), "application/x-www-form-urlencoded")
        return self._own(read)

    def _account(self, name: object) -> str:
        written = name if isinstance(name, str) and name else self._default
        if not written:
            raise EventError(
                "the line names no account", hint='add "account": "…", or use --account'
            )
        if written not in self._accounts:
            names = ", ".join(self._accounts) or "none"
            raise EventError(f"there is no account {written!r}", hint=f"the accounts are: {names}")
        return written

    def _raw(self, body: bytes, kind: str) -> tuple[str, list[InboundMessage]]:
        account = self._account("")
        call = WebhookCall(url="", headers={"content-type": kind}, body=body)
        try:
            return account, self._accounts[account].provider.parse_inbound(call)
        except (WebhookError, AttributeError) as error:
            told = error.message if isinstance(error, WebhookError) else "it takes no calls"
            raise EventError(f"the account {account!r} cannot read the line: {told}") from None

    def _own(self, read: dict[str, Any]) -> tuple[str, list[InboundMessage]]:
        account = self._account(read.get("account"))
        unknown = read.keys() - {"account", "from", "to", "body", "id", "at", "media", "keyword"}
        if unknown:
            raise EventError(
                f"the key {min(unknown)!r} is not known",
                hint="the keys are account, from, to, body, id, at, media and keyword",
            )
        media = read.get("media") or []
        if isinstance(media, str):
            media = [media]
        texts = {name: read.get(name, "") for name in ("body", "id", "keyword")}
        if not all(isinstance(text, str) for text in (*texts.values(), *media)):
            raise EventError("body, id, keyword and media must be text in quotes")
        message = InboundMessage(
            provider_message_id=texts["id"],
            sender=self._number(read, "from", needed=True),
            to=self._number(read, "to", needed=False),
            body=texts["body"],
            at=_instant(read.get("at")),
            media=tuple(media),
            keyword=texts["keyword"],
        )
        return account, [message]

    def _number(self, read: Mapping[str, Any], name: str, *, needed: bool) -> str:
        written = read.get(name, "")
        if not isinstance(written, str) or (needed and not written.strip()):
            raise EventError(f"{name!r} is missing", hint=f'"{name}": "+6591230000"')
        found = read_number(written, "", self._country)
        return found.e164 or written.strip()


def _instant(written: object) -> datetime | None:
    if written in (None, ""):
        return None
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        raise EventError("'at' is no time", hint='"at": "2026-03-02T12:00:00+08:00"') from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
