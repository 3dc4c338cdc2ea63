"""What goes wrong on a bad day: shares of requests and receipts, and what is ordered once."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from smsnotify.model.fault import RECEIPT_FAULTS, SEND_FAULTS, Fault


class Faults:
    """Decides for each send and each receipt whether something goes wrong with it.

    `shares` is by fault, 0 to 1; what is ordered with `once` comes before them. `seed` makes the
    same day again.
    """

    def __init__(
        self,
        shares: Mapping[Fault, float] | None = None,
        *,
        latency_s: float = 0.0,
        retry_after_s: int = 2,
        seed: int | None = None,
    ) -> None:
        """A good day unless told otherwise."""
        self.shares = dict(shares or {})
        self.latency_s = latency_s
        self.retry_after_s = retry_after_s
        self.ordered: dict[Fault, int] = {}
        self.met: dict[Fault, int] = {}
        self._random = random.Random(seed)  # noqa: S311 - it plays, it keeps no secret

    def once(self, fault: Fault, times: int = 1) -> None:
        """Let the next `times` sends or receipts meet a fault."""
        self.ordered[fault] = self.ordered.get(fault, 0) + times

    def for_send(self) -> Fault | None:
        """Return what goes wrong with the send at hand, None: nothing."""
        return self._pick(SEND_FAULTS)

    def for_receipt(self) -> Fault | None:
        """Return what goes wrong with the receipt at hand, None: nothing."""
        return self._pick(RECEIPT_FAULTS)

    @property
    def is_calm(self) -> bool:
        """Whether nothing is set to go wrong."""
        return not (any(self.shares.values()) or any(self.ordered.values()) or self.latency_s)

    def calm(self) -> None:
        """End the bad day."""
        self.shares.clear()
        self.ordered.clear()
        self.latency_s = 0.0

    def _pick(self, kinds: Iterable[Fault]) -> Fault | None:
        found = self._ordered(kinds) or self._by_share(kinds)
        if found is not None:
            self.met[found] = self.met.get(found, 0) + 1
        return found

    def _ordered(self, kinds: Iterable[Fault]) -> Fault | None:
        for fault in kinds:
            if self.ordered.get(fault):
                self.ordered[fault] -= 1
                return fault
        return None

    def _by_share(self, kinds: Iterable[Fault]) -> Fault | None:
        """Throw once: the shares of several faults add up, and only one of them happens."""
        shares = [(fault, self.shares.get(fault, 0.0)) for fault in kinds]
        if not any(share for _, share in shares):
            return None
        thrown = self._random.random()
        for fault, share in shares:
            thrown -= share
            if thrown < 0:
                return fault
        return None


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast the network works, in seconds from the moment that a text was taken.

    `sent_s`: the operator has it; `delivered_s`: the phone has it; `slow_s` more with slow
    receipts; `gives_up_s`: the longest that the network tries when the text itself says nothing.
    """

    sent_s: float = 0.4
    delivered_s: float = 1.5
    slow_s: float = 60.0
    gives_up_s: float = 36_000.0


AT_ONCE: Final = Pace(sent_s=0.0, delivered_s=0.0)
"""For tests that do not care."""
