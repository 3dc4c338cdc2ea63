"""What a text costs: the account that a route would take, times segments, times its price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from smsnotify.engine.accounts import Account, Routes, first_account
from smsnotify.model.decision import Decision
from smsnotify.text.phone import country_of

PriceOf = Callable[[str, str], Decimal | None]
"""(provider, destination country) → money for one segment, None when nobody wrote it down."""


def cost_of(
    decision: Decision, accounts: Mapping[str, Account], routes: Routes, price_of: PriceOf
) -> Decimal | None:
    """Return the money for a decision's text, None when the price is not in the settings."""
    terms = decision.draft.terms
    country = country_of(decision.to or decision.draft.recipient)
    account = first_account(accounts, routes, terms.route, country, terms.channel)
    if account is None:
        return None
    price = price_of(account.provider.name, country)
    return None if price is None else price * decision.segments
