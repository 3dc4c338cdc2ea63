"""What judging must know besides the draft itself."""

from __future__ import annotations

from datetime import datetime

import msgspec

from smsnotify.model.decision import Earlier, MessageKey, Mode


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The firm's settings, as far as they decide who is texted.

    `country` reads national numbers; `countries` are the allowed destinations, None for any.
    """

    mode: Mode = Mode.SANDBOX
    country: str = ""
    countries: frozenset[str] | None = None
    timezone: str = "UTC"
    allow: frozenset[str] = frozenset()
    test_to: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a recipient."""

    opted_out: bool = False
    opted_out_source: str = ""
    opted_out_at: datetime | None = None
    time_zone: str = ""


NOBODY = Person()


class Facts(msgspec.Struct):
    """Keys already taken and people already known; judging adds the keys that it gives out."""

    keys: dict[MessageKey, Earlier]
    people: dict[str, Person]
