"""Alarms to the firm's own people through apprise: chats, pagers and a hundred more.

An account is a list of apprise's addresses. They hold tokens, so every one is a secret. The
library has a network of its own; the engine's alarm carrier calls it, in a thread. It says of each
address yes or no and nothing more, so `accepted` is the last word.
Source: https://github.com/caronc/apprise/wiki (November 2026).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from pydantic import Field, field_validator, model_validator

from smsnotify.base.errors import ConfigError
from smsnotify.base.secrets import Secret
from smsnotify.model.alarm import Alarm, AlarmWord
from smsnotify.model.message import ErrorWord, OutboundMessage, Outcome, Result
from smsnotify.model.rule import APPRISE
from smsnotify.providers.adapter import SilentAdapter
from smsnotify.providers.base import (
    AccountSettings,
    Capabilities,
    CheckResult,
    SecretField,
)

_OF_TEXTS: Final = ("sender", "senders", "countries", "base_url", "webhook_token")


class AppriseSettings(AccountSettings):
    """`[accounts.NAME]` with `provider = "apprise"`; `urls` are apprise's addresses.

    One alarm goes out after the other: what the plug-ins of apprise share among calls is their own.
    """

    provider: Literal["apprise"] = "apprise"
    urls: tuple[SecretField, ...] = Field(min_length=1)
    concurrency: int = Field(default=1, ge=1, le=16)

    @field_validator("urls")
    @classmethod
    def _addresses(cls, urls: tuple[Secret, ...]) -> tuple[Secret, ...]:
        if any(secret.is_plain and not _is_address(secret.reveal()) for secret in urls):
            raise ValueError("each is an address of apprise: slack://…, json://host, mailto://…")
        return urls

    @model_validator(mode="after")
    def _together(self) -> AppriseSettings:
        for key in _OF_TEXTS:
            if key in self.model_fields_set:
                raise ValueError(f"{key} changes nothing for alarms: take it out")
        return self


class Apprise(SilentAdapter[AppriseSettings]):
    """Some places where the firm's own people look."""

    name: ClassVar[str] = "apprise"
    title: ClassVar[str] = "Apprise (staff alarms)"
    docs: ClassVar[str] = "https://github.com/caronc/apprise/wiki"
    local: ClassVar[bool] = False
    capabilities: ClassVar[Capabilities] = Capabilities(channel=APPRISE, transport="alarm")
    settings_type: ClassVar[type[AccountSettings]] = AppriseSettings

    def can_receive(self, sender: str) -> bool:
        """Nobody answers an alarm here."""
        return False

    def addresses(self) -> tuple[str, ...]:
        """Return where this account's alarms go, with the tokens in them.

        Raises:
            ConfigError: one cannot be read, or is no address.
        """
        read = tuple(self._reveal(secret) for secret in self.settings.urls)
        for number, address in enumerate(read, 1):
            if not self._masked and not _is_address(address):
                raise ConfigError(
                    f"url {number} of the account is no address of apprise",
                    hint="it begins with the service: slack://…, json://host",
                )
        return read

    def build_alarm(self, message: OutboundMessage) -> Alarm:
        """Return what shall be read everywhere."""
        return Alarm(" ".join(message.title.split()), message.body)

    def parse_alarm(self, message: OutboundMessage, words: Sequence[AlarmWord]) -> Outcome:
        """Say what the words of all addresses, in their order, mean for an alarm."""
        took = sum(word is AlarmWord.TOOK for word in words)
        if took == len(words):
            return Outcome(message_id=message.id, result=Result.ACCEPTED)
        result, error = _meaning(words)
        told = f"{took} of {len(words)} addresses took it"
        if AlarmWord.NO_ADDRESS in words:
            told += f"; apprise cannot read number {words.index(AlarmWord.NO_ADDRESS) + 1}"
        return Outcome(message_id=message.id, result=result, error=error, raw_text=told)

    def parse_check(self, words: Sequence[AlarmWord]) -> CheckResult:
        """Say whether apprise can read every address; none of them is tried."""
        if AlarmWord.NO_ADDRESS in words:
            number = words.index(AlarmWord.NO_ADDRESS) + 1
            told = f"apprise cannot read address {number}, or has no such service"
            return CheckResult(ok=False, detail=told, error=ErrorWord.BAD_CREDENTIALS)
        count = f"{len(words)} address" + ("" if len(words) == 1 else "es")
        return CheckResult(ok=True, detail=f"{count} that apprise can read; none was tried")


def _meaning(words: Sequence[AlarmWord]) -> tuple[Result, ErrorWord]:
    """Return what it means that not every address took an alarm: the doubtful comes first."""
    if AlarmWord.SILENT in words:
        return Result.UNKNOWN, ErrorWord.PROVIDER_DOWN
    if AlarmWord.REFUSED in words:
        return Result.RETRY, ErrorWord.PROVIDER_DOWN
    return Result.REJECTED, ErrorWord.BAD_CREDENTIALS


def _is_address(written: str) -> bool:
    scheme, mark, rest = written.partition("://")
    return bool(mark and rest and scheme.isascii() and scheme.isprintable() and " " not in scheme)
