"""A person behind numbers and email addresses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec

Facet = str | int | float | bool
"""A value of a facet: what a firm knows of a person, typed by `custom_fields`."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Contact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a person. `id` is `''` for somebody who is not in the books yet.

    `addresses` are E.164 numbers and email addresses, in order. `language` is a BCP 47 tag,
    `time_zone` an IANA name. `facets` are free key and value; rules and texts read them as
    `contact.KEY`.
    """

    id: str = ""
    addresses: tuple[str, ...] = ()
    name: str = ""
    language: str = ""
    time_zone: str = ""
    tags: frozenset[str] = frozenset()
    facets: Mapping[str, Facet] = _NOTHING
    created_at: datetime | None = None

    def field(self, name: str) -> object:
        """Return what `contact.NAME` is: a facet, or one of the fields; None without a value.

        `first_name` is a facet of that name, else the first word of `name`. `tags` is a list.
        """
        if name in self.facets:
            return self.facets[name]
        if name == "first_name":
            return self.name.split(" ", 1)[0] or None
        if name == "number":
            return next((one for one in self.addresses if one.startswith("+")), None)
        if name == "email":
            return email_of(self) or None
        if name == "tags":
            return sorted(self.tags)
        if name in CONTACT_FIELDS:
            return getattr(self, name) or None
        return None


CONTACT_FIELDS: Final = ("name", "first_name", "number", "email", "language", "time_zone", "tags")
"""What every contact has besides facets: the names after `contact.`."""

NOBODY_KNOWN: Final = Contact()


def email_of(contact: Contact) -> str:
    """Return a contact's first email address, `''` for none."""
    return next((one for one in contact.addresses if "@" in one), "")


class Interaction(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that happened between a person and the firm, on any channel.

    `channel` is `sms`, `email`, `web` or a word of the firm's own; `event` says what it was.
    `value` is a goal's worth, `data` whatever else is known. `ref` points at the row that it
    tells of (a message, a reply, an enrolment), `''` for none. `outside_id` is the teller's own
    id: what is told twice is kept once.
    """

    id: str
    contact_id: str
    channel: str
    event: str
    at: datetime
    value: float | None = None
    data: Mapping[str, Any] = _NOTHING
    ref: str = ""
    outside_id: str = ""


class ConsentChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A recipient's wish, and how we know: `source` is a word, `note` the evidence, `at` when.

    `words` are the person's own, `call_to_action` is what they answered to.
    """

    recipient: str
    opted_out: bool
    source: str
    at: datetime
    note: str = ""
    scope: str = "all"
    words: str = ""
    call_to_action: str = ""
