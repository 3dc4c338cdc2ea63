"""The words that a rule may use: Detrack's and the rule files' own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from smsnotify.model.event import EVENT_NAMES
from smsnotify.model.job import JOB_FIELDS, REPLY_FIELDS, Kind

CONTACT: Final[Mapping[str, None]] = {"contact": None}
"""What a rule may name besides the job: whatever is known of the recipient."""


class Vocabulary(msgspec.Struct, frozen=True):
    """The fields and events that rules may name, and the country that reads national numbers.

    `printable` are the fields that a text may print: all but lists. `custom` are the rule files'
    own fields alone, which say the kind of a contact's facets too; `own_events` are theirs.
    """

    fields: Mapping[str, Kind]
    printable: frozenset[str]
    events: frozenset[str]
    country: str = ""
    custom: Mapping[str, Kind] = {}
    own_events: frozenset[str] = frozenset()


def vocabulary(
    custom_fields: Mapping[str, Kind], custom_events: Iterable[str], country: str
) -> Vocabulary:
    """Put Detrack's words and the rule files' own together."""
    fields, own_events = {**JOB_FIELDS, **REPLY_FIELDS, **custom_fields}, frozenset(custom_events)
    return Vocabulary(
        fields=fields,
        printable=frozenset(name for name, kind in fields.items() if kind != "list"),
        events=own_events | set(EVENT_NAMES),
        country=country,
        custom=dict(custom_fields),
        own_events=own_events,
    )
