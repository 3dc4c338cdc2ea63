"""`/console/silences`: what is silent, why and until when; a clerk adds and ends them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from smsnotify.base.errors import UsageError
from smsnotify.engine.auditing import audited
from smsnotify.engine.silencing import make_silence, read_line, read_span, rule_id, silenced
from smsnotify.model.silence import Silence
from smsnotify.web.console.door import HOME, Visit, changed, seen

_DONE: Final = {
    "add": "Silenced. What rules would say meanwhile is stopped, not kept for later.",
    "expire": "Ended. What it stopped is not sent any more.",
}


def show(visit: Visit) -> Response:
    """Show all silences."""
    return _page(visit)


def _page(visit: Visit, status: int = 200, *, told: str = "") -> Response:
    silences = visit.store.list_silences()[::-1]
    return visit.page(
        "silences.html",
        status,
        here="silences",
        silences=[(one, one.state(visit.now), silenced(one.group, one.rule)) for one in silences],
        stopped=visit.store.silenced(silences, visit.mode),
        rules=[rule.id for rule in visit.loaded.rules.all],
        form=visit.form,
        told=told,
        done=_DONE.get(visit.asked("done"), ""),
    )


def add(visit: Visit) -> Response:
    """Silence a group, a rule, or everything."""
    try:
        made = _made(visit)
    except UsageError as error:
        return _page(visit, 400, told=error.message)
    about = silenced(made.group, made.rule)
    with audited(visit.store, visit.actor, "silence.add", made.id, visit.now) as trail:
        visit.store.add_silence(made)
        trail.came_to(f"{about} until {made.ends_at:%Y-%m-%d %H:%M} UTC: {made.reason}")
    return visit.go(f"{HOME}/silences", done="add")


def _made(visit: Visit) -> Silence:
    group, rule = visit.given("group"), visit.given("rule")
    if (visit.given("what") == "all") is bool(group or rule):
        raise UsageError("say what to silence: a group, a rule, or else everything")
    return make_silence(
        group=read_line(group, "the group"),
        rule=rule_id(visit.loaded.rules, rule),
        reason=read_line(visit.given("reason"), "why", needed="others will ask"),
        author=visit.user.name,
        begins=_begins(visit),
        lasting=read_span(visit.given("lasting"), "how long"),
        now=visit.now,
    )


def _begins(visit: Visit) -> datetime:
    written = visit.given("begins")
    now: datetime = visit.now
    if not written:
        return now
    try:
        return datetime.fromisoformat(written).replace(tzinfo=visit.zone)
    except ValueError:
        raise UsageError(f"{written!r} is no time") from None


def expire(visit: Visit) -> Response:
    """End a silence now."""
    wanted = visit.request.path_params["id"]
    found = [one for one in visit.store.list_silences() if one.id == wanted]
    if not found:
        return visit.wrong("There is no such silence.", 404, title="Nothing there")
    before = silenced(found[0].group, found[0].rule)
    with audited(
        visit.store, visit.actor, "silence.expire", wanted, visit.now, before=before
    ) as trail:
        done = visit.store.expire_silence(wanted, visit.now)
        trail.came_to("ended" if done else "nothing")
    if not done:
        return visit.wrong("It has ended already.", 409)
    return visit.go(f"{HOME}/silences", done="expire")


ROUTES: Final = (
    Route(f"{HOME}/silences", seen(show), methods=["GET"]),
    Route(f"{HOME}/silences", changed(add), methods=["POST"]),
    Route(f"{HOME}/silences/{{id}}/expire", changed(expire), methods=["POST"]),
)
