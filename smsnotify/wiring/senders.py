"""What routes send as, and whether anybody can answer that."""

from __future__ import annotations

from collections.abc import Callable

from smsnotify.engine.accounts import groups_of
from smsnotify.model.rule import SMS
from smsnotify.wiring.build import real_accounts, real_routes
from smsnotify.wiring.models import Settings


def deaf_sender_of(settings: Settings) -> Callable[[str], str]:
    """Return what finds a sender of a route that cannot receive replies, `''` for none.

    Looked at for every country that is texted.
    """
    accounts, routes = real_accounts(settings), real_routes(settings)
    countries = list(dict.fromkeys((settings.country, *(settings.countries or ()))))

    def deaf_sender(route: str) -> str:
        for group in groups_of(routes, route):
            for name in group:
                account = accounts.get(name)
                if account is None:
                    continue
                for country in (one for one in countries if account.serves(one, SMS)):
                    sender = account.provider.sender_for(country)
                    if sender and not account.provider.can_receive(sender):
                        return str(sender)
        return ""

    return deaf_sender
