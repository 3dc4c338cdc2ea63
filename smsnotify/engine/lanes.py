"""One lane per account: what waits for it, what is in flight, and whether it may be used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, cast

from smsnotify.engine.accounts import Account
from smsnotify.engine.breaker import Breaker
from smsnotify.engine.fleet_rate import FleetBucket
from smsnotify.engine.rate import TokenBucket
from smsnotify.model.message import ErrorWord, Outcome, Result
from smsnotify.providers.base import AlarmProvider, HttpProvider, LocalProvider, MailProvider
from smsnotify.store.claims import Claimed
from smsnotify.store.rates import Booking, Turns

_LOCAL_WAVE: Final = 500  # messages
_AHEAD: Final = 500
_MOST_WAITING: Final = 1000
_LONGEST_HOLD_S: Final = 3600.0
_STOPPING: Final = {
    ErrorWord.BAD_CREDENTIALS: "the provider refuses the credentials",
    ErrorWord.NO_CREDIT: "the account has no credit left",
}


class Lane:
    """The live side of an account in one process. Only the delivery loop touches it."""

    def __init__(
        self, account: Account, monotonic: Callable[[], float], *, shares_rate: bool = False
    ) -> None:
        """Start empty, closed breaker, full window.

        `shares_rate`: the account's rate is one for all workers, and the database deals it out.
        """
        self.account = account
        self.name = account.name
        provider = account.provider
        carried = "" if provider.local else provider.capabilities.transport
        self.mail = cast(MailProvider, provider) if carried == "mail" else None
        self.alarm = cast(AlarmProvider, provider) if carried == "alarm" else None
        self.remote = cast(HttpProvider, provider) if carried == "http" else None
        self.local = cast(LocalProvider, provider) if provider.local else None
        self.batch = max(provider.capabilities.batch, 1)
        self.concurrency = account.concurrency
        if provider.local:
            self.batch = min(self.batch, _LOCAL_WAVE)
            self.concurrency = _LOCAL_WAVE // self.batch
        self.breaker = Breaker(monotonic)
        rate = account.messages_per_second
        self.fleet = FleetBucket(rate, monotonic) if shares_rate and rate else None
        self.bucket = self.fleet or TokenBucket(rate, monotonic)
        self.stopped = ""
        self.paused = False
        self.in_flight = 0
        self.waiting: tuple[deque[Claimed], ...] = (deque(), deque(), deque())
        self.expired: list[str] = []
        # Messages whose batch was refused as a whole: each goes in a request of its own.
        self.alone: set[str] = set()
        self._senders: dict[str, str] = {}
        self._monotonic = monotonic
        self._window = float(self.concurrency)
        self._held_until = 0.0
        self._narrowed_at = 0.0

    def sender_for(self, country: str) -> str:
        """Return the account's sender for a destination country, asked of the adapter once."""
        sender = self._senders.get(country)
        if sender is None:
            sender = self._senders[country] = self.account.provider.sender_for(country)
        return sender

    @property
    def waiting_count(self) -> int:
        """Messages that were claimed for this account and have not gone out."""
        return sum(map(len, self.waiting))

    @property
    def is_shut(self) -> bool:
        """Nothing will leave here until a person does something."""
        return bool(self.stopped) or self.paused

    def wait_s(self) -> float:
        """Return the seconds until the provider may be asked again; 0 when it may now."""
        hold = self._held_until - self._monotonic()
        return max(hold, self.breaker.wait_s(), 0.0)

    @property
    def is_usable(self) -> bool:
        """New messages may come here; the rate may still make them wait."""
        return not self.is_shut and not self.breaker.is_open and self.wait_s() <= 0

    @property
    def may_send(self) -> bool:
        """A request may leave at once: something waits, a place is free, the rate allows it."""
        free = self.in_flight < max(int(self._window), 1)
        return self.is_usable and bool(self.waiting_count) and free and self.bucket.ready() != 0

    @property
    def room(self) -> int:
        """How many more messages this lane should claim: a few waves ahead."""
        if not self.is_usable:
            return 0
        if self.breaker.is_half_open:
            return max(self.batch - self.waiting_count, 0)
        ahead = max(2 * self.concurrency * self.batch, _AHEAD)
        if self.account.messages_per_second is not None:
            ahead = min(ahead, int(self.account.messages_per_second * 2) + 1)
        return max(min(ahead, _MOST_WAITING) - self.waiting_count, 0)

    def add(self, message: Claimed) -> None:
        """Let a message wait here for its turn."""
        self.waiting[min(message.priority, 2)].append(message)

    @property
    def is_low(self) -> bool:
        """True when less waits here than one wave takes."""
        return self.room > 0 and self.waiting_count < self.concurrency * self.batch

    def next_requests(self, now: int, limit: int | None = None) -> Iterator[list[Claimed]]:
        """Take the messages that may leave now, grouped into requests, urgent ones first.

        Those that expired while they waited go to `expired` instead.
        """
        if not self.is_usable:
            return
        width = 1 if self.breaker.is_half_open else max(int(self._window), 1)
        while self.in_flight < width:
            messages = self._next_request(now, limit)
            if not messages:
                return
            self.in_flight += 1
            self.breaker.started()
            self.bucket.take(len(messages))
            if limit is not None:
                limit -= len(messages)
            yield messages

    def _next_request(self, now: int, limit: int | None) -> list[Claimed]:
        if limit == 0 or self.bucket.ready() == 0:
            return []
        if self.batch == 1:
            only = self._next_message(now)
            return [] if only is None else [only]
        size = self.batch
        rate = self.account.messages_per_second
        if rate is not None:
            # A batch may overdraw the bucket, by a second's worth at most.
            size = min(size, max(int(rate), 1))
        if limit is not None:
            size = min(size, limit)
        taken: list[Claimed] = []
        while len(taken) < size:
            message = self._next_message(now)
            if message is None:
                break
            if message.id in self.alone:
                if taken:
                    self.waiting[min(message.priority, 2)].appendleft(message)
                    break
                self.alone.discard(message.id)
                return [message]
            taken.append(message)
        return taken

    def _next_message(self, now: int) -> Claimed | None:
        for queue in self.waiting:
            while queue:
                message = queue.popleft()
                if message.expires_at is None or message.expires_at > now:
                    return message
                self.expired.append(message.id)
        return None

    def give_up(self) -> None:
        """Note that a request taken from here is not made after all."""
        self.in_flight -= 1
        self.breaker.not_started()

    def take_all(self) -> list[Claimed]:
        """Empty the lane, to send its messages another way or to give them back."""
        taken = [message for queue in self.waiting for message in queue]
        for queue in self.waiting:
            queue.clear()
        return taken

    def learn(self, outcomes: Sequence[Outcome], started: float) -> str:
        """Take in what one request told of the account; return why it stops, `''` if it goes on.

        `started` is when the request went out, on the lane's monotonic clock.
        """
        self.in_flight -= 1
        first = outcomes[0]
        if len(outcomes) == 1 and first.result is Result.ACCEPTED:
            self._answered()
            return ""
        if all(_is_silence(outcome) for outcome in outcomes):
            self.breaker.failed()
        else:
            self._answered()
        if first.http_status == 429:
            self._slow_down(first.retry_after_s, started)
        elif first.retry_after_s and first.error is ErrorWord.PROVIDER_DOWN:
            self._hold(first.retry_after_s)
        return self._stop_if_refused(outcomes)

    def _answered(self) -> None:
        self.breaker.answered()
        self._window = min(self._window + 1 / self._window, float(self.concurrency))

    def _slow_down(self, retry_after_s: float | None, started: float) -> None:
        # One burst of refusals halves the window once: they answer requests of one moment.
        if started >= self._narrowed_at:
            self._window = max(self._window / 2, 1.0)
            self._narrowed_at = self._monotonic()
        self._hold(retry_after_s or 0.0)

    def _hold(self, seconds: float) -> None:
        until = self._monotonic() + min(seconds, _LONGEST_HOLD_S)
        self._held_until = max(self._held_until, until)

    def _stop_if_refused(self, outcomes: Sequence[Outcome]) -> str:
        for outcome in outcomes:
            if outcome.result is Result.REJECTED and outcome.error in _STOPPING:
                newly = "" if self.stopped else _STOPPING[outcome.error]
                self.stopped = self.stopped or newly
                return newly
        return ""


def _is_silence(outcome: Outcome) -> bool:
    """No answer, or the answer of something that stands before a dead server."""
    if outcome.result is Result.UNKNOWN:
        return True
    return outcome.result is Result.RETRY and outcome.error is ErrorWord.PROVIDER_DOWN


def bookings(lanes: Iterable[Lane]) -> list[Booking]:
    """Return the turns to book next, for accounts whose rate is the whole fleet's."""
    wishes = []
    for lane in lanes:
        if lane.fleet is not None and lane.is_usable:
            count = lane.fleet.wanted(lane.waiting_count)
            if count:
                wishes.append(Booking(lane.name, count, lane.fleet.per_second))
    return wishes


def deal(lanes: Mapping[str, Lane], turns: Mapping[str, Turns]) -> bool:
    """Hand out booked turns; True when some message may leave at once."""
    for name, booked in turns.items():
        fleet = lanes[name].fleet
        if fleet is not None:
            fleet.grant(booked)
    return any(lanes[name].may_send for name in turns)
