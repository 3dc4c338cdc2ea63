"""Drafts, and what the gates said of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from smsnotify.model.event import Event
from smsnotify.model.rule import SMS, RuleTerms
from smsnotify.model.size import Encoding


class Mode(StrEnum):
    """How real a run is. Part of every key: a rehearsal never counts as sent."""

    SANDBOX = "sandbox"
    TEST = "test"
    LIVE = "live"


class MessageKey(NamedTuple):
    """What a message means; the outbox has a UNIQUE index over it. `''` where empty.

    `recipient` is E.164 here; the store keeps a keyed hash of it in the index.
    """

    subject: str
    mode: str
    kind: str
    rule: str
    occasion: str
    channel: str
    recipient: str


class Draft(msgspec.Struct, frozen=True, gc=False):
    """What a matched rule wants to say to one recipient; nothing decided yet.

    `recipient` is E.164, or the text as it was written when `refusal` has a word for why it
    cannot be read. `others` are further events that the same text tells of, in order of arrival.
    """

    terms: RuleTerms
    event: Event
    recipient: str
    key: MessageKey
    refusal: str = ""
    country: str = ""
    others: tuple[Event, ...] = ()


class Verdict(StrEnum):
    """What becomes of a draft."""

    SEND = "send"
    HOLD = "hold"
    STOP = "stop"


class Earlier(msgspec.Struct, frozen=True, gc=False):
    """The message that already has a key: what a duplicate points at."""

    id: str
    state: str
    gate: str = ""
    run: str = ""


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The record for (event, matched rule, recipient).

    `gate` and `reason` say what stopped or held it; `detail` is for people (the missing field,
    the zone that won, who gets the text instead). `to` is who is really texted: the recipient,
    or `test_to` in test mode. `swapped` are the (was, is) pairs of characters that the rule's
    encoding changed in the body. An email has a `title` (its subject line), and `markup`: its body
    as Markdown, values escaped, of which `body` is the plain text. `not_before` is when a held one
    may leave. `language` is the one that was chosen, `''` for a rule with one wording.
    `first_text`: it carries what the first text that a number ever gets must say. `beyond` are
    the soft caps that it is beyond.
    """

    draft: Draft
    verdict: Verdict
    gate: str = ""
    reason: str = ""
    detail: str = ""
    to: str = ""
    body: str = ""
    title: str = ""
    markup: str = ""
    encoding: Encoding | None = None
    segments: int = 0
    swapped: tuple[tuple[str, str], ...] = ()
    not_before: datetime | None = None
    earlier: Earlier | None = None
    language: str = ""
    first_text: bool = False
    beyond: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The outside shape: `{"type": "decision", "rule": …, "event": …, …}`."""
        draft, job = self.draft, self.draft.event.job
        heading: dict[str, object] = {"subject": self.title} if draft.terms.channel != SMS else {}
        if self.language:
            heading["language"] = self.language
        if self.beyond:
            heading["beyond"] = self.beyond
        return {
            "type": "decision",
            "rule": draft.terms.name,
            "event": draft.event.name,
            "event_id": draft.event.id,
            "job": job.number,
            "attempt": job.attempt_number,
            "channel": draft.terms.channel,
            "recipient": draft.recipient,
            "verdict": self.verdict.value,
            "gate": self.gate,
            "reason": self.reason,
            "detail": self.detail,
            "body": self.body,
            "encoding": self.encoding.value if self.encoding else None,
            "segments": self.segments,
            "swapped": self.swapped,
            "not_before": self.not_before.isoformat() if self.not_before else None,
            "to": self.to,
            "earlier": {"id": self.earlier.id, "state": self.earlier.state}
            if self.earlier
            else None,
        } | heading
