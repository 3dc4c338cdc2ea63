"""What became of messages that the provider may or may not have.

Nothing here sends. A message that is found at the provider is adopted; one that is surely not
there after the last look is queued again; one that nobody can be asked about waits for its
receipt or for a person.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, cast

import msgspec
from sqlalchemy import Connection

from smsnotify.base.errors import ConfigError, NotSentError, OutcomeUnknownError
from smsnotify.engine.accounts import Account
from smsnotify.engine.books import Books
from smsnotify.engine.client import Transport
from smsnotify.engine.dispatch_plan import Sleep
from smsnotify.engine.rate import TokenBucket
from smsnotify.engine.retry import LOOKS_S, MOST_RESENDS
from smsnotify.engine.times import Times, micros
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.model.message import (
    ErrorWord,
    MessageState,
    OutboundMessage,
    Receipt,
    Result,
)
from smsnotify.providers.answers import read_http_date
from smsnotify.providers.base import HttpProvider, LookupAnswer, LookupResult
from smsnotify.store import outcomes, unknowns
from smsnotify.store.claims import LEASE_S
from smsnotify.store.instants import to_micros
from smsnotify.store.unknowns import CutOff, Doubtful, Ruling

log = logging.getLogger(__name__)

_MANY: Final = 500
_AT_ONCE: Final = 8
_ROUND: Final = 100
_ROUND_S: Final = LEASE_S / 2
_PAGES: Final = 10
_AGAIN_S: Final = 10.0  # after a look-up that gave no answer
_GONE_S: Final = 3600.0  # until an account that left the settings is looked for again
_FOR_A_PERSON_S: Final = 10 * 365 * 86400.0
_FARTHEST_BACK: Final = timedelta(hours=2)
_CLOCK_STEP: Final = timedelta(minutes=1)  # our clock may have been set since the try
_CUT_OFF: Final = "the process ended while this was being sent"


class SettleReport(msgspec.Struct):
    """Counts of one round.

    `taken_over`: left in flight by dead workers; `adopted`: found at the provider; `requeued`:
    surely not there; `waiting`: looked for in vain, to be looked for again; `parked`: the provider
    cannot be asked; `several`: of the adopted, those that more than one text would have fitted.
    """

    taken_over: int = 0
    looked: int = 0
    adopted: int = 0
    requeued: int = 0
    waiting: int = 0
    parked: int = 0
    several: int = 0


class Look(msgspec.Struct, frozen=True):
    """What asking about one message gave."""

    message: Doubtful
    result: LookupResult | None = None
    postpone_s: float = 0.0
    told: str = ""


class Settler:
    """Settles the unknown messages of one mode."""

    def __init__(
        self,
        books: Books,
        accounts: Mapping[str, Account],
        transport: Transport,
        *,
        times: Times,
        sleep: Sleep,
        timeout_s: float = 30.0,
    ) -> None:
        """`accounts` by name; `timeout_s` is for one look-up."""
        self._books = books
        self._accounts = accounts
        self._transport = transport
        self._times = times
        self._sleep = sleep
        self._timeout_s = timeout_s
        self._looked_at: int | None = None
        self._buckets = {
            name: TokenBucket(account.provider.capabilities.lookups_per_second, times.monotonic)
            for name, account in accounts.items()
        }

    async def settle(self) -> SettleReport:
        """Take over what is cut off, then look at everything that is due for a look."""
        report = SettleReport(taken_over=await self.take_over())
        await self._mind_the_clock()
        while True:
            found = await self._books.change(self._claim)
            if not found:
                return report
            looks = await self._look_at_all(found)
            report.looked += sum(look.result is not None for look in looks)
            await self._books.change(partial(self._rule, looks=looks, report=report))
            if len(found) < _ROUND:
                return report

    # Cut off: `sending`, but nobody renews the lease.

    async def take_over(self) -> int:
        """Move messages that a dead worker had in flight to `unknown`; return how many."""
        count = 0
        while True:
            taken = await self._books.change(self._take_over)
            count += taken
            if taken < _MANY:
                return count

    def _take_over(self, connection: Connection) -> int:
        wall, now = self._times.wall(), self._times.now()
        found = unknowns.find_cut_off(connection, mode=self._books.mode, wall=wall, limit=_MANY)
        rulings = [self._ruling_of(one, now) for one in found]
        unknowns.take_over(connection, rulings, now=now, wall=wall)
        outcomes.note_tries(connection, [_cut_off_try(one) for one in found])
        if found:
            log.warning("took over messages that were cut off", extra={"count": len(found)})
        return len(found)

    def _ruling_of(self, one: CutOff, now: int) -> Ruling:
        account = self._accounts.get(one.account)
        harmless = account is not None and account.provider.local
        wished = one.on_unknown == "resend" and one.attempts < MOST_RESENDS
        if harmless or wished:
            return Ruling(id=one.id, state=MessageState.QUEUED, error_text=_CUT_OFF, due_at=now)
        return Ruling(
            id=one.id,
            state=MessageState.UNKNOWN,
            error=ErrorWord.UNKNOWN_ERROR,
            error_text=_CUT_OFF,
            due_at=now + micros(LOOKS_S[0]),
        )

    # Looks.

    async def _mind_the_clock(self) -> None:
        """Look at once at doubts from a time that is still to come: the clock was set back.

        Asked of the books in the first round, and whenever the clock goes back between two.
        """
        wall, before = self._times.wall(), self._looked_at
        self._looked_at = wall
        if before is None or wall < before:
            now = self._times.now()
            await self._books.change(
                partial(unknowns.clock_set_back, mode=self._books.mode, now=now, wall=wall)
            )

    def _claim(self, connection: Connection) -> list[Doubtful]:
        wall = self._times.wall()
        return unknowns.claim_doubtful(
            connection,
            owner=self._books.owner,
            mode=self._books.mode,
            now=self._times.now(),
            wall=wall,
            until=wall + micros(LEASE_S + self._timeout_s),
            limit=_ROUND,
        )

    async def _look_at_all(self, found: Sequence[Doubtful]) -> list[Look]:
        room = asyncio.Semaphore(_AT_ONCE)
        until = self._times.monotonic() + _ROUND_S

        async def one_by_one(message: Doubtful) -> Look:
            async with room:
                if self._times.monotonic() > until:
                    # The rest of a long round goes back before its leases end.
                    return Look(message, postpone_s=0.0)
                return await self._look_at(message)

        return list(await asyncio.gather(*map(one_by_one, found)))

    async def _look_at(self, message: Doubtful) -> Look:
        account = self._accounts.get(message.account)
        if account is None:
            return Look(message, postpone_s=_GONE_S, told="its account is not in the settings")
        if account.provider.local:
            return Look(message, LookupResult(answer=LookupAnswer.ABSENT))
        provider = cast(HttpProvider, account.provider)
        asked = OutboundMessage(
            id=message.id,
            recipient=message.recipient,
            body=message.body,
            encoding=message.encoding,
            sender=message.sender,
        )
        try:
            request = provider.build_lookup(asked, message.provider_message_id)
        except ConfigError as error:
            return Look(message, postpone_s=_AGAIN_S, told=str(error))
        if request is None:
            told = "the provider cannot be asked; waits for a receipt or a person"
            return Look(message, postpone_s=_FOR_A_PERSON_S, told=told)
        return await self._ask(provider, message, asked, request)

    async def _ask(
        self,
        provider: HttpProvider,
        message: Doubtful,
        asked: OutboundMessage,
        request: HttpRequest,
    ) -> Look:
        """Read page after page; a candidate on any of them counts."""
        found: list[Receipt] = []
        for _ in range(_PAGES):
            try:
                await self._wait_for_turn(message.account)
                response = await self._transport.send(request, self._timeout_s)
            except (NotSentError, OutcomeUnknownError) as error:
                return Look(message, postpone_s=_AGAIN_S, told=str(error))
            result = provider.parse_lookup(
                asked,
                response,
                provider_message_id=message.provider_message_id,
                started_at=_by_their_clock(message.tried_at, self._times.wall_at(), response),
            )
            found += result.candidates
            if result.more is None:
                if result.answer is LookupAnswer.UNCLEAR and not found:
                    wait_s = max(result.retry_after_s or 0.0, _AGAIN_S)
                    return Look(message, postpone_s=wait_s, told=result.detail)
                break
            request = result.more
        else:
            if not found:
                return Look(message, postpone_s=_AGAIN_S, told="more texts than we read")
        answer = LookupAnswer.FOUND if found else LookupAnswer.ABSENT
        return Look(message, LookupResult(answer=answer, candidates=_earliest_first(found)))

    async def _wait_for_turn(self, account: str) -> None:
        bucket = self._buckets[account]
        while wait_s := bucket.wait_s():
            await self._sleep(wait_s)
        bucket.take(1)

    # Rulings: in one transaction, one after the other, so that two equal texts to one person
    # never adopt the same provider id.

    def _rule(self, connection: Connection, *, looks: Sequence[Look], report: SettleReport) -> None:
        ids = {
            receipt.provider_message_id
            for look in looks
            if look.result is not None
            for receipt in look.result.candidates
        }
        # First who is in flight, then who has which id: an answer that is written in between has
        # its id by then.
        rivals = unknowns.in_flight(connection, {look.message.recipient for look in looks})
        taken = unknowns.linked(connection, ids)
        now = self._times.now()
        in_order = sorted(looks, key=lambda look: look.message.tried_at)
        rulings = [self._ruling(look, taken, rivals, now, report) for look in in_order]
        wall = self._times.wall()
        unknowns.rule(connection, rulings, owner=self._books.owner, now=now, wall=wall)

    def _ruling(
        self,
        look: Look,
        taken: set[str],
        rivals: Collection[tuple[str, str]],
        now: int,
        report: SettleReport,
    ) -> Ruling:
        message, result = look.message, look.result
        if result is None:
            parked = look.postpone_s >= _FOR_A_PERSON_S
            report.parked += parked
            report.waiting += not parked
            return _still_unknown(message, message.looks, now + micros(look.postpone_s), look.told)
        free = taken - {message.provider_message_id}
        found = result.unlinked(free)
        if found is not None and (message.recipient, message.body) in rivals:
            report.waiting += 1
            told = "an equal text is being sent now; whose this is will be known soon"
            return _still_unknown(message, message.looks, now + micros(_AGAIN_S), told)
        if found is not None:
            return self._adopt(message, result, found, taken, now, report)
        return self._not_there(message, now, report)

    def _adopt(
        self,
        message: Doubtful,
        result: LookupResult,
        found: Receipt,
        taken: set[str],
        now: int,
        report: SettleReport,
    ) -> Ruling:
        fitting = {one.provider_message_id for one in result.candidates} - taken
        taken.add(found.provider_message_id)
        several = len(fitting) > 1
        report.adopted += 1
        report.several += several
        if several:
            log.warning("several texts at the provider fit one message", extra={"id": message.id})
        return Ruling(
            id=message.id,
            state=found.state or MessageState.ACCEPTED,
            provider_message_id=found.provider_message_id,
            error=found.error or "",
            error_text="found by look-up; several texts fitted, the earliest was taken"
            if several
            else "",
            looks=message.looks + 1,
            due_at=now,
        )

    def _not_there(self, message: Doubtful, now: int, report: SettleReport) -> Ruling:
        looks = max(message.looks + 1, _looks_by_now(message, self._times.wall_at()))
        if looks < len(LOOKS_S):
            report.waiting += 1
            due_at = now + micros(LOOKS_S[looks] - LOOKS_S[looks - 1])
            return _still_unknown(message, looks, due_at, "not at the provider so far")
        if message.provider_message_id:
            # The provider gave us this id itself, so it had the message once.
            report.parked += 1
            told = "the provider no longer knows its own id; waits for a receipt or a person"
            return _still_unknown(message, looks, now + micros(_FOR_A_PERSON_S), told)
        report.requeued += 1
        return Ruling(
            id=message.id,
            state=MessageState.QUEUED,
            error_text="not at the provider after the last look",
            due_at=now,
        )


def _by_their_clock(tried_at: datetime, now: datetime, response: HttpResponse) -> datetime:
    """Say when a try went out by the clock of the provider, who dated the answer; rather too early.

    Our own earlier texts are known by their ids, so what is too early harms little; too late means
    that the text is not recognised, and sent twice.
    """
    passed = now - tried_at
    if passed < timedelta(0):
        passed = _FARTHEST_BACK  # our clock was set back since then
    theirs = read_http_date(response.headers.get("date", "")) or now
    return theirs - passed - _CLOCK_STEP


def _looks_by_now(message: Doubtful, wall: datetime) -> int:
    """A desk that looks rarely (cron) need not look three times: the last moment has passed."""
    since_s = (wall - message.since).total_seconds()
    return sum(since_s >= look_s for look_s in LOOKS_S)


def _still_unknown(message: Doubtful, looks: int, due_at: int, told: str) -> Ruling:
    return Ruling(
        id=message.id,
        state=MessageState.UNKNOWN,
        error=ErrorWord.UNKNOWN_ERROR,
        error_text=told,
        looks=looks,
        due_at=due_at,
    )


def _cut_off_try(one: CutOff) -> outcomes.Settled:
    return outcomes.Settled(
        id=one.id,
        state=MessageState.UNKNOWN,
        account=one.account,
        error_text=_CUT_OFF,
        number=one.attempts,
        at=to_micros(one.sent_at),
        result=Result.UNKNOWN,
    )


def _earliest_first(found: Sequence[Receipt]) -> tuple[Receipt, ...]:
    late = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(found, key=lambda one: one.at or late))
