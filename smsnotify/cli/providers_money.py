"""`providers balance` and `providers prices`: what is left, and what a text costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final, TypeVar, cast

import typer

from smsnotify.base.errors import ConfigError, SmsNotifyError, UsageError
from smsnotify.base.redact import scrub
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example
from smsnotify.engine.accounts import Account
from smsnotify.engine.client import HttpClient
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.providers.base import Balance, HttpProvider, Price
from smsnotify.wiring.build import real_accounts
from smsnotify.wiring.models import Settings

BALANCE_EXAMPLES: Final = example("sms-notify providers balance")
PRICES_EXAMPLES: Final = example(
    "sms-notify providers prices", "sms-notify providers prices --update"
)
_TIMEOUT_S: Final = 20.0
_BAD: Final = 3

OneAccount = Annotated[str, typer.Option("--account", metavar="NAME", help="Only this account.")]
T = TypeVar("T")


def balance(ctx: typer.Context, account: OneAccount = "") -> None:
    """Show the prepaid money that is left, where a provider tells it.

    Ends with 3 when a provider cannot be asked.
    """
    desk = desk_of(ctx)
    failed = False
    rows = []
    for name, provider in _asked(desk, account):
        request = provider.build_balance()
        if request is None:
            told = Balance(detail="this provider, or its settings, has no such question")
        else:
            answer = _ask(request, provider.parse_balance)
            failed = failed or isinstance(answer, str)
            told = Balance(detail=answer) if isinstance(answer, str) else answer
        if desk.json:
            show.emit_json(
                {
                    "type": "balance",
                    "account": name,
                    "amount": told.amount or None,
                    "currency": told.currency,
                    "detail": told.detail,
                }
            )
        rows.append((name, f"{told.amount} {told.currency}".strip(), told.detail))
    if rows and not desk.json:
        show.table(("account", "balance", "detail"), rows)
    if failed:
        raise typer.Exit(_BAD)


def prices(
    ctx: typer.Context,
    account: OneAccount = "",
    update: Annotated[
        bool, typer.Option("--update", help="Write them into `prices` of the settings.")
    ] = False,
) -> None:
    """Show what a segment costs in the countries that you text to, where a provider tells it.

    Of several operators in a country the dearest counts. Ends with 3 when a provider cannot be
    asked.
    """
    desk = desk_of(ctx)
    failed = False
    found: dict[tuple[str, str], Price] = {}
    for name, provider in _asked(desk, account):
        for country in _countries(desk.settings, provider):
            request = provider.build_prices(country)
            if request is None:
                desk.note(f"{name}: this provider, or its settings, has no such question")
                break
            answer = _ask(request, provider.parse_prices)
            if isinstance(answer, str):
                failed = True
                desk.warn(f"{name}: {answer}")
                break
            dearest = _dearest(answer, country)
            if not dearest:
                failed = True
                desk.warn(f"{name}: no price for {country or 'any country'} in the answer")
            for price in dearest:
                found[provider.name, price.country] = price
    _show_prices(desk, found)
    if update and found:
        _write(desk, found)
    if failed:
        raise typer.Exit(_BAD)


def _asked(desk: Desk, account: str) -> Iterator[tuple[str, HttpProvider]]:
    known: dict[str, Account] = real_accounts(desk.settings)
    if account and account not in known:
        raise UsageError(
            f"there is no account {account!r}", hint=f"the accounts are {', '.join(known)}"
        )
    if not known:
        desk.note("no accounts in the settings; the sandbox costs nothing")
    for name, each in known.items():
        if (not account or name == account) and _has_calls(each):
            yield name, cast(HttpProvider, each.provider)


def _has_calls(account: Account) -> bool:
    """Say whether there is anything to ask: the built-in account and mail servers have no calls."""
    return not account.provider.local and account.provider.capabilities.transport == "http"


def _countries(settings: Settings, provider: HttpProvider) -> Sequence[str]:
    """Return the destinations to ask about; `''` asks about all at once."""
    home = settings.countries or ((settings.country,) if settings.country else ())
    served = provider.settings.countries
    chosen = [country for country in home if served is None or country in served]
    return chosen or served or ("",)


def _ask(request: HttpRequest, read: Callable[[HttpResponse], T]) -> T | str:
    """Return what the answer says, or why there is none."""

    async def ask() -> HttpResponse:
        async with HttpClient() as client:
            return await client.send(request, _TIMEOUT_S)

    try:
        return read(asyncio.run(ask()))
    except SmsNotifyError as error:
        return scrub(f"cannot be asked: {error}")


def _dearest(prices: Sequence[Price], country: str) -> list[Price]:
    """Return the dearest operator's price of each country."""
    by_country: dict[str, Price] = {}
    for price in prices:
        amount = _money(price)
        known = by_country.get(price.country)
        if amount is None or (country and price.country != country):
            continue
        if known is None or amount > (_money(known) or Decimal(0)):
            by_country[price.country] = price
    return list(by_country.values())


def _money(price: Price) -> Decimal | None:
    try:
        amount = Decimal(price.amount)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _show_prices(desk: Desk, found: dict[tuple[str, str], Price]) -> None:
    rows = [
        (provider, country, price.amount, price.currency, price.operator)
        for (provider, country), price in sorted(found.items())
    ]
    if desk.json:
        for provider, country, amount, currency, operator in rows:
            show.emit_json(
                {
                    "type": "price",
                    "provider": provider,
                    "country": country,
                    "amount": amount,
                    "currency": currency,
                    "operator": operator,
                }
            )
    elif rows:
        show.table(("provider", "country", "a segment", "currency", "operator"), rows)


def _write(desk: Desk, found: dict[tuple[str, str], Price]) -> None:
    """Write prices of one currency: sums over two would mean nothing.

    Raises:
        ConfigError: they are in another currency than the settings' other prices.
    """
    from smsnotify.wiring.write import set_value

    file = desk.settings.file
    if file is None:
        raise ConfigError("there is no settings file to change", hint="sms-notify init writes one")
    currencies = {price.currency for price in found.values()}
    kept = {
        provider
        for provider, prices in desk.settings.prices.amounts.items()
        for country in prices
        if (provider, country) not in found
    }
    if kept:
        currencies.add(desk.settings.prices.currency)
    if len(currencies) > 1:
        raise ConfigError(
            f"the prices are in {', '.join(sorted(currencies))}, and [prices] has one currency",
            hint="nothing was written; write them by hand in one currency",
        )
    set_value(file, "prices.currency", f'"{currencies.pop()}"')
    for (provider, country), price in sorted(found.items()):
        set_value(file, f'prices."{provider}".{country}', str(Decimal(price.amount)))
    desk.note(f"wrote {len(found)} prices into {file}")
