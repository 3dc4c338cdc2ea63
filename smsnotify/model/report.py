"""What happened in a period, in figures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import msgspec

Price = Callable[[str, str], Decimal | None]
"""(account, destination country) → money for one segment, None when nobody wrote it down."""


class TextCount(msgspec.Struct, frozen=True, gc=False):
    """So many texts of one day that are alike. `handed` were tried at least once.

    `segments` is their sum; what was never handed over costs nothing.
    """

    day: date
    rule: str
    kind: str
    account: str
    country: str
    state: str
    error: str
    count: int
    segments: int
    handed: int


class DeliveryTime(msgspec.Struct, frozen=True, gc=False):
    """Seconds from handing a text over until it was delivered, by account and country."""

    account: str
    country: str
    count: int
    p50_s: int
    p95_s: int


class PlanCount(msgspec.Struct, frozen=True, gc=False):
    """How many people who entered a plan in the period are in a state, and their goals' worth."""

    plan: str
    state: str
    count: int
    goal_value: float


class Funnel(msgspec.Struct, kw_only=True):
    """Figures of one plan. `reached` counts people by step that they ever came to, `waiting` by
    the step where they are now, `outcomes` by how it ended; `answered` gave at least one answer.
    """

    plan: str
    entered: int = 0
    answered: int = 0
    goal_value: float = 0.0
    reached: dict[str, int] = {}
    waiting: dict[str, int] = {}
    outcomes: dict[str, int] = {}

    def steps(self) -> list[str]:
        """Return the steps that anybody came to, those that most people reached first."""
        return sorted(self.reached, key=lambda step: (-self.reached[step], step))


class Rating(msgspec.Struct, frozen=True, gc=False):
    """Stars that a driver of a group got, None where nobody gave any."""

    driver: str
    group: str
    count: int
    goods: float | None
    driver_stars: float | None


class FirstAttempts(msgspec.Struct, frozen=True, gc=False):
    """Jobs whose first attempt is over, and how many of them it failed."""

    jobs: int = 0
    failed: int = 0

    @property
    def failed_share(self) -> float | None:
        """The part that failed, from 0 to 1; None without a job."""
        return self.failed / self.jobs if self.jobs else None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a report is made of, as the books have it.

    `opt_outs` and `opt_ins` are by source, `replies` by what they were taken for.
    """

    days: tuple[date, ...]
    texts: tuple[TextCount, ...] = ()
    times: tuple[DeliveryTime, ...] = ()
    opt_outs: dict[str, int] = {}
    opt_ins: dict[str, int] = {}
    replies: dict[str, int] = {}
    plans: tuple[PlanCount, ...] = ()
    funnels: tuple[Funnel, ...] = ()
    ratings: tuple[Rating, ...] = ()
    reminded: FirstAttempts = FirstAttempts()
    not_reminded: FirstAttempts = FirstAttempts()
    completed_jobs: int = 0


class RuleLine(msgspec.Struct, frozen=True, kw_only=True):
    """One rule in a report. `by_day` is in the order of the report's days; `cost` None: unpriced.

    `delivered_share` is of those with a final word; None without any.
    """

    rule: str
    texts: int
    segments: int
    by_day: tuple[int, ...]
    delivered: int
    failed: int
    cost: Decimal | None
    delivered_share: float | None


class AccountLine(msgspec.Struct, frozen=True, kw_only=True):
    """One account and destination country in a report."""

    account: str
    country: str
    texts: int
    delivered: int
    failed: int
    delivered_share: float | None
    p50_s: int | None = None
    p95_s: int | None = None
    cost: Decimal | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report ready to be shown.

    `unpriced` counts texts whose price is not in the settings: they are in no cost.
    """

    figures: Figures
    since: date
    until: date
    currency: str
    rules: tuple[RuleLine, ...]
    accounts: tuple[AccountLine, ...]
    errors: dict[str, int]
    texts: int
    by_day: tuple[int, ...]
    delivered: int
    failed: int
    delivered_share: float | None
    cost: Decimal
    unpriced: int
    cost_per_completed_job: Decimal | None
