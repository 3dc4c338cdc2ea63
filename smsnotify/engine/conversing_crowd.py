"""Who the replies of a portion come from: us, a flood, somebody who wrote a moment before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from smsnotify.engine.conversing_portion import Desk
from smsnotify.engine.conversing_terms import CONFIRM_EVERY, FLOOD_SPAN
from smsnotify.store.conversation_batch import OpenChoice
from smsnotify.store.replies import StoredReply

CONFIRMED: Final = "confirmed"
"""The note of a STOP, START or HELP that got its answer."""

_MOST_RECENT: Final = 5000
_NONE: Final = frozenset[str]()


class Crowd:
    """The senders of a portion of replies, with what they sent a moment before."""

    def __init__(self, desk: Desk, replies: Sequence[StoredReply], now: datetime) -> None:
        """Read what these numbers sent lately, as far as they sent anything."""
        self._desk = desk
        self._own = desk.terms.own_numbers
        self._most = desk.terms.most_a_minute
        self._first = replies[0]
        numbers = {one.sender for one in replies if self.is_person(one)}
        since = self._first.received_at - FLOOD_SPAN
        store = desk.store
        self._before = store.counted_replies(numbers, since, self._first.id) if numbers else {}
        calm = {number for number, count in self._before.items() if count <= self._most}
        earlier = store.replies_since(calm, since, _MOST_RECENT) if calm else {}
        self._said: dict[str, list[StoredReply]] = {
            number: [one for one in some if one.id < self._first.id]
            for number, some in earlier.items()
        }
        self._been_in = _been_in(desk, numbers)
        self._confirmed: dict[tuple[str, str], datetime] = {}
        self.choices: dict[str, OpenChoice] = store.open_choices(numbers, desk.policy.mode.value)

    def is_person(self, reply: StoredReply) -> bool:
        """Say whether a sender is a phone that we may answer: a full number, and none of ours."""
        return reply.sender.startswith("+") and not self.is_ours(reply)

    def is_ours(self, reply: StoredReply) -> bool:
        """Say whether a text comes from one of our own numbers."""
        return reply.sender in self._own or reply.sender == reply.to

    def hear(self, reply: StoredReply) -> Sequence[StoredReply]:
        """Return what this number sent in the minute before, and remember this one too."""
        said = self._said.setdefault(reply.sender, [])
        since = reply.received_at - FLOOD_SPAN
        recent = [one for one in said if one.received_at >= since]
        said.append(reply)
        return recent

    def is_flood(self, reply: StoredReply, recent: Sequence[StoredReply]) -> bool:
        """Say whether a number sent more in the last minute than is worked."""
        count = len(recent)
        if count <= self._most and reply.sender in self._before:
            before = self._before[reply.sender]
            if before > self._most and reply.received_at - self._first.received_at < FLOOD_SPAN:
                count += before
        return count >= self._most

    def been_in(self, number: str) -> frozenset[str]:
        """Return the plans that let nobody in twice, and that this number was in."""
        return self._been_in.get(number, _NONE)

    def may_confirm(self, reply: StoredReply, word: str) -> bool:
        """Say whether STOP, START or HELP gets an answer: one in five minutes; and note it."""
        key = (reply.sender, word)
        since = reply.received_at - CONFIRM_EVERY
        last = self._confirmed.get(key)
        if last is None:
            told = self._desk.store.replies_since({reply.sender}, since, 200)
            before = [
                one.received_at
                for one in told.get(reply.sender, ())
                if one.id < reply.id and one.verdict == word and one.note == CONFIRMED
            ]
            last = max(before, default=None)
        if last is not None and last > since:
            self._confirmed[key] = last
            return False
        self._confirmed[key] = reply.received_at
        return True

    def reply_of(self, choice: OpenChoice) -> StoredReply | None:
        """Return the answer that fitted several questions; None when it was forgotten meanwhile."""
        found = self._desk.store.replies_called(choice.reply_id)
        return found[0] if len(found) == 1 else None


def _been_in(desk: Desk, numbers: Collection[str]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for plan in desk.book.plans.enabled:
        if plan.re_enter == "never" and (plan.entry.keywords or plan.entry.any_text):
            known = desk.store.was_ever_in(plan.name, numbers, desk.policy.mode.value)
            for number in known:
                found[number] = found.get(number, _NONE) | {plan.name}
    return found
