"""`/console/accounts`: how the accounts are, how fast they send, what they cost; the stop."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from smsnotify.engine.account_health import account_health
from smsnotify.engine.auditing import audited
from smsnotify.engine.reporting import local_days, make_report
from smsnotify.web.console.door import HOME, Visit, changed, seen
from smsnotify.wiring import build

EVERYTHING: Final = "everything"
_DONE: Final = {
    "pause": "Paused: every process that sends obeys within two seconds.",
    "resume": "Sending again.",
}


def show(visit: Visit) -> Response:
    """Show every account."""
    settings, store = visit.settings, visit.store
    day = visit.now.astimezone(visit.zone).date()
    days = local_days(day, day, visit.zone)
    figures = store.report_figures(days, visit.mode)
    report = make_report(figures, build.prices(settings), settings.prices.currency)
    gauges = store.gauges(visit.mode, visit.now)
    return visit.page(
        "accounts.html",
        here="accounts",
        accounts=account_health(
            build.accounts(settings), report, gauges, store.last_hour(visit.now)
        ),
        gauges=gauges,
        routes=build.routes(settings),
        currency=settings.prices.currency,
        done=_DONE.get(visit.asked("done"), ""),
    )


def pause(visit: Visit) -> Response:
    """Stop sending through one account, or everywhere."""
    return _switch(visit, on=False)


def resume(visit: Visit) -> Response:
    """Send again."""
    return _switch(visit, on=True)


def _switch(visit: Visit, *, on: bool) -> Response:
    name = visit.given("account")
    if name != EVERYTHING and name not in build.accounts(visit.settings):
        return visit.wrong("There is no such account.", 404, title="Nothing there")
    account = "" if name == EVERYTHING else name
    word = "resume" if on else "pause"
    with audited(visit.store, visit.actor, f"account.{word}", name, visit.now):
        if on:
            visit.store.resume(account)
        else:
            note = visit.given("note")
            when = f"{visit.now:%Y-%m-%d %H:%M} UTC"
            told = f"by {visit.user.name}, {when}"
            visit.store.pause(account, note=f"{told}: {note}" if note else told)
    return visit.go(f"{HOME}/accounts", done=word)


ROUTES: Final = (
    Route(f"{HOME}/accounts", seen(show), methods=["GET"]),
    Route(f"{HOME}/accounts/pause", changed(pause), methods=["POST"]),
    Route(f"{HOME}/accounts/resume", changed(resume), methods=["POST"]),
)
