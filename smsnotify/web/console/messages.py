"""`/console/messages`: searched by number, job, rule and state; one message with its story."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from smsnotify.engine.auditing import audited
from smsnotify.engine.inquiry import address_meant
from smsnotify.model.message import Message, MessageState
from smsnotify.store.outbox import CANCELLABLE, RETRYABLE, Wanted
from smsnotify.web.console.door import HOME, Visit, changed, seen

_PAGE: Final = 50
_SPANS: Final = {"1d": 1, "7d": 7, "30d": 30, "400d": 400}
_SPAN: Final = "7d"
_DONE: Final = {
    "retry": "Queued again: it is sent with the next texts.",
    "cancel": "Cancelled. The same news is not sent again.",
}


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the search form asks, as it was typed."""

    q: str
    rule: str
    state: str
    account: str
    span: str
    before: str


def show(visit: Visit) -> Response:
    """Show the messages that somebody looks for."""
    asked = _question(visit)
    wanted, found = _wanted(visit, asked), list[Message]()
    if wanted is not None:
        found = visit.store.list_messages(wanted, _PAGE + 1)
    more = found[_PAGE - 1].id if len(found) > _PAGE else ""
    return visit.page(
        "messages.html",
        here="messages",
        asked=asked,
        messages=found[:_PAGE],
        more=more,
        is_one=wanted is not None and bool(wanted.address or wanted.job),
        states=[state.value for state in MessageState],
        spans=list(_SPANS),
        rules=[rule.id for rule in visit.loaded.rules.all],
        accounts=sorted(visit.settings.accounts),
        q=asked.q,
    )


def _question(visit: Visit) -> Question:
    span = visit.asked("span")
    return Question(
        q=visit.asked("q"),
        rule=visit.asked("rule"),
        state=visit.asked("state"),
        account=visit.asked("account"),
        span=span if span in _SPANS else _SPAN,
        before=visit.asked("before"),
    )


def _wanted(visit: Visit, asked: Question) -> Wanted | None:
    """Return what is looked for; None when the typed word is nothing that the books know."""
    states = frozenset({asked.state}) if asked.state in list(MessageState) else frozenset()
    wanted = Wanted(
        rule=asked.rule, account=asked.account, states=states, mode=visit.mode, before=asked.before
    )
    if not asked.q:
        since = visit.now - timedelta(days=_SPANS[asked.span])
        return msgspec.structs.replace(wanted, since=since)
    if visit.store.knows_job(asked.q):
        return msgspec.structs.replace(wanted, job=asked.q)
    address = address_meant(asked.q, visit.settings.country)
    return msgspec.structs.replace(wanted, address=address) if address else None


def show_one(visit: Visit) -> Response:
    """Show a message: what it says, every try, every receipt, and what people did about it."""
    message = _one(visit)
    if message is None:
        return visit.wrong("No message has this id.", 404, title="Nothing there")
    return visit.page(
        "message.html",
        here="messages",
        message=message,
        attempts=visit.store.attempts_of(message.id),
        receipts=visit.store.receipts_of(message.id),
        changes=visit.store.list_changes(about=message.id, limit=20),
        carried=visit.store.carried([message.id]) if message.digest else [],
        can_retry=message.state in RETRYABLE and bool(message.body) and not message.carried_by,
        can_cancel=message.state in CANCELLABLE,
        is_doubted=message.state is MessageState.UNKNOWN and bool(message.body),
        done=_DONE.get(visit.asked("done"), ""),
    )


def retry(visit: Visit) -> Response:
    """Queue a message again; one that may have been sent only if somebody says so."""
    return _change(visit, "retry")


def cancel(visit: Visit) -> Response:
    """Cancel a message that has not left."""
    return _change(visit, "cancel")


def _change(visit: Visit, what: str) -> Response:
    message = _one(visit)
    if message is None:
        return visit.wrong("No message has this id.", 404, title="Nothing there")
    wanted = Wanted(ids=(message.id,), mode=visit.mode)
    before = message.state.value
    with audited(
        visit.store, visit.actor, f"message.{what}", message.id, visit.now, before=before
    ) as trail:
        if what == "retry":
            sure = visit.given("unknown") == "yes"
            done = visit.store.retry(wanted, visit.now, unknown=sure)
        else:
            done = visit.store.cancel(wanted, visit.now)
        trail.came_to(("queued" if what == "retry" else "cancelled") if done else "nothing")
    if not done:
        told = f"It is {before} now: that cannot be done any more."
        return visit.wrong(told, 409)
    return visit.go(f"{HOME}/messages/{message.id}", done=what)


def _one(visit: Visit) -> Message | None:
    """Return the message of the address, if it is of the mode that is shown."""
    found = visit.store.messages_called(visit.request.path_params["id"])
    return found[0] if len(found) == 1 and found[0].mode == visit.mode else None


ROUTES: Final = (
    Route(f"{HOME}/messages", seen(show), methods=["GET"]),
    Route(f"{HOME}/messages/{{id}}", seen(show_one), methods=["GET"]),
    Route(f"{HOME}/messages/{{id}}/retry", changed(retry), methods=["POST"]),
    Route(f"{HOME}/messages/{{id}}/cancel", changed(cancel), methods=["POST"]),
)
