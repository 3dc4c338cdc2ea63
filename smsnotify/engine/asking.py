"""Asking one account's provider about message after message."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, cast

import msgspec

from smsnotify.base.errors import ConfigError, NotSentError, OutcomeUnknownError
from smsnotify.engine.accounts import Account
from smsnotify.engine.books import Books
from smsnotify.engine.client import Transport
from smsnotify.engine.dispatch_plan import Sleep
from smsnotify.engine.rate import TokenBucket
from smsnotify.engine.receipts import BY_LOOKUP, ReceiptReport, take_receipts
from smsnotify.engine.times import Times
from smsnotify.model.message import ErrorWord, OutboundMessage, Receipt
from smsnotify.providers.base import HttpProvider, LookupAnswer, LookupResult
from smsnotify.store.unsettled import Span, Unsettled, put_back, take_unsettled

log = logging.getLogger(__name__)

AT_ONCE: Final = 8
"""Look-ups of one account in flight at once."""

_BATCH: Final = 64
_BATCH_S: Final = 10  # an account with a low rate takes what it can ask about in so many seconds
_LONGEST_WAIT_S: Final = 60.0
_PATIENCE: Final = 5  # answers in a row that tell nothing, then an account is left alone
_NAP_S: Final = 1.0
_NOT_ITS_FAULT: Final = (ErrorWord.BAD_CREDENTIALS, ErrorWord.RATE_LIMITED)


class ReconcileReport(msgspec.Struct):
    """What one run came to.

    `asked`: look-ups made; `settled`: messages that changed, by a look-up or by an early receipt;
    `unchanged`: nothing new; `absent`: the provider does not know its own id any more; `unclear`:
    no answer, asked again next time; `left`: due and not asked in this run; `no_word`: without a
    final word for 72 hours, not asked any more. `skipped` is account → why it cannot be asked,
    `stopped` account → why the run gave it up.
    """

    asked: int = 0
    settled: int = 0
    unchanged: int = 0
    absent: int = 0
    unclear: int = 0
    left: int = 0
    no_word: int = 0
    skipped: dict[str, str] = {}
    stopped: dict[str, str] = {}

    def add(self, taken: ReceiptReport) -> None:
        """Count what look-ups led to."""
        self.settled += taken.applied + taken.caught_up
        self.unchanged += taken.replayed + taken.unchanged + taken.undocumented + taken.conflicts


class Asked:
    """What the accounts of one run share."""

    def __init__(
        self,
        books: Books,
        span: Span,
        times: Times,
        *,
        room: int | None,
        progress: Callable[[ReconcileReport], None] | None,
        stop: asyncio.Event | None,
        sleep: Sleep,
    ) -> None:
        """`room` is how many look-ups are allowed in all, None for any number."""
        self.books = books
        self.span = span
        self.times = times
        self.sleep = sleep
        self.report = ReconcileReport()
        self._room = room
        self._progress = progress
        self._stop = stop

    @property
    def is_stopped(self) -> bool:
        """True when the run was told to end."""
        return self._stop is not None and self._stop.is_set()

    def reserve(self, wanted: int) -> int:
        """Take room for look-ups; return for how many there is some."""
        if self._room is None:
            return wanted
        allowed = min(wanted, self._room)
        self._room -= allowed
        return allowed

    def release(self, room: int) -> None:
        """Return room that was not used."""
        if self._room is not None:
            self._room += room

    def note(self, taken: ReceiptReport) -> None:
        """Count what a batch came to, and say how far it is."""
        self.report.add(taken)
        if self._progress is not None:
            self._progress(self.report)


class Asker:
    """Asks one account's provider, within its rate."""

    def __init__(
        self, asked: Asked, account: Account, transport: Transport, *, timeout_s: float
    ) -> None:
        """`timeout_s` is for one look-up."""
        self.account = account
        self._asked = asked
        self._provider = cast(HttpProvider, account.provider)
        self._transport = transport
        self._timeout_s = timeout_s
        per_second = account.provider.capabilities.lookups_per_second
        self._bucket = TokenBucket(per_second, asked.times.monotonic)
        # A refusal for asking too often must be heard before the next question.
        self._at_once, self._batch = AT_ONCE, _BATCH
        if per_second is not None:
            self._at_once = max(1, min(AT_ONCE, int(per_second)))
            self._batch = max(1, min(_BATCH, int(per_second * _BATCH_S)))
        self._not_before = 0.0
        self._in_vain = 0
        self._not_asked: list[Unsettled] = []

    @property
    def is_over(self) -> bool:
        """True when there is no point in asking on."""
        return self._asked.is_stopped or self.account.name in self._asked.report.stopped

    async def work(self) -> None:
        """Go on until nothing is due, the limit is reached, or there is no point."""
        try:
            while not self.is_over:
                room = self._asked.reserve(self._batch)
                found = await self._take(room) if room else []
                self._asked.release(room - len(found))
                if not found:
                    return
                await self._ask_about(found)
        finally:
            # The next run asks about these first, not ten minutes later.
            await self._asked.books.change(partial(put_back, messages=self._not_asked))

    async def _take(self, room: int) -> list[Unsettled]:
        asked = self._asked
        wanted = partial(
            take_unsettled,
            account=self.account.name,
            span=asked.span,
            now=asked.times.wall_at(),
            limit=room,
        )
        return await asked.books.change(wanted)

    async def _ask_about(self, found: Sequence[Unsettled]) -> None:
        told: list[Receipt] = []
        room = asyncio.Semaphore(self._at_once)

        async def one_by_one(message: Unsettled) -> None:
            async with room:
                if await self._has_turn():
                    told.extend(self._read(message, await self._ask(message)))
                else:
                    self._asked.release(1)
                    self._not_asked.append(message)

        await asyncio.gather(*map(one_by_one, found))
        asked = self._asked
        now = asked.times.wall_at()
        keep = partial(take_receipts, asked.books.store, self.account.name, told, now, by=BY_LOOKUP)
        asked.note(await asked.books.call(keep))

    async def _has_turn(self) -> bool:
        """Wait until the rate allows a look-up; False when the run is over before."""
        while not self.is_over:
            pause_s = self._not_before - self._asked.times.monotonic()
            wait_s = max(self._bucket.wait_s(), pause_s)
            if wait_s <= 0:
                self._bucket.take(1)
                return True
            await self._asked.sleep(min(wait_s, _NAP_S))
        return False

    async def _ask(self, message: Unsettled) -> LookupResult:
        asked = OutboundMessage(
            id=message.id,
            recipient=message.recipient,
            body=message.body,
            encoding=message.encoding,
            sender=message.sender,
        )
        provider_id = message.provider_message_id
        try:
            request = self._provider.build_lookup(asked, provider_id)
            if request is None:
                return _unclear("there is no look-up by this id", ErrorWord.UNKNOWN_ERROR)
            self._asked.report.asked += 1
            response = await self._transport.send(request, self._timeout_s)
            return self._provider.parse_lookup(asked, response, provider_message_id=provider_id)
        except ConfigError as error:
            return _unclear(str(error), ErrorWord.BAD_CREDENTIALS)
        except (NotSentError, OutcomeUnknownError) as error:
            return _unclear(str(error), ErrorWord.PROVIDER_DOWN)
        except Exception as error:
            log.exception("a look-up failed", extra={"account": self.account.name})
            return _unclear(type(error).__name__, ErrorWord.UNKNOWN_ERROR)

    def _read(self, message: Unsettled, result: LookupResult) -> list[Receipt]:
        """Count an answer; return what it says as a receipt, if it says anything."""
        report = self._asked.report
        if result.answer is LookupAnswer.UNCLEAR:
            report.unclear += 1
            if result.error in _NOT_ITS_FAULT:
                self._not_asked.append(message)
            self._despair(result)
            return []
        self._in_vain = 0
        if not result.candidates:
            report.absent += 1
            return []
        found = msgspec.structs.replace(
            result.candidates[0],
            provider_message_id=message.provider_message_id,
            message_id=message.id,
        )
        return [found]

    def _despair(self, result: LookupResult) -> None:
        self._in_vain += 1
        wait_s = result.retry_after_s or 0.0
        self._not_before = max(self._not_before, self._asked.times.monotonic() + wait_s)
        hopeless = result.error is ErrorWord.BAD_CREDENTIALS or wait_s > _LONGEST_WAIT_S
        stopped = self._asked.report.stopped
        if (hopeless or self._in_vain >= _PATIENCE) and self.account.name not in stopped:
            stopped[self.account.name] = result.detail or "no answer"
            log.warning("account %s is not asked any more", self.account.name)


def _unclear(told: str, error: ErrorWord) -> LookupResult:
    return LookupResult(answer=LookupAnswer.UNCLEAR, error=error, detail=told)
