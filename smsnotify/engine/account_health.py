"""How the accounts are: what they are set to, how they did in the last hour, what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from smsnotify.engine.accounts import Account
from smsnotify.model.report import AccountLine, Report
from smsnotify.store.account_figures import LastHour
from smsnotify.store.gauges import Gauges

_SHAKY: Final = 0.95
_FAILING: Final = 0.5


class AccountHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One account. `health` is `paused`, `failing`, `shaky`, `good` or `quiet`.

    `unsettled` texts are handed over and have no final word; `today` is a line by country.
    """

    name: str
    provider: str
    channel: str
    sender: str
    per_second: float | None
    countries: tuple[str, ...]
    health: str
    paused: bool
    hour: LastHour
    unsettled: int
    today: tuple[AccountLine, ...]

    @property
    def texts(self) -> int:
        """Texts of today."""
        return sum(line.texts for line in self.today)

    @property
    def failed(self) -> int:
        """Texts of today that did not arrive."""
        return sum(line.failed for line in self.today)

    @property
    def cost(self) -> Decimal | None:
        """What today's texts cost, None where nobody wrote prices down."""
        priced = [line.cost for line in self.today if line.cost is not None]
        return sum(priced, Decimal(0)) if priced else None

    @property
    def p95_s(self) -> int | None:
        """Seconds until 95 of 100 of today's texts were delivered, the slowest country's."""
        return max((line.p95_s for line in self.today if line.p95_s is not None), default=None)


def account_health(
    accounts: Mapping[str, Account],
    report: Report,
    gauges: Gauges,
    hours: Mapping[str, LastHour],
) -> list[AccountHealth]:
    """Return all accounts of the settings, and those beyond that sent something today."""
    lines: dict[str, list[AccountLine]] = {}
    for line in report.accounts:
        lines.setdefault(line.account, []).append(line)
    names = list(dict.fromkeys([*accounts, *lines, *hours]))
    found = []
    for name in names:
        account = accounts.get(name)
        settings = account.provider.settings if account is not None else None
        paused = gauges.paused.everything or name in gauges.paused.accounts
        hour = hours.get(name, LastHour())
        found.append(
            AccountHealth(
                name=name,
                provider=account.provider.name if account is not None else "",
                channel=account.channel if account is not None else "",
                sender=(settings.sender or "") if settings is not None else "",
                per_second=account.messages_per_second if account is not None else None,
                countries=tuple(sorted(account.countries or ())) if account is not None else (),
                health="paused" if paused else health_of(hour),
                paused=name in gauges.paused.accounts,
                hour=hour,
                unsettled=gauges.unsettled.get(name, 0),
                today=tuple(lines.get(name, ())),
            )
        )
    return found


def health_of(hour: LastHour) -> str:
    """Say in a word how an account did."""
    share = hour.accepted_share
    if share is None:
        return "quiet"
    if share < _FAILING:
        return "failing"
    return "shaky" if share < _SHAKY else "good"
