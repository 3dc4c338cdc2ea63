"""`contacts show`: a person on one page, with the dialogue as bubbles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from smsnotify.base.errors import UsageError
from smsnotify.base.printable import one_line
from smsnotify.cli import show
from smsnotify.cli.contact_export import about
from smsnotify.cli.contact_work import read_who
from smsnotify.cli.desk import Desk
from smsnotify.engine.consent_words import consent_line, when
from smsnotify.engine.timeline import History, Moment, history_of
from smsnotify.gates.zones import known_zone

_BUBBLES: Final = ("text", "reply")


def tell(desk: Desk, who: str, limit: int) -> None:
    """Print a person.

    Raises:
        UsageError: nothing is known of them.
    """
    address = read_who(desk, who)
    store = desk.existing_store
    history = None if store is None else history_of(store, address, limit)
    if history is None:
        raise UsageError(f"nothing is known of {who!r}", hint="is it another database?")
    if desk.json:
        for row in _json(history):
            show.emit_json(row)
        return
    zone = known_zone(desk.settings.timezone)
    _tell_person(history, zone)
    for moment in history.moments:
        _tell_moment(moment, zone)


def _json(history: History) -> Iterator[dict[str, object]]:
    yield {"type": "contact", "id": history.contact.id, **about(history.contact)}
    for change in history.consents:
        yield {"type": "consent", **msgspec.to_builtins(change)}
    for moment in history.moments:
        yield moment.as_json()


def _tell_person(history: History, zone: Any) -> None:
    contact = history.contact
    show.say(one_line(", ".join(contact.addresses) or "somebody without an address"), "bold")
    facts = [
        ("name", contact.name),
        ("language", contact.language),
        ("time zone", contact.time_zone),
        ("tags", ", ".join(sorted(contact.tags))),
        *((name, contact.facets[name]) for name in sorted(contact.facets)),
    ]
    show.pairs((name, value) for name, value in facts if value not in ("", None))
    for change in history.consents:
        show.say(one_line(consent_line(change, zone)))


def _tell_moment(moment: Moment, zone: Any) -> None:
    at = when(moment.at, zone)
    if moment.kind not in _BUBBLES:
        show.say(one_line(f"{at}  {moment.kind:<7} {moment.told}"))
        return
    is_reply = moment.kind == "reply"
    show.bubble(
        moment.body or "(no text)",
        recipient=f"{at}  {moment.who}",
        footer=one_line(moment.told),
        style="cyan" if is_reply else "green",
        right=is_reply,
    )
