"""Caps: how many texts, and how much money, at most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, Literal

import msgspec

Span = Literal["hour", "day", "run"]
Measure = Literal["texts", "money"]

PriceOf = Callable[[str, str, str], Decimal | None]
"""(route, destination country, channel) → money for one segment, None when unpriced."""

MILLION: Final = 1_000_000
"""Money is counted in whole millionths of the currency's unit."""


def unpriced(route: str, country: str, channel: str) -> Decimal | None:
    """Know no price."""
    return None


class Cap(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """So many texts, or so much money, in a span. A text beyond `soft` is told of, one beyond
    `hard` is stopped; None: there is no such limit. `where` is the table of the settings that
    says it, or the rule.
    """

    span: Span
    of: Measure = "texts"
    soft: int | None = None
    hard: int | None = None
    where: str = ""

    @property
    def key(self) -> str:
        """What the cap is called where it is written: `per_day`, `money_per_day`."""
        return f"per_{self.span}" if self.of == "texts" else f"money_per_{self.span}"

    @property
    def name(self) -> str:
        """What it is called to people: `[caps] per_day`, `rule delivered: per_day`."""
        return f"{self.where} {self.key}".strip()

    def shown(self, amount: int) -> str:
        """Write an amount in the cap's measure."""
        return str(amount) if self.of == "texts" else f"{Decimal(amount) / MILLION:f}"

    def told(self) -> str:
        """Say in words what it allows: `per_day 6, soft 4`."""
        limits = [] if self.hard is None else [self.shown(self.hard)]
        limits += [] if self.soft is None else [f"soft {self.shown(self.soft)}"]
        return f"{self.key} {', '.join(limits)}"


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """The firm's caps: of each recipient over all rules, of everything, and by country."""

    recipient: tuple[Cap, ...] = ()
    desk: tuple[Cap, ...] = ()
    countries: Mapping[str, tuple[Cap, ...]] = {}
    price: PriceOf = unpriced
    currency: str = ""
