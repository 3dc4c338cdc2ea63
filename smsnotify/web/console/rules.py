"""`/console/rules`: the rules, read only, and what they would say about an event."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from smsnotify.engine.costs import cost_of
from smsnotify.engine.previewing import MOST_LINES, samples, swaps, try_events
from smsnotify.model.decision import Decision
from smsnotify.rules.compile import CompiledRule
from smsnotify.store.rehearsal import Rehearsal
from smsnotify.web.console.door import HOME, Visit, changed, seen
from smsnotify.wiring import build

_MOST_TYPED: Final = 100_000
_OFFERED: Final = 20


def show(visit: Visit) -> Response:
    """Show the rules, and a box for an event."""
    lines = visit.store.newest_lines(_OFFERED)
    chosen = visit.asked("event", 26)
    typed = next((_laid_out(line.raw) for line in lines if line.id == chosen), "")
    return _page(visit, typed=typed, chosen=chosen, lines=lines)


def _page(visit: Visit, **values: Any) -> Response:
    values = {"typed": "", "chosen": "", "lines": [], "tried": None, "fresh": False} | values
    return visit.page(
        "rules.html",
        here="rules",
        rules=visit.loaded.rules.all,
        currency=visit.settings.prices.currency,
        swaps=swaps,
        most=MOST_LINES,
        **values,
    )


def show_one(visit: Visit) -> Response:
    """Show one rule, and what it says about a sample job."""
    rule = _called(visit, visit.asked("id"))
    if rule is None:
        return visit.wrong("There is no rule of this name now.", 404, title="Nothing there")
    memory = Rehearsal(None)
    try:
        loaded = visit.loaded
        decisions = samples(
            loaded.rules, [rule], loaded.policy, loaded.book.plans, memory, visit.now
        )
    finally:
        memory.close()
    cost = _cost(visit)
    bounds = rule.terms.bounds
    return visit.page(
        "rule.html",
        here="rules",
        rule=rule,
        bounds=bounds.told() if bounds is not None else {},
        samples=[(one, cost(one)) for one in decisions],
        currency=visit.settings.prices.currency,
        swaps=swaps,
    )


def try_it(visit: Visit) -> Response:
    """Show what the rules would say about a written event. Nothing is stored or sent."""
    typed = visit.form.get("event", "")
    fresh = visit.given("books") == "fresh"
    values: dict[str, Any] = {
        "typed": typed[:_MOST_TYPED],
        "fresh": fresh,
        "lines": visit.store.newest_lines(_OFFERED),
    }
    if not typed.strip():
        return _page(visit, told="write an event, or choose one", **values)
    if len(typed) > _MOST_TYPED:
        return _page(visit, status=413, told="that is more than fits into this box", **values)
    tried = try_events(
        None if fresh else visit.store,
        visit.loaded.book,
        visit.loaded.policy,
        typed,
        visit.now,
        _cost(visit),
    )
    return _page(visit, tried=tried, **values)


def _cost(visit: Visit) -> Callable[[Decision], Decimal | None]:
    accounts, routes = build.real_accounts(visit.settings), build.real_routes(visit.settings)

    def cost(decision: Decision) -> Decimal | None:
        return cost_of(decision, accounts, routes, visit.settings.prices.of)

    return cost


def _called(visit: Visit, wanted: str) -> CompiledRule | None:
    return next((rule for rule in visit.loaded.rules.all if rule.id == wanted), None)


def _laid_out(raw: bytes) -> str:
    """Return a stored line for the box: JSON on several lines, anything else as it came."""
    try:
        return msgspec.json.format(raw, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return raw.decode("utf-8", "replace")


ROUTES: Final = (
    Route(f"{HOME}/rules", seen(show), methods=["GET"]),
    Route(f"{HOME}/rules/of", seen(show_one), methods=["GET"]),
    Route(f"{HOME}/rules/try", changed(try_it, clerks=False), methods=["POST"]),
)
