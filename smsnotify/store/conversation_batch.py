"""What a conversation hands to the store: everything that a portion of replies came to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import msgspec

from smsnotify.model.contact import ConsentChange, Contact, Facet, Interaction
from smsnotify.model.counts import Charge
from smsnotify.model.decision import Decision, MessageKey
from smsnotify.model.enrolment import Enrolment, Errand, Transition
from smsnotify.model.facts import EVERYTHING
from smsnotify.model.message import Message

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class WorkedReply(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a reply was taken for. `state` is `worked`, `inbox` or `doubtful`.

    `was` is the state that it must still be in: `new`, or `inbox` and `doubtful` for a clerk's
    decision.
    """

    id: str
    state: str = "worked"
    verdict: str = ""
    contact_id: str = ""
    enrolment_id: str = ""
    note: str = ""
    was: str = "new"


class ContactChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What becomes known of a contact. None leaves a field; a facet of None is taken away."""

    contact_id: str
    facets: Mapping[str, Facet | None] = _NOTHING
    tags: frozenset[str] = frozenset()
    untagged: frozenset[str] = frozenset()
    name: str | None = None
    language: str | None = None
    time_zone: str | None = None


class EnteredPlan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody came into a plan, and stands where `enrolment` says after this batch.

    `entry_ref` is what brought them in (a reply's id, an event's, a clerk's list): the same cause
    enrols a number once. `alone` lets nobody be in the plan twice at a time. `content` is the
    plan's version as canonical JSON, `b""` when it is stored already.
    """

    enrolment: Enrolment
    entry_ref: str
    alone: bool = True
    content: bytes = b""


class MovedEnrolment(msgspec.Struct, frozen=True, gc=False):
    """An enrolment as it is after this batch; `turn_before` is the turn that it was read at.

    `content` is the plan's version where it changed, `b""` when it is stored already.
    """

    enrolment: Enrolment
    turn_before: int
    content: bytes = b""


class NewErrand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something to do in the world, from `due_at` on. Once for each `errand.key`."""

    errand: Errand
    enrolment_id: str = ""
    due_at: datetime | None = None


class OpenChoice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person was asked which of several enrolments (`options`, in order) their reply meant."""

    number: str
    reply_id: str
    options: tuple[str, ...]
    asked_at: datetime
    due_at: datetime


class CancelTexts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Held and queued texts that must not go out any more: of a number, or of one subject.

    `scope` is a consent's: `all`, `sender:ID` or `purpose:marketing`. `subject` is an enrolment's
    id. Answers to STOP, START and HELP (kind `consent`) are never meant.
    """

    number: str = ""
    subject: str = ""
    scope: str = EVERYTHING
    reason: str = "opted_out"


class NewLink(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A page that belongs to one person. Only a hash of `token` is stored."""

    token: str
    kind: str
    recipient: str = ""
    subject: str = ""
    expires_at: datetime | None = None


class ConversationBatch(msgspec.Struct, kw_only=True):
    """Everything that a portion of replies, time-outs or events came to: one transaction.

    `contacts` are new ones, with their addresses. `messages` are under the keys of their
    `decisions`, with their `charges`, as in `store.batch.Batch`. `cleared` are numbers whose open
    choice is settled.
    An enrolment that is entered in this batch is not in `moved` as well: it is entered as it
    stands at the end.
    """

    mode: str
    worked: list[WorkedReply] = []
    contacts: list[Contact] = []
    changed: list[ContactChange] = []
    consents: list[ConsentChange] = []
    entered: list[EnteredPlan] = []
    moved: list[MovedEnrolment] = []
    transitions: list[Transition] = []
    interactions: list[Interaction] = []
    decisions: list[Decision] = []
    messages: dict[MessageKey, Message] = {}
    charges: Mapping[MessageKey, tuple[Charge, ...]] = {}
    errands: list[NewErrand] = []
    cancel: list[CancelTexts] = []
    choices: list[OpenChoice] = []
    cleared: list[str] = []
    links: list[NewLink] = []
