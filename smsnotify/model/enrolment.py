"""One person on the way through one plan, and what can happen to them there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from smsnotify.model.rule import SMS


class Waiting(StrEnum):
    """What an enrolment waits for."""

    REPLY = "reply"
    EVENT = "event"
    DELAY = "delay"
    NOTHING = ""  # it is over


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A person in a plan.

    `number` is the person's, `ours` and `account` what the conversation runs over (`''`: not
    begun yet). `state` is `waiting`, or an Outcome when it is over. `turn` counts transitions:
    whoever stores the next one must have seen all before it. `visits` counts how often each step
    was entered. `waits_since` and `due_at` bound the wait; a reply counts when it was received in
    between, whenever it is worked. `answers` are kept by the step that asked. `message_id` is the
    last text of the step that waits. `subject` and `job` name the job that it is about.
    """

    id: str
    plan: str
    version: str
    contact_id: str
    number: str
    mode: str = "sandbox"
    account: str = ""
    ours: str = ""
    subject: str = ""
    job: str = ""
    state: str = "waiting"
    step: str = ""
    visits: Mapping[str, int] = {}
    turn: int = 0
    steps_taken: int = 0
    waiting: Waiting = Waiting.NOTHING
    waits_since: datetime | None = None
    due_at: datetime | None = None
    others: int = 0
    answers: Mapping[str, str] = {}
    message_id: str = ""
    goal_value: float = 0.0
    source: str = ""
    entered_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """True once it has an outcome."""
        return self.state != "waiting"


class Started(msgspec.Struct, frozen=True, tag="start"):
    """Somebody enters: `source` is `keyword`, `any_text`, `event`, `rule`, `hand` or `plan`."""

    source: str
    ref: str = ""


class Replied(msgspec.Struct, frozen=True, tag="reply"):
    """A text from the person; `id` is the reply's, `received_at` when it reached us."""

    id: str
    body: str
    received_at: datetime


class Happened(msgspec.Struct, frozen=True, tag="event"):
    """An event about the job or the person."""

    name: str
    id: str
    at: datetime


class TimeUp(msgspec.Struct, frozen=True, tag="time"):
    """The deadline of the wait, or of the enrolment, has come."""


class NotDelivered(msgspec.Struct, frozen=True, tag="not_delivered"):
    """The last text did not arrive, or a gate stopped it: `reason` is its word."""

    message_id: str
    reason: str


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """Somebody takes the person out: `opted_out`, `by_hand`, `forgotten`, `moved`."""

    reason: str


class MovedTo(msgspec.Struct, frozen=True, tag="moved"):
    """A clerk puts the person on another step of the same plan."""

    step: str


Input = Started | Replied | Happened | TimeUp | NotDelivered | Ended | MovedTo


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One row of an enrolment's history: UNIQUE by (enrolment, turn).

    `cause` is the input's tag, `ref` what it came from; `path` the branch that was taken
    (`QUOTE`, `other`, `no_reply`, `not_delivered`, `then`, `else`, `next` …).
    """

    enrolment_id: str
    turn: int
    from_step: str
    to_step: str
    path: str
    cause: str
    ref: str = ""
    at: datetime


class PlanText(msgspec.Struct, frozen=True, kw_only=True):
    """A text that a plan wants to send; not judged yet. `occasion` is `STEP/VISIT`, and for the
    answer to an unknown word `STEP/VISIT/other/N`. `body` is the rendered text, OPT_OUT_MARK where
    the opt-out link belongs; when a value was missing it is `''` and `missing` names the field. Of
    a mail, `body` is Markdown and `title` the subject line."""

    step: str
    occasion: str
    body: str
    missing: str = ""
    route: str = ""
    asks: bool = False
    channel: str = SMS
    title: str = ""


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """Something a plan wants done in the world: stored with the transition, done after it.

    `kind` is `emit`, `webhook`, `action`, `alert` or `start_plan`; `data` its content.
    """

    kind: str
    key: str
    data: Mapping[str, Any] = {}


class Advance(msgspec.Struct, frozen=True, kw_only=True):
    """What one input came to: the new enrolment, and what must be stored with it.

    `consumed` is False when the input changed nothing (a reply before the wait began, a timer
    that a reply overtook). `to_inbox`: nobody knows this answer, a clerk must look.
    """

    enrolment: Enrolment
    transitions: tuple[Transition, ...] = ()
    texts: tuple[PlanText, ...] = ()
    facets: Mapping[str, Any] = {}
    tags: frozenset[str] = frozenset()
    goals: tuple[tuple[str, float | None], ...] = ()
    errands: tuple[Errand, ...] = ()
    consumed: bool = True
    to_inbox: bool = False
