"""The trail of what people change: an entry before it is done, and what it came to after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.base.errors import SmsNotifyError
from smsnotify.base.ids import new_id
from smsnotify.base.redact import scrub
from smsnotify.model.user import AuditEntry
from smsnotify.store.store import Store

CLI: Final = "cli"
CONSOLE: Final = "console"

_BEGUN: Final = "begun"
_LONGEST: Final = 200


class Actor(msgspec.Struct, frozen=True):
    """Who acts, and through which door."""

    who: str
    door: str = CONSOLE


class Trail:
    """An entry that is written; `came_to` says what became of the change."""

    def __init__(self) -> None:
        """Until somebody says otherwise it was done."""
        self.outcome = "done"

    def came_to(self, told: str) -> None:
        """Say what became of it."""
        self.outcome = told


def entry_of(
    actor: Actor, what: str, about: str, now: datetime, *, before: str = "", after: str = ""
) -> AuditEntry:
    """Return an entry; what looks like a number in its states is masked. `about` holds none."""
    return AuditEntry(
        id=new_id(now),
        at=now,
        who=actor.who,
        door=actor.door,
        what=what,
        about=about[:_LONGEST],
        before=_told(before),
        after=_told(after),
    )


@contextmanager
def audited(
    store: Store, actor: Actor, what: str, about: str, now: datetime, *, before: str = ""
) -> Iterator[Trail]:
    """Write an entry, let the change be made, and write what it came to.

    The entry comes first: a change that nobody can see must not be made. One that was cut off
    says `begun`.
    """
    entry = entry_of(actor, what, about, now, before=before, after=_BEGUN)
    store.note_change(entry)
    trail = Trail()
    try:
        yield trail
    except SmsNotifyError as error:
        store.note_outcome(entry, _told(f"refused: {error.code}"))
        raise
    store.note_outcome(entry, _told(trail.outcome))


def nickname(store: Store, address: str) -> str:
    """Return what the audit calls a person: masked, with some of the keyed hash to tell by."""
    return f"{scrub(address)} {store.recipient_hash(address).hex()[:10]}"


def _told(text: str) -> str:
    return scrub(text)[:_LONGEST]
