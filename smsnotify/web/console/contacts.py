"""`/console/contacts`: a person with the whole dialogue, what they want, and a box to answer."""

from __future__ import annotations

from itertools import islice
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from smsnotify.base.ids import new_id
from smsnotify.engine.auditing import audited, nickname
from smsnotify.engine.clerk import OPEN
from smsnotify.engine.inquiry import address_meant
from smsnotify.engine.timeline import History, as_talk, history_of
from smsnotify.engine.wishes import carry_out
from smsnotify.model.contact import ConsentChange
from smsnotify.store.replies import StoredReply, WantedReplies
from smsnotify.web.console import answering
from smsnotify.web.console.door import HOME, Visit, changed, seen

_LISTED: Final = 100
_LOOKED_AT: Final = 20_000
_MOMENTS: Final = 200
_DONE: Final = {
    **answering.DONE,
    "opt_out": "Opted out: waiting texts are cancelled, plans have ended.",
}


def show(visit: Visit) -> Response:
    """Show who wrote lately, and who opted out; a number in the box leads to its person."""
    which = "out" if visit.asked("which") == "out" else "lately"
    wanted = WantedReplies()
    lately = visit.store.list_replies(wanted, _LISTED) if which == "lately" else []
    newest: dict[str, StoredReply] = {}
    for reply in lately:
        newest.setdefault(reply.sender, reply)
    known = islice(visit.store.contacts(), _LOOKED_AT) if which == "out" else ()
    out = list(islice((one for one in known if one.opted_out), _LISTED))
    return visit.page(
        "contacts.html", here="contacts", which=which, newest=newest.values(), out=out
    )


def show_one(visit: Visit) -> Response:
    """Show a person."""
    address = _address(visit, visit.asked("who"))
    return _page(visit, address)


def _page(
    visit: Visit, address: str, status: int = 200, *, told: str = "", typed: str = ""
) -> Response:
    history = history_of(visit.store, address, _MOMENTS) if address else None
    if history is None:
        return visit.wrong(
            "Nothing is known of such a number or address. Write numbers with + and the country "
            "code.",
            404,
            title="Nobody there",
        )
    standing = visit.store.standings([address]).get(address)
    open_reply = _newest_reply(visit, history)
    return visit.page(
        "contact.html",
        status,
        here="contacts",
        address=address,
        history=history,
        contact=history.contact,
        moments=as_talk(history.moments),
        is_out=standing is not None and standing.is_out,
        reply=open_reply,
        can_answer=open_reply is not None and open_reply.state != "doubtful",
        changes=visit.store.list_changes(about=nickname(visit.store, address), limit=20),
        most_typed=answering.MOST_TYPED,
        once=new_id(visit.now),
        told=told,
        typed=typed,
        done=_DONE.get(visit.asked("done"), ""),
        q=address,
    )


def _newest_reply(visit: Visit, history: History) -> StoredReply | None:
    """Return what a clerk answers to: the newest that waits, else the newest at all."""
    numbers = [one for one in history.contact.addresses if one.startswith("+")]
    found = [
        reply
        for number in numbers
        for reply in visit.store.list_replies(WantedReplies(sender=number), 20)
    ]
    found.sort(key=lambda reply: (reply.state in OPEN, reply.id))
    return found[-1] if found else None


def take_answer(visit: Visit) -> Response:
    """Answer what a person wrote last."""
    address = _address(visit, visit.given("who"))
    history = history_of(visit.store, address, 1) if address else None
    reply = _newest_reply(visit, history) if history is not None else None
    if reply is None:
        return visit.wrong("There is nothing from this number to answer.", 409)
    answered = answering.take(visit, reply)
    if answered.told:
        return _page(visit, address, answered.status, told=answered.told, typed=answered.typed)
    return visit.go(f"{HOME}/contacts/of", who=address, done=answered.done)


def take_opt_out(visit: Visit) -> Response:
    """Record that somebody wants no texts, with how they said so."""
    address = _address(visit, visit.given("who"))
    note = visit.given("note")
    if not address:
        return visit.wrong("That is no mobile number and no email address.")
    if not note:
        return _page(visit, address, 400, told="say how they told you: it is the proof")
    change = ConsentChange(
        recipient=address, opted_out=True, source="clerk", at=visit.now, note=note
    )
    about = nickname(visit.store, address)
    with audited(visit.store, visit.actor, "contact.opt_out", about, visit.now) as trail:
        carry_out(visit.store, [change], visit.now)
        trail.came_to("opted out")
    return visit.go(f"{HOME}/contacts/of", who=address, done="opt_out")


def _address(visit: Visit, written: str) -> str:
    return address_meant(written, visit.settings.country)


ROUTES: Final = (
    Route(f"{HOME}/contacts", seen(show), methods=["GET"]),
    Route(f"{HOME}/contacts/of", seen(show_one), methods=["GET"]),
    Route(f"{HOME}/contacts/answer", changed(take_answer), methods=["POST"]),
    Route(f"{HOME}/contacts/opt-out", changed(take_opt_out), methods=["POST"]),
)
