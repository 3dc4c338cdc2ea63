"""What may stand in `sms-notify.toml`.

The accounts are checked by their providers' own models (`wiring/accounts.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, PrivateAttr

from smsnotify.model.decision import Mode
from smsnotify.model.fault import Fault
from smsnotify.providers.base import AccountSettings, SecretField
from smsnotify.wiring import values

DETRACK_URL: Final = "https://app.detrack.com/api/v2"


Country = Annotated[str, PlainValidator(values.country)]
Number = Annotated[str, PlainValidator(values.number)]
EmailAddress = Annotated[str, PlainValidator(values.email)]
Recipient = Annotated[str, PlainValidator(values.recipient)]
Colleague = Annotated[str, PlainValidator(values.colleague)]
Zone = Annotated[str, PlainValidator(values.zone)]
WebAddress = Annotated[str, PlainValidator(values.web_address)]
DatabaseUrl = Annotated[str, PlainValidator(values.database_url)]
Route = Annotated[tuple[tuple[str, ...], ...], PlainValidator(values.route)]
Latency = Annotated[timedelta, PlainValidator(values.latency)]
Span = Annotated[timedelta, PlainValidator(values.span)]
PageLanguage = Annotated[str, PlainValidator(values.page_language)]
SessionSpan = Annotated[timedelta, PlainValidator(values.session_span)]
CapOfTexts = Annotated[values.Limits | None, PlainValidator(values.cap)]
CapOfMoney = Annotated[values.Limits | None, PlainValidator(values.money_cap)]
Colour = Annotated[str, PlainValidator(values.colour)]
ContactLink = Annotated[str, PlainValidator(values.contact_link)]
Network = Annotated[str, PlainValidator(values.network)]
Words = Annotated[tuple[str, ...], BeforeValidator(values.as_list)]
Paths = Annotated[tuple[str, ...], BeforeValidator(values.as_list)]


class _Part(BaseModel):
    """A table of the file: unknown keys are mistakes, and nothing changes after reading.

    Most files have few of the tables. The validators of all are built once, within those of the
    whole; a table that is left out is made without any.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        defer_build=True,
    )


class VolumeGuard(_Part):
    """When a run asks before it sends: more people than `first_live`, or than usual times this."""

    first_live: int = Field(default=200, ge=0)
    times_usual: float = Field(default=5, ge=1)


NO_GUARD: Final = VolumeGuard.model_construct(first_live=sys.maxsize)
"""`volume_guard = false`: a limit that no run reaches."""


def _volume_guard(written: object) -> object:
    if written is False:
        return NO_GUARD
    return VolumeGuard() if written is True else written


class Detrack(_Part):
    """Where `pull detrack` reads jobs."""

    api_key: SecretField
    base_url: WebAddress = DETRACK_URL


class Prices(BaseModel):
    """Money per segment, by provider and destination country."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)
    __pydantic_extra__: dict[str, dict[Country, Annotated[Decimal, Field(ge=0)]]] = Field(
        init=False
    )

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")

    @property
    def amounts(self) -> Mapping[str, Mapping[str, Decimal]]:
        """`{"8x8": {"SG": Decimal("0.04")}}`."""
        return self.__pydantic_extra__ or {}

    def of(self, provider: str, country: str) -> Decimal | None:
        """Return the price of one segment, None when it is not in the table."""
        return self.amounts.get(provider, {}).get(country)


class RecipientCaps(_Part):
    """How many texts one recipient gets at most, over all rules."""

    per_hour: CapOfTexts = None
    per_day: CapOfTexts = None


class CountryCaps(_Part):
    """How many texts go to one country at most, and for how much money."""

    per_day: CapOfTexts = None
    money_per_day: CapOfMoney = None


class CapSettings(_Part):
    """How many texts the desk sends at most, and for how much money."""

    per_run: CapOfTexts = None
    per_day: CapOfTexts = None
    money_per_run: CapOfMoney = None
    money_per_day: CapOfMoney = None
    recipient: RecipientCaps = Field(default_factory=RecipientCaps.model_construct)
    countries: dict[Country, CountryCaps] = {}


NO_CAPS: Final = CapSettings.model_construct()


class SandboxSettings(_Part):
    """How `sms-notify sandbox` behaves where its command line says nothing."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8788, ge=0, le=65535)
    notify: WebAddress = ""
    faults: dict[Fault, Annotated[float, Field(ge=0, le=1)]] = {}
    latency: Latency = timedelta()
    retry_after: int = Field(default=2, ge=0, le=3600)
    slow: Span = timedelta(seconds=60)
    seed: int | None = None


class TrackingSettings(_Part):
    """The page behind `{{ tracking_link }}` where a job brings no link of its own.

    `fields` are what a visitor sees of the job, in this order. `logo` is a file.
    """

    enabled: bool = False
    fields: Annotated[tuple[str, ...], PlainValidator(values.shown_fields)] = (
        "do_number",
        "time_window",
        "eta_time",
        "live_eta",
    )
    brand: str = Field(default="", max_length=60)
    logo: str = ""
    colour: Colour = "#1f4b99"
    contact: ContactLink = ""
    driver_name: bool = False
    proof: bool = False
    keep_days: int = Field(default=14, ge=1, le=80)


class Forwarding(StrEnum):
    """Which headers a proxy tells the caller in; the others are not read."""

    X_FORWARDED = "x-forwarded"
    RFC_7239 = "forwarded"


class ServeSettings(_Part):
    """How `sms-notify serve` meets the world.

    `trusted_proxies` are addresses and networks whose word about the caller counts.
    """

    trusted_proxies: tuple[Network, ...] = ()
    forwarded: Forwarding = Forwarding.X_FORWARDED
    access_log: bool = False


class ConsoleSettings(_Part):
    """The pages at `/console` for those who run the desk."""

    enabled: bool = True
    session: SessionSpan = timedelta(hours=12)
    idle: SessionSpan = timedelta(hours=2)


class OwnAnswers(_Part):
    """What people get after STOP, START and HELP, in the firm's words; `""` for nothing.

    `choice` asks which of two open questions an answer meant; the numbers follow.
    """

    stop: str | None = None
    start: str | None = None
    help: str | None = None
    choice: str | None = None


class OwnWords(_Part):
    """Words of one language that mean STOP, START or HELP, besides the built-in ones."""

    stop: Words = ()
    start: Words = ()
    help: Words = ()


class Conversation(_Part):
    """How conversations are led. `most_a_minute` texts of one number are worked in a minute."""

    most_a_minute: int = Field(default=20, ge=1, le=100_000)
    answers: OwnAnswers = Field(default_factory=OwnAnswers.model_construct)
    action_file: str = Field(default="actions.jsonl", min_length=1)
    webhook_secret: SecretField | None = None


class Settings(_Part):
    """Everything that the settings file says, with defaults for what it leaves out.

    `countries` None means: not said. A route is a tuple of stages, tried in order; the accounts
    of one stage share the load. `volume_guard` None: not said.
    """

    mode: Mode = Mode.SANDBOX
    database: DatabaseUrl = "sqlite:///sms-notify.db"
    rules: Paths = ("rules.yaml",)
    country: Country = ""
    countries: tuple[Country, ...] | None = None
    timezone: Zone = "UTC"
    language: PageLanguage = "en"
    public_url: WebAddress = ""
    test_to: Number = ""
    test_to_email: EmailAddress = ""
    allow: tuple[Recipient, ...] = ()
    staff: tuple[Colleague, ...] = ()
    opt_out_scope: Literal["all", "sender", "purpose"] = "all"
    volume_guard: Annotated[VolumeGuard | None, BeforeValidator(_volume_guard)] = None
    accounts: dict[str, AccountSettings] = {}
    detrack: Detrack | None = None
    prices: Prices = Field(default_factory=Prices.model_construct)
    caps: CapSettings = Field(default_factory=CapSettings.model_construct)
    routes: dict[str, Route] = {}
    conversation: Conversation = Field(default_factory=Conversation.model_construct)
    keywords: dict[str, OwnWords] = {}
    sandbox: SandboxSettings = Field(default_factory=SandboxSettings.model_construct)
    tracking: TrackingSettings = Field(default_factory=TrackingSettings.model_construct)
    serve: ServeSettings = Field(default_factory=ServeSettings.model_construct)
    console: ConsoleSettings = Field(default_factory=ConsoleSettings.model_construct)

    _file: Path | None = PrivateAttr(default=None)
    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    @property
    def file(self) -> Path | None:
        """The file that they came from; None for the built-in ones."""
        return self._file

    @property
    def folder(self) -> Path:
        """What relative paths are relative to."""
        return self._folder

    def place(self, file: Path | None, folder: Path) -> Settings:
        """Say where they came from, and return them."""
        self._file, self._folder = file, folder
        return self
