"""What the built-in adapters share: settings, senders and the one way to a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from smsnotify.base.clock import Clock, system_clock
from smsnotify.base.errors import ConfigError
from smsnotify.base.secrets import Secret
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.model.message import OutboundMessage
from smsnotify.providers.base import AccountSettings, Balance, Price, is_numeric

MASK: Final = "***"

SettingsT = TypeVar("SettingsT", bound=AccountSettings)


class AccountAdapter(Generic[SettingsT]):
    """An account's settings, and how senders are chosen from them."""

    def __init__(
        self, settings: SettingsT, *, masked: bool = False, clock: Clock = system_clock
    ) -> None:
        """Keep the settings; `masked` makes requests to be shown instead of sent."""
        self.settings = settings
        self._masked = masked
        self._clock = clock
        self._revealed: dict[int, str] = {}

    def sender_for(self, country: str) -> str:
        """Return the sender for a destination country, `''` when none is set."""
        return self.settings.sender_for(country)

    def can_receive(self, sender: str) -> bool:
        """Say whether replies to a sender can come back: a word cannot receive."""
        return is_numeric(sender)

    def _reveal(self, secret: Secret) -> str:
        """Read a secret once for the life of the adapter; new settings make a new adapter.

        Raises:
            ConfigError: it cannot be read, is empty, or would break a header.
        """
        if self._masked:
            return MASK
        if id(secret) not in self._revealed:
            value = secret.reveal().strip()
            if not value or not value.isprintable():
                raise ConfigError(
                    f"the secret ({secret.describe()}) is empty or has a line break in it",
                    hint="write the key alone, on one line",
                )
            self._revealed[id(secret)] = value
        return self._revealed[id(secret)]


class WithoutMoney:
    """The answers of a provider that cannot be asked for a balance or for prices."""

    def build_balance(self) -> HttpRequest | None:
        """No such call."""
        return None

    def parse_balance(self, response: HttpResponse) -> Balance:
        """No such call."""
        return Balance(detail="this provider has no call for it")

    def build_prices(self, country: str = "") -> HttpRequest | None:
        """No such call."""
        return None

    def parse_prices(self, response: HttpResponse) -> list[Price]:
        """No such call."""
        return []


class HttpAdapter(WithoutMoney, AccountAdapter[SettingsT]):
    """The answers of an HTTP provider without batches, balance and prices."""

    def must_split(self, messages: Sequence[OutboundMessage], response: HttpResponse) -> bool:
        """Never: one message, one request."""
        return False


class SilentAdapter(WithoutMoney, AccountAdapter[SettingsT]):
    """The answers of what brings no receipts and knows nothing later: mail servers, alarms."""

    def is_transient(self, raw_code: str) -> bool:
        """Never: no receipts come."""
        return False

    def build_lookup(
        self, message: OutboundMessage, provider_message_id: str = ""
    ) -> HttpRequest | None:
        """Nobody can be asked what became of a message."""
        return None
