"""What both kinds of HTTP stand on: the accounts, the book, the network, and the bad day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from smsnotify.base.clock import Clock, system_clock
from smsnotify.model.fault import Fault
from smsnotify.sandbox.agenda import Agenda
from smsnotify.sandbox.book import Book
from smsnotify.sandbox.caller import Caller, Post
from smsnotify.sandbox.faults import Faults, Pace
from smsnotify.sandbox.lines import Lines, NoAnswer
from smsnotify.sandbox.network import Network
from smsnotify.sandbox.texts import Account, Phone, Speech, Text

BODY_LIMIT: Final = 10 << 20
"""A batch of 10,000 texts is shorter."""

_REFUSALS: Final = {Fault.TOO_MANY: 429, Fault.BROKEN: 500, Fault.UNAVAILABLE: 503}

Rest = Callable[[float], Awaitable[None]]


class TooLongError(Exception):
    """A body is longer than any that we read, or the line broke."""


class Exchange:
    """The state of the local provider.

    With `accounts` only those may send, each with its own secret; without any of a kind, whoever
    shows some credentials may, and is remembered with them. `rest` waits for latency; a test may
    give one that does not.
    """

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        *,
        faults: Faults | None = None,
        pace: Pace | None = None,
        notify: str = "",
        clock: Clock = system_clock,
        post: Post | None = None,
        rest: Rest = asyncio.sleep,
    ) -> None:
        """Nothing was sent yet."""
        self.clock = clock
        self.faults = faults or Faults()
        self.pace = pace or Pace()
        self.book = Book()
        self.lines = Lines()
        self.agenda = Agenda(clock)
        self.caller = Caller(clock, notify=notify, post=post)
        self.network = Network(self.book, self.agenda, self.caller, self.faults, self.pace, clock)
        self.accounts = {(one.speech, one.id): one for one in accounts}
        self._rest = rest

    def is_open(self, speech: Speech) -> bool:
        """Say whether unknown accounts of this kind may send."""
        return not any(one.is_known for one in self.accounts.values() if one.speech is speech)

    def meet(self, speech: Speech, id: str) -> Account:
        """Return an account, a new one when it was never seen."""
        made = Account(speech=speech, id=id, name=id, is_known=False)
        return self.accounts.setdefault((speech, id), made)

    def take(self, text: Text, account: Account) -> None:
        """Let an accepted text go its way, and learn from it where the account's hook is."""
        if text.ours:
            account.senders.setdefault(text.ours)
        if text.callback_url and not account.is_known:
            account.hook = _without_our_id(text.callback_url)
        self.network.take(text, account)

    async def weather(
        self,
        work: Callable[[], Awaitable[Response]],
        refuse: Callable[[int, int], Response],
    ) -> Response:
        """Do the work of a send as this day lets it: late, refused, unanswered, or as it should.

        `refuse` makes the provider's own words for a status, with the seconds of `Retry-After`.
        """
        if self.faults.latency_s:
            await self._rest(self.faults.latency_s)
        fault = self.faults.for_send()
        if fault is None:
            return await work()
        self.book.touch()
        if fault in _REFUSALS:
            return refuse(_REFUSALS[fault], self.faults.retry_after_s)
        if fault is not Fault.RESET:
            await work()
        return NoAnswer(self.lines, hang=fault is Fault.TIMEOUT)

    def senders_for(self, phone: Phone) -> list[tuple[Account, str]]:
        """Return what a person may answer to: the sender of the newest text first."""
        found: dict[tuple[Speech, str, str], None] = {}
        for text in reversed(phone.texts):
            if text.ours:
                found.setdefault((text.speech, text.account, text.ours))
        for account in self.accounts.values():
            for sender in account.senders:
                found.setdefault((account.speech, account.id, sender))
        return [(self.accounts[speech, id], ours) for speech, id, ours in found]

    def close(self) -> None:
        """Let watchers go."""
        self.book.close()


async def read_body(request: Request) -> bytes:
    """Read a request's body.

    Raises:
        TooLongError: it is too long, or was cut off.
    """
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > BODY_LIMIT:
                raise TooLongError
            parts.append(part)
    except ClientDisconnect:
        raise TooLongError from None
    return b"".join(parts)


def _without_our_id(url: str) -> str:
    """Return a callback's address without the query that some senders put their id in."""
    return url.partition("#")[0].partition("?")[0]
