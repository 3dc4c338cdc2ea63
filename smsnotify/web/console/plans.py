"""`/console/plans`: the plans, how many people are where in them, and a drawing of the steps."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from smsnotify.model.report import Funnel
from smsnotify.plans.outline import begins, does, goes, terms
from smsnotify.plans.svg import svg
from smsnotify.store.enrolments import WantedEnrolments
from smsnotify.web.console.door import HEADERS, HOME, Visit, seen

_NEWEST: Final = 50
_DRAWING: Final = HEADERS | {
    # The drawing brings its own style, and is looked at as a picture.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"
}


def show(visit: Visit) -> Response:
    """Show every plan of today's rule files, and those that people are still in."""
    figures = visit.store.funnels(visit.mode)
    plans = visit.loaded.book.plans.all
    known = {plan.name for plan in plans}
    return visit.page(
        "plans.html",
        here="plans",
        plans=[(plan, begins(plan), figures.get(plan.name)) for plan in plans],
        gone=[one for name, one in sorted(figures.items()) if name not in known],
    )


def show_one(visit: Visit) -> Response:
    """Show a plan: its funnel, its steps as a drawing and in words, and who is in it."""
    plan = visit.loaded.book.plans.named(visit.asked("name"))
    figures = visit.store.funnels(visit.mode, plan.name).get(plan.name)
    wanted = WantedEnrolments(plan=plan.name, mode=visit.mode, states=frozenset({"waiting"}))
    return visit.page(
        "plan.html",
        here="plans",
        plan=plan,
        begins=begins(plan),
        terms=terms(plan),
        steps=[(step, list(does(step)), goes(plan, step)) for step in plan.steps.values()],
        figures=figures or Funnel(plan=plan.name),
        people=visit.store.list_enrolments(wanted, _NEWEST),
        newest=_NEWEST,
    )


def draw(visit: Visit) -> Response:
    """Give a plan's drawing."""
    plan = visit.loaded.book.plans.named(visit.asked("name"))
    return Response(svg(plan), headers=_DRAWING, media_type="image/svg+xml")


ROUTES: Final = (
    Route(f"{HOME}/plans", seen(show), methods=["GET"]),
    Route(f"{HOME}/plans/of", seen(show_one), methods=["GET"]),
    Route(f"{HOME}/plans/drawing", seen(draw), methods=["GET"]),
)
