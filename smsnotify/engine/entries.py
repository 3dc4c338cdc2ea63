"""Answers of providers as entries for the books: where each message goes, and the try itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

from smsnotify.engine.books import Wave
from smsnotify.engine.handover import Tried
from smsnotify.engine.report import DeliveryReport
from smsnotify.engine.retry import Draw, Step, next_step
from smsnotify.engine.routing import Router
from smsnotify.engine.times import Times, micros
from smsnotify.model.message import ErrorWord, MessageState, Outcome, Result
from smsnotify.store.claims import Claimed
from smsnotify.store.outcomes import Settled

log = logging.getLogger(__name__)

_ACCEPTED: Final = Step(MessageState.ACCEPTED)


class Entries:
    """Makes entries, counts them, and keeps when a message last left."""

    def __init__(
        self,
        router: Router,
        *,
        times: Times,
        draw: Draw,
        report: DeliveryReport,
        announce: Callable[[str, str], None],
    ) -> None:
        """`announce` gets (account, reason) once when an account stops."""
        self.progressed_at = times.monotonic()
        self._router = router
        self._times = times
        self._draw = draw
        self._report = report
        self._announce = announce

    def enter(self, done: Iterable[Tried], wave: Wave) -> list[tuple[str, str]]:
        """Write entries into a wave; return (number, account) of people who opted out."""
        opted_out: list[tuple[str, str]] = []
        now = self._times.now()
        here = self._times.monotonic()
        for tried in done:
            reason = tried.lane.learn(tried.outcomes, tried.started)
            if reason:
                self._stop(tried.lane.name, reason)
            for message, outcome in zip(tried.messages, tried.outcomes, strict=True):
                self._enter_one(wave, tried, message, outcome, now, here)
                if outcome.error is ErrorWord.OPTED_OUT and outcome.result is Result.REJECTED:
                    opted_out.append((message.recipient, tried.lane.name))
        return opted_out

    def _enter_one(
        self,
        wave: Wave,
        tried: Tried,
        message: Claimed,
        outcome: Outcome,
        now: int,
        here: float,
    ) -> None:
        lane, error = tried.lane, outcome.error or ""
        if outcome.result is Result.ACCEPTED:
            step = _ACCEPTED
            if tried.states:
                step = Step(tried.states.get(message.id, MessageState.ACCEPTED))
        elif tried.split:
            # Nobody's fault yet: each goes alone, through the same account, at once.
            step, error = Step(MessageState.QUEUED), ""
            lane.alone.add(message.id)
        else:
            step = self._step(tried, message, outcome)
            if outcome.result is Result.UNKNOWN and step.state is MessageState.QUEUED:
                # Sent again on suspicion: through the same account, never through another.
                error = ""
        if step.state not in (MessageState.QUEUED, MessageState.UNKNOWN):
            self.progressed_at = here
        self._report.note(lane.name, step.state)
        wave.settled.append(
            Settled(
                id=message.id,
                state=step.state,
                account=lane.name,
                provider_message_id=outcome.provider_message_id,
                error=error,
                error_text=outcome.raw_text,
                due_at=now + micros(step.wait_s),
                number=message.attempts + 1,
                at=tried.at,
                latency_ms=round(tried.latency_ms),
                result=outcome.result,
                tried_error=outcome.error or "",
                http_status=outcome.http_status,
                raw_code=outcome.raw_code,
            )
        )

    def _step(self, tried: Tried, message: Claimed, outcome: Outcome) -> Step:
        expires_in_s = None
        if message.expires_at is not None:
            expires_in_s = (message.expires_at - self._times.now()) / 1_000_000
        return next_step(
            outcome,
            tries=message.attempts + 1,
            others=self._router.has_other(message, tried.lane, outcome.error),
            resend_unknown=message.on_unknown == "resend",
            expires_in_s=expires_in_s,
            draw=self._draw,
        )

    def _stop(self, account: str, reason: str) -> None:
        self._report.stopped_accounts[account] = reason
        log.error(
            "account %s is stopped for the rest of this run: %s",
            account,
            reason,
            extra={"account": account, "reason": reason},
        )
        self._announce(account, reason)
