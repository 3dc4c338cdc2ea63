"""Which account takes a message: the route's order, its groups' shares, and who just failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smsnotify.engine.accounts import Routes, groups_of
from smsnotify.engine.lanes import Lane
from smsnotify.engine.retry import FAIL_OVER
from smsnotify.model.message import ErrorWord
from smsnotify.store.claims import Claimed


class Router:
    """Picks lanes for messages. Only the delivery loop uses it."""

    def __init__(self, lanes: Mapping[str, Lane], routes: Routes) -> None:
        """`lanes` by account name."""
        self._lanes = lanes
        self._routes = routes
        self._groups: dict[str, list[list[Lane]]] = {}
        self._given: dict[tuple[str, ...], list[float]] = {}

    def pick(self, message: Claimed) -> Lane | None:
        """Return the lane that may take a message now, None when there is none."""
        groups = self._serving(message)
        tried = self._tried(message, groups)
        if tried is not None and message.error not in FAIL_OVER and tried.is_usable:
            # The number that a conversation began on, or where an unknown message was looked for.
            return tried
        if tried is not None and message.error in FAIL_OVER:
            return next((lane for lane in _after(tried, groups, message) if lane.is_usable), None)
        for group in groups:
            usable = [lane for lane in group if lane.is_usable]
            if usable:
                return usable[0] if len(usable) == 1 else self._share(usable)
        return None

    def sole(self, message: Claimed) -> Lane | None:
        """Return the lane for every untried message of this kind now; None: pick one by one."""
        for group in self._serving(message):
            usable = [lane for lane in group if lane.is_usable]
            if usable:
                return usable[0] if len(usable) == 1 else None
        return None

    def has_other(self, message: Claimed, lane: Lane, error: ErrorWord | None) -> bool:
        """Say whether another account could take a message that failed on `lane` with `error`."""
        onward = _after(lane, self._serving(message), message, error or "")
        return any(other is not lane and other.is_usable for other in onward)

    def wait_s(self, message: Claimed) -> float | None:
        """Return the seconds until some account may be asked again; None: not without a person."""
        open_ones = [lane.wait_s() for lane in self._all(message) if not lane.is_shut]
        return min(open_ones, default=None)

    def room(self, message: Claimed) -> int:
        """Return how many more messages of this kind could wait in lanes."""
        return max((lane.room for lane in self._all(message)), default=0)

    def _all(self, message: Claimed) -> list[Lane]:
        return [lane for group in self._serving(message) for lane in group]

    def _serving(self, message: Claimed) -> list[list[Lane]]:
        kind = message.kind
        found = self._groups.get(kind)
        if found is None:
            found = self._groups[kind] = [
                [
                    self._lanes[name]
                    for name in group
                    if name in self._lanes
                    and self._lanes[name].account.serves(message.country, message.channel)
                ]
                for group in groups_of(self._routes, message.route)
            ]
        return found

    def _tried(self, message: Claimed, groups: list[list[Lane]]) -> Lane | None:
        lane = self._lanes.get(message.account) if message.account else None
        return lane if lane is not None and any(lane in group for group in groups) else None

    def _share(self, usable: Sequence[Lane]) -> Lane:
        """Give the next message to whoever had the least of what its rate would let it have."""
        rates = [lane.account.messages_per_second for lane in usable]
        usual = max((rate for rate in rates if rate is not None), default=1.0)
        given = self._given.setdefault(tuple(lane.name for lane in usable), [0.0] * len(usable))
        best = min(range(len(usable)), key=given.__getitem__)
        given[best] += 1 / (rates[best] or usual)
        return usable[best]


def _after(
    lane: Lane, groups: list[list[Lane]], message: Claimed, error: str | None = None
) -> list[Lane]:
    """Return the accounts to try after one that failed, in the route's order, then from its start.

    After `sender_rejected` not from the start: whoever came before has refused it as well.
    """
    order = [one for group in groups for one in group]
    place = order.index(lane) if lane in order else -1
    refused = (message.error if error is None else error) == ErrorWord.SENDER_REJECTED
    return order[place + 1 :] if refused else order[place + 1 :] + order[: place + 1]
