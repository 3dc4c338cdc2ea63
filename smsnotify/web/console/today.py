"""`/console`: the day so far, what waits for somebody, and the search box's answers."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from starlette.responses import Response
from starlette.routing import Route

from smsnotify.engine.finding import Kind, find
from smsnotify.engine.ticking import TICKED
from smsnotify.engine.today import is_stale, today_of
from smsnotify.web.console.door import HOME, Visit, seen
from smsnotify.wiring import build


def show(visit: Visit) -> Response:
    """Show today's figures."""
    prices = visit.settings.prices
    today = today_of(
        visit.store,
        visit.mode,
        visit.zone,
        build.prices(visit.settings),
        prices.currency,
        visit.now,
    )
    ticked = visit.store.get_watermark(TICKED)
    return visit.page(
        "today.html",
        here="today",
        today=today,
        report=today.report,
        ticked=ticked,
        stale=is_stale(ticked, visit.now),
    )


def find_something(visit: Visit) -> Response:
    """Go to what somebody typed into the search box."""
    word = visit.asked("q")
    found = find(visit.store, word, visit.settings.country)
    match found.kind:
        case Kind.MESSAGE:
            return visit.go(f"{HOME}/messages/{quote(found.ref, safe='')}")
        case Kind.JOB:
            return visit.go(f"{HOME}/jobs/of", name=found.ref)
        case Kind.PERSON:
            return visit.go(f"{HOME}/contacts/of", who=found.ref)
        case Kind.NOTHING:
            return visit.go(f"{HOME}/messages?{urlencode({'q': word})}")


ROUTES: Final = (
    Route(HOME, seen(show), methods=["GET"]),
    Route(f"{HOME}/live", seen(show, by_itself=True), methods=["GET"]),
    Route(f"{HOME}/find", seen(find_something), methods=["GET"]),
)
