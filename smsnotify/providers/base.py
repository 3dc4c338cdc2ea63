"""What every provider adapter is made of: settings, capabilities, ports and common answers.

An adapter does no input or output. It builds requests and reads answers; whoever has a network
carries them. So one adapter serves the live send, the request preview and the contract tests.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol
from urllib.parse import urlsplit

import msgspec
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from smsnotify.base.errors import ConfigError
from smsnotify.base.secrets import Secret
from smsnotify.model.alarm import Alarm, AlarmWord
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.model.mail import Mail, MailAnswer, MailServer
from smsnotify.model.message import (
    ErrorWord,
    InboundMessage,
    OutboundMessage,
    Outcome,
    Receipt,
)


def _read_secret(written: Any, info: ValidationInfo) -> Secret:
    base: Path | None = (info.context or {}).get("base")
    try:
        return Secret.parse(written, base)
    except ConfigError as error:
        raise ValueError(error.message) from None


SecretField = Annotated[
    Secret,
    BeforeValidator(_read_secret),
    PlainSerializer(Secret.describe, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "properties": {"env": {"type": "string"}}},
                {"type": "object", "properties": {"file": {"type": "string"}}},
            ]
        }
    ),
]
"""A secret in a settings model; validate with `context={"base": folder of the settings file}`."""


class AccountSettings(BaseModel):
    """What every `[accounts.NAME]` table may hold; each adapter adds its own keys.

    `senders` is by ISO 3166 country of the destination; `countries` None means every country.
    `messages_per_second` None means no limit of ours.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
        defer_build=True,  # few of the providers have an account
    )

    provider: str
    sender: str | None = Field(default=None, min_length=1)
    senders: dict[str, str] = {}
    countries: list[str] | None = None
    messages_per_second: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    concurrency: int = Field(default=32, ge=1, le=1024)
    base_url: str | None = None
    webhook_token: SecretField | None = None

    @field_validator("senders")
    @classmethod
    def _senders_by_country(cls, senders: dict[str, str]) -> dict[str, str]:
        read = {_country(country): sender.strip() for country, sender in senders.items()}
        if not all(read.values()):
            raise ValueError("a sender is empty")
        return read

    @field_validator("countries")
    @classmethod
    def _country_codes(cls, countries: list[str] | None) -> list[str] | None:
        return None if countries is None else [_country(country) for country in countries]

    @field_validator("base_url")
    @classmethod
    def _web_address(cls, base_url: str | None) -> str | None:
        if base_url is None:
            return None
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url is a web address: https://host or http://host:port")
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("base_url has no query, no fragment and no password in it")
        return base_url.rstrip("/")

    def sender_for(self, country: str) -> str:
        """Return the sender for a destination country (ISO2 or `''`); `''` when none is set."""
        return self.senders.get(country.upper()) or self.sender or ""

    def serves(self, country: str) -> bool:
        """Say whether a route may use this account for a destination country."""
        return self.countries is None or country.upper() in self.countries


def _country(code: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", code.strip()):
        raise ValueError("a country is written as two letters (ISO 3166): SG")
    return code.strip().upper()


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider can do; asked before queueing, never guessed from its name.

    `channel` is `sms`, `email`, `apprise`, or `any` for a provider that takes every one.
    `transport` is who carries what a provider that is not local sends: it is an `HttpProvider`, a
    `MailProvider` or an `AlarmProvider`.
    `batch` is the most messages in one request (1 = no batches); `lookups_per_second` None means
    that no limit is documented; `max_characters` counts UTF-16 units, 0 = not documented;
    `inbound_answer` is the XML that a call with a text from a person is answered with.
    """

    channel: str = "sms"
    transport: Literal["http", "mail", "alarm"] = "http"
    batch: int = 1
    lookup_by_id: bool = False
    lookup_by_recipient: bool = False
    lookups_per_second: float | None = None
    receipts: bool = False
    inbound: bool = False
    signed_webhooks: bool = False
    inbound_answer: str = ""
    balance: bool = False
    prices: bool = False
    max_segments: int = 10
    max_characters: int = 0


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the credentials work. `detail` is for people, without numbers or secrets."""

    ok: bool
    detail: str
    error: ErrorWord | None = None
    http_status: int = 0


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Prepaid money left. `amount` is a decimal text; `''` when `detail` says why not."""

    amount: str = ""
    currency: str = ""
    detail: str = ""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What one outbound segment costs; `amount` is a decimal text, `operator` `''` for all."""

    country: str
    operator: str
    amount: str
    currency: str


class LookupAnswer(StrEnum):
    """What a look-up came to."""

    FOUND = "found"
    ABSENT = "absent"
    UNCLEAR = "unclear"  # an error, an unreadable answer, or more pages to read


class LookupResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider knows of a message.

    `candidates` fit the message, the earliest first; the caller leaves out those whose
    `provider_message_id` another message already has (`unlinked`). `more` is the request for the
    next page, to be asked before ABSENT is believed. `retry_after_s` belongs to UNCLEAR.
    """

    answer: LookupAnswer
    candidates: tuple[Receipt, ...] = ()
    more: HttpRequest | None = None
    retry_after_s: float | None = None
    error: ErrorWord | None = None
    detail: str = ""

    def unlinked(self, linked: Collection[str]) -> Receipt | None:
        """Return the earliest candidate whose provider id is not in `linked`."""
        return next((r for r in self.candidates if r.provider_message_id not in linked), None)


class WebhookCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request that came to one of our hooks.

    `url` is the public address as the provider wrote it, with query (behind a proxy: made from
    `public_url`); header names in lower case; `path_token` is the last part of
    `/hooks/{account}/{token}`, `''` without one.
    """

    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    method: str = "POST"
    path_token: str = ""


class Provider(Protocol):
    """What an account can be asked whatever its provider.

    Constructed as `cls(settings)`, or `cls(settings, masked=True)` for a request to be shown:
    then `***` stands wherever a secret would, and no secret is read.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    docs: ClassVar[str]
    local: ClassVar[bool]
    capabilities: ClassVar[Capabilities]
    settings_type: ClassVar[type[AccountSettings]]

    def __init__(self, settings: Any, *, masked: bool = False) -> None:
        """Take settings of `settings_type`."""

    @property
    def settings(self) -> AccountSettings:
        """The account's settings."""

    def sender_for(self, country: str) -> str:
        """Return the sender for a destination country, `''` when the provider picks it."""

    def can_receive(self, sender: str) -> bool:
        """Say whether replies to a sender can come back."""


class LocalProvider(Provider, Protocol):
    """A provider that needs no network: `local` is True."""

    def send(self, messages: Sequence[OutboundMessage]) -> list[Outcome]:
        """Take the messages; one outcome per message, same order."""

    def receipts_for(self, outcomes: Sequence[Outcome]) -> list[Receipt]:
        """Return the receipts that are known at once, to be applied after the outcomes."""


class MailProvider(Provider, Protocol):
    """A provider behind a mail server: `local` is False, `capabilities.transport` is `mail`."""

    def server(self) -> MailServer:
        """Return where mails are handed over."""

    def login(self) -> tuple[str, str] | None:
        """Return user name and password; None when there is no log-in.

        Raises:
            ConfigError: the password cannot be read.
        """

    def build_mail(self, message: OutboundMessage) -> Mail:
        """Write a mail; two tries of one message have one Message-ID.

        Raises:
            ConfigError: an address cannot be written in a mail.
        """

    def parse_answer(self, message: OutboundMessage, answer: MailAnswer) -> Outcome:
        """Read the server's last word on a mail; never raises."""

    def parse_check(self, answer: MailAnswer) -> CheckResult:
        """Read the answer to a log-in; never raises."""


class AlarmProvider(Provider, Protocol):
    """A provider behind a library of its own: `local` is False, the transport is `alarm`."""

    def addresses(self) -> tuple[str, ...]:
        """Return where alarms go, with the tokens in them.

        Raises:
            ConfigError: one cannot be read.
        """

    def build_alarm(self, message: OutboundMessage) -> Alarm:
        """Return what shall be read at every address."""

    def parse_alarm(self, message: OutboundMessage, words: Sequence[AlarmWord]) -> Outcome:
        """Read the words of all addresses, in their order; never raises."""

    def parse_check(self, words: Sequence[AlarmWord]) -> CheckResult:
        """Read what a library says of the addresses; never raises."""


class HttpProvider(Provider, Protocol):
    """A provider behind HTTP: `local` is False.

    Every `build_…` may raise ConfigError when a secret cannot be read; no `parse_…` ever raises
    for what a provider answers, except the webhook ones (WebhookError).
    """

    def build_request(self, messages: Sequence[OutboundMessage]) -> HttpRequest:
        """Build the send of 1 to `capabilities.batch` messages."""

    def parse_response(
        self, messages: Sequence[OutboundMessage], response: HttpResponse
    ) -> list[Outcome]:
        """Read the answer to `build_request`: one outcome per message, same order."""

    def must_split(self, messages: Sequence[OutboundMessage], response: HttpResponse) -> bool:
        """Say that a whole batch was refused for what may be one message's fault.

        Then nothing was taken, `parse_response` says RETRY for all, and each should be sent in a
        request of its own.
        """

    def is_transient(self, raw_code: str) -> bool:
        """Say whether a receipt's error code is worth one later resend."""

    def build_check(self) -> HttpRequest:
        """Build a request that costs nothing and proves the credentials."""

    def parse_check(self, response: HttpResponse) -> CheckResult:
        """Read the answer to `build_check`."""

    def build_lookup(
        self, message: OutboundMessage, provider_message_id: str = ""
    ) -> HttpRequest | None:
        """Ask what became of a message; None when the provider cannot be asked with this."""

    def parse_lookup(
        self,
        message: OutboundMessage,
        response: HttpResponse,
        *,
        provider_message_id: str = "",
        started_at: datetime | None = None,
    ) -> LookupResult:
        """Read the answer. `started_at` is when the doubtful request went out."""

    def build_balance(self) -> HttpRequest | None:
        """Ask for the prepaid balance; None when the provider or the settings have no such call."""

    def parse_balance(self, response: HttpResponse) -> Balance:
        """Read the answer to `build_balance`."""

    def build_prices(self, country: str = "") -> HttpRequest | None:
        """Ask for the outbound prices of one country or all; None when there is no such call."""

    def parse_prices(self, response: HttpResponse) -> list[Price]:
        """Read the answer to `build_prices`; empty when it cannot be read."""

    def verify(self, call: WebhookCall) -> None:
        """Check that a call comes from the provider.

        Raises:
            WebhookError: the proof is missing or wrong.
        """

    def parse_receipts(self, call: WebhookCall) -> list[Receipt]:
        """Read delivery receipts; empty when the call is about something else.

        Raises:
            WebhookError: the body cannot be read.
        """

    def parse_inbound(self, call: WebhookCall) -> list[InboundMessage]:
        """Read texts from people; empty when the call is about something else.

        Raises:
            WebhookError: the body cannot be read.
        """


def is_numeric(sender: str) -> bool:
    """Say whether a sender is a number (long or short), so that replies can reach it."""
    return bool(re.fullmatch(r"\+?[0-9]{3,15}", sender))
