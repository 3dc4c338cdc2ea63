"""From stored replies to answers in the outbox.

A portion of replies is read, each person's in the order in which they came, and everything that
they come to is kept in one transaction. Whoever was faster with one of them wins whole: then this
portion is read again. No clock and no secret state: the same books give the same answers.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.base.errors import OvertakenError, StoreUnavailableError
from smsnotify.engine.conversing_acts import act
from smsnotify.engine.conversing_crowd import Crowd
from smsnotify.engine.conversing_portion import Desk, Portion
from smsnotify.model.decision import Verdict
from smsnotify.model.message import Message, MessageState
from smsnotify.store.conversation_batch import ConversationBatch, WorkedReply
from smsnotify.store.replies import StoredReply

log = logging.getLogger(__name__)

PORTION: Final = 100
"""Replies of one transaction: more would make the hooks wait longer for the database."""
FAILED: Final = "failed"
"""The verdict on a reply that this program stumbled over."""

_TRIES: Final = 5

GoOn = Callable[[], bool]


class InCall(msgspec.Struct, frozen=True):
    """Answers that may go out in the very call that brought a reply, for some seconds."""

    account: str
    provider_message_id: str
    messages: tuple[Message, ...]


class Conversed(msgspec.Struct):
    """What working replies came to: `read_as` counts replies by verdict, `queued` texts.

    `held_for` and `stopped_for` count texts by the reason word of the gate.
    """

    replies: int = 0
    read_as: Counter[str] = msgspec.field(default_factory=Counter)
    queued: int = 0
    held: int = 0
    held_for: Counter[str] = msgspec.field(default_factory=Counter)
    stopped: int = 0
    stopped_for: Counter[str] = msgspec.field(default_factory=Counter)
    entered: int = 0
    moved: int = 0
    ended: int = 0
    overtaken: int = 0
    in_call: list[InCall] = []

    def add(self, other: Conversed) -> None:
        """Add what another portion came to."""
        self.read_as += other.read_as
        for name in self.__struct_fields__:
            if name == "in_call":
                self.in_call = self.in_call + other.in_call
            elif name != "read_as":
                setattr(self, name, getattr(self, name) + getattr(other, name))


def converse(
    desk: Desk, now: datetime, *, most: int = 100_000, go_on: GoOn = lambda: True
) -> Conversed:
    """Work the replies that nobody has worked yet, portion by portion; `go_on` between them.

    Raises:
        StoreError: the database failed; what was kept before stays, the rest is worked next time.
    """
    total = Conversed()
    while total.replies < most and go_on():
        portion = desk.store.unworked_replies(min(PORTION, most - total.replies))
        if not portion:
            break
        total.add(_work(desk, portion, now))
    return total


def _work(desk: Desk, portion: Sequence[StoredReply], now: datetime) -> Conversed:
    """Work some replies; read them again when somebody else was faster with one.

    One that cannot be worked shall not hold up the others: they are worked one by one then, and
    it goes to the inbox.
    """
    overtaken = 0
    while portion and overtaken < _TRIES:
        try:
            done = work_replies(desk, portion, now)
        except OvertakenError as error:
            overtaken += 1
            log.debug("a portion of replies was overtaken: %s", error.message)
            wanted = {one.id for one in portion}
            still = desk.store.unworked_replies(max(PORTION, len(portion)))
            portion = [one for one in still if one.id in wanted]
        except StoreUnavailableError:
            raise
        except Exception:
            if len(portion) == 1:
                log.exception("a reply cannot be worked; it goes to the inbox")
            break
        else:
            done.overtaken = overtaken
            return done
    if len(portion) == 1:
        return _give_up(desk, portion[0], now, overtaken)
    total = Conversed(overtaken=overtaken)
    for one in portion:
        total.add(_work(desk, [one], now))
    return total


def _give_up(desk: Desk, reply: StoredReply, now: datetime, overtaken: int) -> Conversed:
    """Put a reply that cannot be worked where a clerk sees it."""
    given = WorkedReply(id=reply.id, state="inbox", verdict=FAILED)
    batch = ConversationBatch(mode=desk.policy.mode.value, worked=[given])
    try:
        desk.store.keep_conversation(batch, now)
    except OvertakenError:
        return Conversed(replies=1, overtaken=overtaken)  # somebody else has worked it
    return Conversed(replies=1, read_as=Counter({FAILED: 1}), overtaken=overtaken)


def work_replies(desk: Desk, replies: Sequence[StoredReply], now: datetime) -> Conversed:
    """Work one portion of replies in one transaction.

    Raises:
        OvertakenError: another process worked one of them, or moved one of the people.
    """
    crowd = Crowd(desk, replies, now)
    portion = Portion(desk, now)
    portion.know({one.sender for one in replies if crowd.is_person(one)})
    read_as: Counter[str] = Counter()
    for reply in replies:
        verdict = act(portion, crowd, reply)
        read_as[verdict] += 1
    report = keep(portion, Conversed(replies=len(replies), read_as=read_as))
    if portion.in_call:
        report.in_call = list(_in_call(portion, replies))
    return report


def _in_call(portion: Portion, replies: Sequence[StoredReply]) -> Iterator[InCall]:
    kept = portion.batch.messages
    for reply in replies:
        keys = portion.in_call.get(reply.id, ())
        messages = tuple(kept[key] for key in keys if kept[key].state is MessageState.QUEUED)
        if messages:
            yield InCall(reply.account, reply.provider_message_id, messages)


def keep(portion: Portion, report: Conversed) -> Conversed:
    """Keep what a portion came to, and count it."""
    batch = portion.finish()
    lost = portion.desk.store.keep_conversation(batch, portion.now)
    for key, message in batch.messages.items():
        if key not in lost:
            report.held += message.state == MessageState.HELD
            report.queued += message.state == MessageState.QUEUED
    for one in batch.decisions:
        if one.verdict is Verdict.STOP:
            report.stopped += 1
            report.stopped_for[one.reason] += 1
        elif one.verdict is Verdict.HOLD:
            report.held_for[one.reason] += 1
    report.entered += len(batch.entered)
    report.moved += len(batch.transitions)
    report.ended += sum(one.enrolment.is_over for one in batch.entered)
    report.ended += sum(one.enrolment.is_over for one in batch.moved)
    return report
