"""`/console/replies`: what people wrote that no plan took, and a clerk's answer."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from smsnotify.base.ids import new_id
from smsnotify.base.redact import mask_number
from smsnotify.engine.auditing import audited
from smsnotify.engine.clerk import OPEN, dismiss, opt_out
from smsnotify.engine.timeline import as_talk, history_of
from smsnotify.store.replies import StoredReply, WantedReplies
from smsnotify.web.console import answering
from smsnotify.web.console.door import HOME, Visit, changed, seen
from smsnotify.wiring.conversations import desk

_PAGE: Final = 50
_MOMENTS: Final = 60
_DONE: Final = {
    **answering.DONE,
    "opt_out": "They are opted out: waiting texts are cancelled, plans have ended.",
    "dismiss": "Let rest. What it held leaves with the next tick.",
}
_FILTERS: Final = {
    "open": frozenset(OPEN),
    "doubtful": frozenset({"doubtful"}),
    "all": frozenset[str](),
}


def show(visit: Visit) -> Response:
    """Show what waits for a clerk, or everything that people wrote."""
    which = visit.asked("which")
    which = which if which in _FILTERS else "open"
    wanted = WantedReplies(states=_FILTERS[which], before=visit.asked("before", 26))
    found = visit.store.list_replies(wanted, _PAGE + 1)
    return visit.page(
        "replies.html",
        here="replies",
        which=which,
        replies=found[:_PAGE],
        more=found[_PAGE - 1].id if len(found) > _PAGE else "",
        done=_DONE.get(visit.asked("done"), ""),
    )


def show_one(visit: Visit) -> Response:
    """Show a reply, the talk around it, and a box for the answer."""
    reply = _one(visit)
    return _nobody(visit) if reply is None else _page(visit, reply)


def _page(
    visit: Visit, reply: StoredReply, status: int = 200, *, told: str = "", typed: str = ""
) -> Response:
    history = history_of(visit.store, reply.sender, _MOMENTS)
    return visit.page(
        "reply.html",
        status,
        here="replies",
        reply=reply,
        moments=as_talk(history.moments) if history is not None else [],
        contact=history.contact if history is not None else None,
        changes=visit.store.list_changes(about=reply.id, limit=20),
        is_open=reply.state in OPEN,
        can_answer=reply.sender.startswith("+") and reply.state != "doubtful",
        most_typed=answering.MOST_TYPED,
        once=new_id(visit.now),
        told=told,
        typed=typed,
        done=_DONE.get(visit.asked("done"), ""),
    )


def take_answer(visit: Visit) -> Response:
    """Queue a clerk's answer; the gates have their word as ever."""
    reply = _one(visit)
    if reply is None:
        return _nobody(visit)
    answered = answering.take(visit, reply)
    if answered.told:
        return _page(visit, reply, answered.status, told=answered.told, typed=answered.typed)
    return visit.go(_path(reply), done=answered.done)


def take_opt_out(visit: Visit) -> Response:
    """Take a reply for the opt-out that it probably is."""
    reply = _one(visit)
    if reply is None:
        return _nobody(visit)
    worker = desk(visit.settings, visit.store, visit.loaded.book)
    note = visit.given("note") or f"decided by {visit.user.name}"
    before = f"{reply.state}, {mask_number(reply.sender)}"
    with audited(
        visit.store, visit.actor, "reply.opt_out", reply.id, visit.now, before=before
    ) as trail:
        opt_out(worker, reply, note, visit.now)
        trail.came_to("opted out")
    return visit.go(_path(reply), done="opt_out")


def let_rest(visit: Visit) -> Response:
    """Let a reply rest; a likely opt-out was none then."""
    reply = _one(visit)
    if reply is None:
        return _nobody(visit)
    if reply.state not in OPEN:
        return _page(visit, reply, 409, told="somebody has decided on it already")
    worker = desk(visit.settings, visit.store, visit.loaded.book)
    note = visit.given("note") or f"let rest by {visit.user.name}"
    with audited(
        visit.store, visit.actor, "reply.dismiss", reply.id, visit.now, before=reply.state
    ) as trail:
        done = dismiss(worker, reply, note, visit.now)
        trail.came_to("worked" if done else "nothing")
    if not done:
        return _page(visit, reply, 409, told="somebody else has just decided on it")
    return visit.go(f"{HOME}/replies", done="dismiss")


def _one(visit: Visit) -> StoredReply | None:
    found = visit.store.replies_called(visit.request.path_params["id"])
    return found[0] if len(found) == 1 else None


def _nobody(visit: Visit) -> Response:
    return visit.wrong("No reply has this id.", 404, title="Nothing there")


def _path(reply: StoredReply) -> str:
    return f"{HOME}/replies/{quote(reply.id, safe='')}"


ROUTES: Final = (
    Route(f"{HOME}/replies", seen(show), methods=["GET"]),
    Route(f"{HOME}/replies/{{id}}", seen(show_one), methods=["GET"]),
    Route(f"{HOME}/replies/{{id}}/answer", changed(take_answer), methods=["POST"]),
    Route(f"{HOME}/replies/{{id}}/opt-out", changed(take_opt_out), methods=["POST"]),
    Route(f"{HOME}/replies/{{id}}/dismiss", changed(let_rest), methods=["POST"]),
)
