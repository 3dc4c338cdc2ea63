"""The caps of the settings: made for judging, and checked against prices and destinations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from smsnotify.model.caps import MILLION, Cap, Caps, Measure, PriceOf, Span
from smsnotify.model.rule import SMS
from smsnotify.providers.registry import load_provider
from smsnotify.wiring.models import NO_CAPS, Settings
from smsnotify.wiring.problems import Findings

_KEYS: Final[dict[str, tuple[Span, Measure]]] = {
    "per_run": ("run", "texts"),
    "per_hour": ("hour", "texts"),
    "per_day": ("day", "texts"),
    "money_per_run": ("run", "money"),
    "money_per_day": ("day", "money"),
}


def caps_of(settings: Settings, price: PriceOf) -> Caps | None:
    """Return the firm's caps, None when there is none."""
    written = settings.caps
    if written == NO_CAPS:
        return None
    countries = {
        country: tuple(_caps(of, f"[caps.countries] {country}"))
        for country, of in written.countries.items()
    }
    return Caps(
        recipient=tuple(_caps(written.recipient, "[caps.recipient]")),
        desk=tuple(_caps(written, "[caps]")),
        countries=countries,
        price=price,
        currency=settings.prices.currency,
    )


def _caps(table: BaseModel, where: str) -> Iterator[Cap]:
    for key, (span, of) in _KEYS.items():
        limits = getattr(table, key, None)
        if limits is not None:
            each = MILLION if of == "money" else 1
            soft, hard = (None if one is None else int(one * each) for one in limits)
            yield Cap(span=span, of=of, soft=soft, hard=hard, where=where)


def check_caps(settings: Settings, written: Mapping[str, Any], findings: Findings) -> None:
    """Add what makes a cap useless: no prices, a country that gets no texts."""
    caps = settings.caps
    if caps == NO_CAPS:
        return
    allowed = settings.countries
    if allowed is None and settings.country:
        allowed = (settings.country,)
    for country in caps.countries:
        if allowed is not None and country not in allowed:
            findings.warn(
                _of_country(written, country),
                "no_effect",
                f"no text goes to {country}: it is not in countries",
                "add it there, or take the cap out",
            )
    _money(settings, written, findings)


def _money(settings: Settings, written: Mapping[str, Any], findings: Findings) -> None:
    """A cap on money needs prices: what has none costs nothing in its eyes."""
    caps, prices = settings.caps, settings.prices
    places = [("caps", key) for key in ("money_per_run", "money_per_day") if getattr(caps, key)]
    of_country = {
        country: (*_of_country(written, country), "money_per_day")
        for country, of in caps.countries.items()
        if of.money_per_day
    }
    for place in (*places, *of_country.values()):
        if not prices.amounts:
            findings.add(
                place,
                "no_prices",
                "a cap on money needs prices, and there are none",
                "sms-notify providers prices --update, or write [prices]",
            )
        elif "currency" not in prices.model_fields_set:
            findings.add(
                place,
                "no_currency",
                "a cap on money needs the currency of the prices",
                'currency = "USD" under [prices]',
            )
    if findings.failed or not prices.amounts:
        return
    for country, place in of_country.items():
        for provider in _unpriced(settings, country):
            findings.warn(place, "no_price", _told(provider, country), _HINT)
    if not places:
        return
    for country in settings.countries or filter(None, (settings.country,)):
        for provider in _unpriced(settings, country):
            findings.warn(places[0], "no_price", _told(provider, country), _HINT)


_HINT: Final = "sms-notify providers prices --update"


def _told(provider: str, country: str) -> str:
    return f"a text to {country} through {provider} has no price, and counts nothing"


def _unpriced(settings: Settings, country: str) -> list[str]:
    """Return the providers that might carry texts to a country at a price that nobody wrote."""
    return sorted(
        {
            account.provider
            for account in settings.accounts.values()
            if load_provider(account.provider).capabilities.channel == SMS
            and (not account.countries or country in account.countries)
            and settings.prices.of(account.provider, country) is None
        }
    )


def _of_country(written: Mapping[str, Any], country: str) -> tuple[str, ...]:
    """Return where a country's caps stand: it may be written by its name."""
    from smsnotify.text.phone import country_code

    caps = written.get("caps", {})
    names = caps.get("countries", {}) if isinstance(caps, Mapping) else {}
    found = next((one for one in names if country_code(one) == country), country)
    return ("caps", "countries", found)
