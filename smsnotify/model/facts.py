"""What judging must know besides the draft itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.model.caps import Caps
from smsnotify.model.contact import Contact
from smsnotify.model.counts import Counts
from smsnotify.model.decision import Earlier, MessageKey, Mode
from smsnotify.model.event import Happening
from smsnotify.model.silence import Silence

EVERYTHING: Final = "all"
"""The scope of a consent that holds for every sender and every kind of text."""

MARKETING: Final = "purpose:marketing"
"""The scope of a consent about marketing alone."""

IN_DOUBT: Final = "opt_out_in_doubt"
"""Why a text waits, without a time: a reply may be an opt-out, and a clerk has not decided."""


GATE_OF_REASON: Final = {IN_DOUBT: "opted_out", "waits": "after", "watches": "unchanged"}
"""The gates that hold a text with another word than their name."""


def unknown_senders(route: str, country: str) -> frozenset[str]:
    """Say nothing of what a route sends as."""
    return frozenset()


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The firm's settings, as far as they decide who is texted.

    `country` reads national numbers; `countries` are the allowed destinations, None for any.
    `senders` returns what a route might send as to a country (`''`: what its provider chooses).
    `opt_out_scope` is what a person who says STOP is out of: `all`, `sender` or `purpose`.
    `public_url` is where people reach this program's pages, `''` for nowhere. `tracking`: texts
    about a job that brings no tracking link of its own lead to our page. `caps` None: there are
    none but those of rules.
    """

    mode: Mode = Mode.SANDBOX
    country: str = ""
    countries: frozenset[str] | None = None
    timezone: str = "UTC"
    allow: frozenset[str] = frozenset()
    test_to: str = ""
    test_to_email: str = ""
    senders: Callable[[str, str], frozenset[str]] = unknown_senders
    opt_out_scope: str = EVERYTHING
    public_url: str = ""
    tracking: bool = False
    caps: Caps | None = None

    def scope_of_stop(self, ours: str) -> str:
        """Return the scope of a STOP that came to our number `ours`, `''` when that is unknown."""
        if self.opt_out_scope == "sender" and ours:
            return f"sender:{ours}"
        return MARKETING if self.opt_out_scope == "purpose" else EVERYTHING


class Person(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a recipient.

    `opted_out` means everything; `refuses` are the narrower scopes that the person opted out of
    (`sender:ID`, `purpose:marketing`). `marketing_since` is when the person asked for marketing,
    None without a record, or when an opt-out came after it. `in_doubt`: a reply that may be an
    opt-out waits for a clerk.
    """

    opted_out: bool = False
    opted_out_source: str = ""
    opted_out_at: datetime | None = None
    time_zone: str = ""
    refuses: frozenset[str] = frozenset()
    marketing_since: datetime | None = None
    in_doubt: bool = False


NOBODY = Person()


class Facts(msgspec.Struct):
    """Keys already taken and people already known; judging adds the keys that it gives out.

    `contacts` and `opt_out_link` are only asked for rules whose terms say `reads_person`.
    `greeted` are who has had the words that a first text must carry, None where nobody asked.
    `silences` are those that run, or may.
    `tracking_link` makes the address of our page about a job (its subject) for a recipient.
    `happened` is what the books know of jobs (by subject), the oldest first; only asked for rules
    whose bounds say `asks`, and no more than those ask for.
    `doors` are the open windows of digests by `gates.digest.door_of`, with the instant when each
    ends; only asked for rules with a digest, and judging adds those that it opens.
    `counts` None: no cap holds for any of the drafts.
    """

    keys: dict[MessageKey, Earlier]
    people: dict[str, Person]
    contacts: Mapping[str, Contact] = {}
    opt_out_link: Callable[[str], str] | None = None
    silences: tuple[Silence, ...] = ()
    tracking_link: Callable[[str, str], str] | None = None
    greeted: set[str] | None = None
    happened: Mapping[str, Sequence[Happening]] = {}
    doors: dict[str, datetime] = {}
    counts: Counts | None = None
