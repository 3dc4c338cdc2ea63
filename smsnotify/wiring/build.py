"""The objects that the engine works with, made from the settings."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from smsnotify.base.clock import Clock, system_clock
from smsnotify.engine.accounts import DEFAULT_ROUTE, Account, Routes, first_account, senders_of
from smsnotify.gates.volume_guard import VolumeLimit
from smsnotify.model.decision import Mode
from smsnotify.model.facts import Policy
from smsnotify.model.report import Price
from smsnotify.plans.book import Book
from smsnotify.plans.load import OwnWords
from smsnotify.plans.load import load_book as read_book
from smsnotify.providers.base import AccountSettings
from smsnotify.providers.registry import load_provider
from smsnotify.rules.compile import RuleSet
from smsnotify.wiring.caps import caps_of
from smsnotify.wiring.models import NO_GUARD, Settings, VolumeGuard

SANDBOX: Final = "sandbox"


def policy(settings: Settings) -> Policy:
    """Return the settings that decide who is texted.

    Without `countries` the home country is the only destination; without both, any is.
    """
    countries = settings.countries
    if countries is None and settings.country:
        countries = (settings.country,)
    return Policy(
        mode=settings.mode,
        country=settings.country,
        countries=None if countries is None else frozenset(countries),
        timezone=settings.timezone,
        allow=frozenset(settings.allow),
        test_to=settings.test_to,
        test_to_email=settings.test_to_email,
        senders=Senders(settings),
        opt_out_scope=settings.opt_out_scope,
        public_url=settings.public_url,
        tracking=settings.tracking.enabled,
        caps=caps_of(settings, Pricing(settings)),
    )


class Senders:
    """Tells what a route sends as; the providers are made when it is first asked.

    A policy goes to the processes of a dry run, and this goes along as its settings.
    """

    def __init__(self, settings: Settings) -> None:
        """Remember the settings that name the accounts."""
        self._settings = settings
        self._known: dict[tuple[str, str], frozenset[str]] = {}

    def __call__(self, route: str, country: str) -> frozenset[str]:
        """Return what a route might send as to a country."""
        known = self._known.get((route, country))
        if known is None:
            routes = real_routes(self._settings)
            known = self._known[route, country] = senders_of(self._accounts, routes, route, country)
        return known

    def __reduce__(self) -> tuple[type[Senders], tuple[Settings]]:
        """Travel without what was made of the settings."""
        return Senders, (self._settings,)

    @cached_property
    def _accounts(self) -> dict[str, Account]:
        return real_accounts(self._settings)


class Pricing:
    """Tells what a segment costs through the account that a route tries first.

    As the settings have them, whatever the mode; it travels like `Senders`.
    """

    def __init__(self, settings: Settings) -> None:
        """Remember the settings that name accounts and prices."""
        self._settings = settings
        self._known: dict[tuple[str, str, str], Decimal | None] = {}

    def __call__(self, route: str, country: str, channel: str) -> Decimal | None:
        """Return the price of a segment, None when nobody wrote it down."""
        key = (route, country, channel)
        if key not in self._known:
            account = first_account(self._accounts, real_routes(self._settings), *key)
            provider = account.provider.name if account is not None else SANDBOX
            self._known[key] = self._settings.prices.of(provider, country)
        return self._known[key]

    def __reduce__(self) -> tuple[type[Pricing], tuple[Settings]]:
        """Travel without what was made of the settings."""
        return Pricing, (self._settings,)

    @cached_property
    def _accounts(self) -> dict[str, Account]:
        return real_accounts(self._settings)


def volume_limit(settings: Settings) -> VolumeLimit | None:
    """Return the volume guard; None when it is off: by `false`, or unsaid in a rehearsal."""
    guard = settings.volume_guard
    if guard is None and settings.mode is Mode.LIVE:
        guard = VolumeGuard()
    if guard is None or guard == NO_GUARD:
        return None
    return VolumeLimit(first_live=guard.first_live, times_usual=guard.times_usual)


def database_url(settings: Settings) -> str:
    """Return where the books are; a SQLite path in it is absolute."""
    return settings.database


def accounts(settings: Settings, clock: Clock = system_clock) -> dict[str, Account]:
    """Return the accounts that this mode sends through: in a sandbox, the built-in one alone."""
    if settings.mode is Mode.SANDBOX:
        return {SANDBOX: Account.of(SANDBOX, _sandbox())}
    return real_accounts(settings, clock)


def routes(settings: Settings) -> Routes:
    """Return the routes of this mode; in a sandbox every route leads to the built-in account."""
    real = real_routes(settings)
    if settings.mode is Mode.SANDBOX:
        return dict.fromkeys((*real, DEFAULT_ROUTE), ((SANDBOX,),))
    return real


def real_accounts(settings: Settings, clock: Clock = system_clock) -> dict[str, Account]:
    """Return the accounts as the settings have them, whatever the mode; no secret is read yet."""
    return {
        name: Account.of(name, _provider(account, clock))
        for name, account in settings.accounts.items()
    }


def real_routes(settings: Settings) -> Routes:
    """Return the routes as the settings have them.

    An account's name is a route to it alone; unsaid, `default` takes the accounts in the file's
    order.
    """
    alone = {name: ((name,),) for name in settings.accounts}
    default = tuple((name,) for name in settings.accounts)
    return {DEFAULT_ROUTE: default} | alone | settings.routes


def prices(settings: Settings) -> Price:
    """Return (account, destination country) → money for one segment, as the settings say."""
    providers = {name: account.provider for name, account in settings.accounts.items()}

    def price(account: str, country: str) -> Decimal | None:
        return settings.prices.of(providers.get(account, account), country)

    return price


def callback_url(settings: Settings) -> Callable[[str, str], str]:
    """Return what tells providers where receipts shall come: `{public_url}/hooks/{account}`.

    It is asked with (message id, account name); the engine knows it as `CallbackUrl`.
    Without `public_url` it tells nothing. 8x8's adapter adds the account's token, Twilio's our id.
    """
    public_url = settings.public_url

    def url_of(message_id: str, account: str) -> str:
        return f"{public_url}/hooks/{quote(account, safe='')}" if public_url else ""

    return url_of


def _sandbox() -> Any:
    return _provider(load_provider(SANDBOX).settings_type(provider=SANDBOX))


def _provider(account: AccountSettings, clock: Clock = system_clock) -> Any:
    adapter: Any = load_provider(account.provider)
    return adapter(account, clock=clock)


def rule_paths(settings: Settings) -> tuple[Path, ...]:
    """Return the rule files and folders, absolute."""
    return tuple(settings.folder / Path(written).expanduser() for written in settings.rules)


def own_words(settings: Settings) -> OwnWords:
    """Return the firm's own words of STOP, START and HELP, by language and family."""
    return {name: one.model_dump() for name, one in settings.keywords.items()}


def load_book(settings: Settings, paths: tuple[Path, ...] = ()) -> Book:
    """Return the rules and plans of the settings, or of the files that were named instead.

    Raises:
        RuleFileError: with every problem of every file.
    """
    return read_book(
        paths or rule_paths(settings),
        country=settings.country,
        own_words=own_words(settings),
    )


def load_ruleset(settings: Settings, paths: tuple[Path, ...] = ()) -> RuleSet:
    """Return the compiled rules alone; the plans beside them must be right too.

    Raises:
        RuleFileError: with every problem of every file.
    """
    return load_book(settings, paths).rules
