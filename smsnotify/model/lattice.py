"""Which receipt wins over which state: the one place where that is decided.

States only move up::

    held queued sending unknown  <  accepted  <  sent  <  failed undelivered expired cancelled
                                                        <  delivered  <  read

Two things beside the state matter. `told` says whose word the state is: the provider's (a receipt
or a look-up), or our own (we gave up, or the answer to our request was a refusal). `other_try`
says that the receipt is about another try than the one that the state is about: the message was
sent again since, or went through another account.

What is promised: receipts that do not contradict each other lead to the same state in any order,
doubled or not. When a provider contradicts itself about one try (`undelivered`, then `delivered`;
or one word for each segment), the first final word stays and the other is counted as a conflict;
`read` wins over all.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from smsnotify.model.message import MessageState, Receipt

WORDS: Final = (
    MessageState.ACCEPTED,
    MessageState.SENT,
    MessageState.DELIVERED,
    MessageState.READ,
    MessageState.UNDELIVERED,
    MessageState.FAILED,
    MessageState.EXPIRED,
    MessageState.CANCELLED,
)
"""What a receipt can say; everything else is a word that nobody documented."""

ENDED: Final = frozenset(
    {
        MessageState.UNDELIVERED,
        MessageState.FAILED,
        MessageState.EXPIRED,
        MessageState.CANCELLED,
    }
)
"""Over, and the phone does not have it."""

ON_THE_PHONE: Final = frozenset({MessageState.DELIVERED, MessageState.READ})

WAITING: Final = frozenset({MessageState.HELD, MessageState.QUEUED})
"""Ours alone, as far as we know."""

_RANKS: Final = {
    **dict.fromkeys(ENDED, 3),
    MessageState.ACCEPTED: 1,
    MessageState.SENT: 2,
    MessageState.DELIVERED: 4,
    MessageState.READ: 5,
}


class Effect(StrEnum):
    """What a receipt does to a message."""

    MOVES = "moves"
    SAME = "same"  # says what is known
    LATE = "late"  # the message is further already, or that try is over
    EARLY = "early"  # cannot be judged yet: kept until the provider's id says which try it is about
    CONFLICT = "conflict"  # contradicts an earlier word of the provider
    UNDOCUMENTED = "undocumented"  # no word of ours


class Verdict(NamedTuple):
    """What a receipt does; `state` is the one to go to, None when nothing changes."""

    effect: Effect
    state: MessageState | None = None


def rank(state: MessageState) -> int:
    """Return how far up a state is; a receipt never moves a message down."""
    return _RANKS.get(state, 0)


def judge(
    state: MessageState,
    word: MessageState | None,
    *,
    told: bool = False,
    other_try: bool = False,
) -> Verdict:
    """Say what a receipt with a word of ours does to a message in a state."""
    if word is None or word not in WORDS:
        return Verdict(Effect.UNDOCUMENTED)
    if word == state:
        return Verdict(Effect.SAME)
    if word in ENDED and state in ON_THE_PHONE and not other_try:
        return Verdict(Effect.CONFLICT)
    if other_try and word not in ON_THE_PHONE:
        # That try is over. Only that the person has the text matters whatever else was tried.
        return Verdict(Effect.LATE)
    if state in WAITING and word in ENDED:
        # It waits to be sent again. Should the provider have it after all, its other words will
        # say so, and then this one counts; an earlier try that came to nothing is no news.
        return Verdict(Effect.EARLY)
    if state in ENDED:
        return _after_the_end(word, told=told and not other_try)
    if rank(word) > rank(state):
        return Verdict(Effect.MOVES, word)
    return Verdict(Effect.LATE)


def _after_the_end(word: MessageState, *, told: bool) -> Verdict:
    if word is MessageState.READ or (word is MessageState.DELIVERED and not told):
        return Verdict(Effect.MOVES, word)
    if told and (word in ENDED or word is MessageState.DELIVERED):
        return Verdict(Effect.CONFLICT)
    return Verdict(Effect.LATE)


def after(
    state: MessageState, receipt: Receipt, *, told: bool = False, other_try: bool = False
) -> MessageState | None:
    """Return the state that a receipt leads to, None when nothing changes."""
    return judge(state, receipt.state, told=told, other_try=other_try).state
