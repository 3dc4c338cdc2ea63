"""Accounts as settings name them, and the routes that lead to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from smsnotify.model.rule import SMS
from smsnotify.providers.base import (
    AlarmProvider,
    HttpProvider,
    LocalProvider,
    MailProvider,
    Provider,
)

AnyProvider = HttpProvider | LocalProvider | MailProvider | AlarmProvider

Routes = Mapping[str, Sequence[Sequence[str]]]
"""Route name → groups in order; the accounts of one group share the load by their rates."""

DEFAULT_ROUTE = "default"

ANY_CHANNEL = "any"
"""The channel of an account that takes every message: the built-in one."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of provider credentials.

    `concurrency` is requests in flight; `messages_per_second` None means no limit of ours;
    `countries` (ISO2) None means every destination.
    """

    name: str
    provider: AnyProvider
    concurrency: int = 32
    messages_per_second: float | None = None
    countries: frozenset[str] | None = None
    channel: str = "sms"

    @classmethod
    def of(cls, name: str, provider: Provider) -> Account:
        """Make the account of a provider adapter from the adapter's own settings."""
        settings = provider.settings
        countries = settings.countries
        return cls(
            name=name,
            provider=cast(AnyProvider, provider),
            concurrency=settings.concurrency,
            messages_per_second=settings.messages_per_second,
            countries=None if countries is None else frozenset(countries),
            channel=provider.capabilities.channel,
        )

    def serves(self, country: str, channel: str) -> bool:
        """Say whether a route may lead here for a destination country and a channel."""
        if self.channel not in (channel, ANY_CHANNEL):
            return False
        return channel != SMS or self.countries is None or country.upper() in self.countries


def groups_of(routes: Routes, name: str) -> Sequence[Sequence[str]]:
    """Return the groups of a route; a route that is gone from the settings is the default one."""
    found = routes.get(name)
    return routes.get(DEFAULT_ROUTE, ()) if found is None else found


def first_account(
    accounts: Mapping[str, Account], routes: Routes, route: str, country: str, channel: str
) -> Account | None:
    """Return the account that a route tries first for a destination, None when none serves it."""
    for group in groups_of(routes, route):
        for name in group:
            account = accounts.get(name)
            if account is not None and account.serves(country, channel):
                return account
    return None


def senders_of(
    accounts: Mapping[str, Account], routes: Routes, route: str, country: str
) -> frozenset[str]:
    """Return what a route might text as to a country; `''`: whatever a provider chooses."""
    names = (name for group in groups_of(routes, route) for name in group)
    serving = (accounts[name] for name in names if name in accounts)
    return frozenset(
        account.provider.sender_for(country) for account in serving if account.serves(country, SMS)
    )
