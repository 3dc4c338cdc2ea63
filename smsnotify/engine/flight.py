"""The requests that are in flight, and the answers that came back and wait to be written."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Sequence
from typing import Final

from smsnotify.engine.alarms import AlarmCarrier
from smsnotify.engine.client import Transport
from smsnotify.engine.handover import (
    CallbackUrl,
    OptOutUrl,
    Tried,
    carry,
    carry_alarm,
    carry_mail,
    hand_to_local,
    outbound,
)
from smsnotify.engine.lanes import Lane
from smsnotify.engine.mail import MailCarrier
from smsnotify.engine.times import Moment, Times
from smsnotify.model.message import OutboundMessage, Outcome, Result
from smsnotify.providers.base import LocalProvider
from smsnotify.store.claims import LEASE_S, Claimed

_LINGER_S: Final = 0.003
_LONGEST_LINGER_S: Final = 0.05
"""An answer waits so long for others to be written in the same transaction: half as long as the
last one took, within these bounds."""

_MARK_HOLDS_S: Final = LEASE_S / 2


class Flight:
    """Carries requests as tasks. `wake` is set when answers are worth a transaction."""

    def __init__(
        self,
        transport: Transport,
        mails: MailCarrier,
        *,
        times: Times,
        timeout_s: float,
        callback_url: CallbackUrl,
        opt_out_url: OptOutUrl,
        wake: asyncio.Event,
    ) -> None:
        """`timeout_s` is for one request."""
        self._transport = transport
        self._mails = mails
        self._alarms = AlarmCarrier()
        self._times = times
        self._timeout_s = timeout_s
        self._callback_url = callback_url
        self._opt_out_url = opt_out_url
        self._wake = wake
        self._done: list[Tried] = []
        self._running: dict[int, tuple[asyncio.Task[None], Lane, list[Claimed]]] = {}
        self._tickets = itertools.count()
        self._enough = 1
        self._latency_s = math.inf
        self._linger_s = _LINGER_S
        self.count = 0

    @property
    def has_answers(self) -> bool:
        """True when answers wait to be written."""
        return bool(self._done)

    def take_answers(self) -> list[Tried]:
        """Return the answers since the last time."""
        done, self._done = self._done, []
        return done

    def messages(self) -> list[Claimed]:
        """Return the messages in flight."""
        return [message for _, _, messages in self._running.values() for message in messages]

    def send(
        self,
        requests: Sequence[tuple[Lane, list[Claimed]]],
        allowed: set[str] | None,
        marked: Moment,
    ) -> None:
        """Let requests go, with those of their messages that are marked as sending; None: all.

        `marked` is when the transaction that marked them began.
        """
        at = self._times.wall()
        create_task = asyncio.get_running_loop().create_task
        for lane, planned in requests:
            messages = planned
            if allowed is not None:
                messages = [message for message in planned if message.id in allowed]
            if not messages:
                lane.give_up()
            elif lane.local is not None:
                self._hand_over(lane, lane.local, messages, self._times.now())
            else:
                ticket = next(self._tickets)
                task = create_task(self._carry(ticket, lane, messages, at, marked))
                self._running[ticket] = (task, lane, messages)
                self.count += 1
        # Half of what flies: the other half keeps the line busy while the disk works. But when a
        # transaction takes longer than an answer, the line rests anyway: then all in one.
        took_s = self._times.monotonic() - marked.monotonic
        is_slow = took_s > self._latency_s
        self._linger_s = min(max(took_s / 2, _LINGER_S), _LONGEST_LINGER_S)
        self._enough = self.count + len(self._done) if is_slow else max(self.count // 2, 1)
        if len(self._done) >= self._enough:
            self._wake.set()
        elif is_slow and self._done:
            # What came back meanwhile goes with the rest, or alone when that takes too long.
            self._wake.clear()
            asyncio.get_running_loop().call_later(self._linger_s, self._wake.set)

    def _hand_over(
        self, lane: Lane, provider: LocalProvider, messages: list[Claimed], at: int
    ) -> None:
        began = self._times.monotonic()
        sent = self._outbound(lane, messages)
        outcomes, states = hand_to_local(provider, sent)
        latency_ms = (self._times.monotonic() - began) * 1000
        self._done.append(Tried(lane, messages, outcomes, at, began, latency_ms, False, states))

    async def _carry(
        self,
        ticket: int,
        lane: Lane,
        messages: list[Claimed],
        at: int,
        marked: Moment,
    ) -> None:
        if self._is_too_late(marked):
            self._never_went(ticket)
            self._wake.set()
            return
        began = self._times.monotonic()
        sent = self._outbound(lane, messages)
        split = False
        if lane.mail is not None:
            outcomes = await carry_mail(lane.mail, sent[0], self._mails, self._timeout_s)
        elif lane.alarm is not None:
            outcomes = await carry_alarm(lane.alarm, sent[0], self._alarms, self._timeout_s)
        else:
            assert lane.remote is not None, "what is neither local, mail nor alarm is HTTP"
            outcomes, split = await carry(lane.remote, sent, self._transport, self._timeout_s)
        self._latency_s = self._times.monotonic() - began
        del self._running[ticket]
        latency_ms = self._latency_s * 1000
        self._done.append(Tried(lane, messages, outcomes, at, began, latency_ms, split))
        self.count -= 1
        if len(self._done) >= self._enough or not self.count:
            self._wake.set()
        elif len(self._done) == 1:
            asyncio.get_running_loop().call_later(self._linger_s, self._wake.set)

    def _outbound(self, lane: Lane, messages: Sequence[Claimed]) -> list[OutboundMessage]:
        return [
            outbound(message, lane, self._callback_url, self._opt_out_url) for message in messages
        ]

    def _is_too_late(self, marked: Moment) -> bool:
        """Say whether the mark may soon be another worker's: we were stopped, or asleep, since.

        Whoever finds a mark whose lease is over takes the message for maybe sent, and may send it
        after the last look-up; so a worker that wakes up again must not.
        """
        if self._times.monotonic() - marked.monotonic > _MARK_HOLDS_S:
            return True
        return self._times.wall() - marked.wall > _MARK_HOLDS_S * 1_000_000

    async def land(self, grace_s: float) -> None:
        """Wait for what is in flight, then cut it off: what was cut off is unknown."""
        if self._running:
            await asyncio.wait(self._tasks(), timeout=grace_s)
        cut_off = self._tasks()
        for task in cut_off:
            task.cancel()
        if cut_off:
            await asyncio.wait(cut_off)
        for ticket in list(self._running):
            self._never_went(ticket)
        self._alarms.close()

    def _tasks(self) -> set[asyncio.Task[None]]:
        return {task for task, _, _ in self._running.values()}

    def _never_went(self, ticket: int) -> None:
        """No request was made: the task was cancelled before its first step, or came too late."""
        _, lane, messages = self._running.pop(ticket)
        outcomes = [
            Outcome(message_id=message.id, result=Result.RETRY, raw_text="stopped before it went")
            for message in messages
        ]
        now = self._times.monotonic()
        self._done.append(Tried(lane, messages, outcomes, self._times.wall(), now, 0.0))
        self.count -= 1
