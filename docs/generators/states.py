"""The page of states, made from the lattice itself."""

from __future__ import annotations

from typing import Final

from smsnotify.model.lattice import ENDED, WORDS, Effect, judge
from smsnotify.model.message import MessageState

MEANINGS: Final = {
    MessageState.HELD: "waits for a time or for a person; judged again when it is released",
    MessageState.QUEUED: "may leave as soon as an account has room",
    MessageState.SENDING: "a request with it is in flight",
    MessageState.UNKNOWN: "the provider may or may not have it; never sent again blindly",
    MessageState.ACCEPTED: "the provider took it",
    MessageState.SENT: "the network took it; where no receipts exist this is the last word",
    MessageState.DELIVERED: "the phone has it",
    MessageState.READ: "it was opened (chat channels)",
    MessageState.FAILED: "refused, by the provider or before the network",
    MessageState.UNDELIVERED: "the network could not bring it to the phone",
    MessageState.EXPIRED: "too old to be worth sending",
    MessageState.CANCELLED: "taken back before it left",
}

HEAD: Final = """\
# States of a message, and what a receipt does to them

This page is written by `python docs/generate.py` from `smsnotify/model/lattice.py`; a test fails
when it is not current.

| state | meaning |
|---|---|
"""

RULES: Final = """
## How to read the tables

A row is the state that the message is in, a column the word of the receipt, in our vocabulary
(the page of each provider says how its own words are read).

- a state's name: the message goes there
- `=`: nothing new
- `late`: the message is further already, or that try is over; nothing changes
- `early`: kept, and judged as soon as another word shows that the provider has the message
- `conflict`: the provider contradicts itself; the first final word stays, the conflict is counted
  and shown by `outbox show`

A word that nobody documented (last column) changes nothing, is kept as it came, and is counted.
The database carries the same condition: the update names the state that was judged, so a receipt
can undo nothing that happened meanwhile, and two receipts at once are safe.

"""

PARTS: Final = (
    (
        "A receipt about the try that the state is about",
        "`(ours)`: we ended it ourselves: the provider refused our request, it grew too old, or\n"
        "somebody cancelled it. `(told)`: a receipt or a look-up said so. In the books that is\n"
        "the column `told_by` of the message.",
        False,
    ),
    (
        "A receipt about another try",
        "The message was sent again by hand (`outbox retry`), or went through another account\n"
        "since. That the person has the text counts whatever else was tried; nothing else does.",
        True,
    ),
)

ENDING: Final = """
## What follows

- Receipts that do not contradict each other lead to the same state in any order, late, doubled,
  or before our own books know the provider's id of the message.
- One receipt a segment: equal words count once. When the final words differ (`undelivered` for
  one part, `delivered` for another) the first that came stays, and the other is a conflict.
- A receipt for a message that is `queued` or `held` says that the provider has it after all (it
  was `unknown` before, or the books are a restored backup): it is taken over and not sent again.
- `undelivered` with a temporary reason is not sent again by itself; `outbox retry` does that.
- A message without any word for 72 hours stays as it is. `outbox reconcile` and `outbox stats`
  count it under `no_word`.
"""


def page() -> str:
    """Return the page."""
    lines = [f"| `{state}` | {meaning} |" for state, meaning in MEANINGS.items()]
    parts = [_part(*part) for part in PARTS]
    return HEAD + "\n".join(lines) + "\n" + RULES + "\n".join(parts) + ENDING


def _part(title: str, told: str, other_try: bool) -> str:
    head = ["state", *(f"`{word}`" for word in WORDS), "another word"]
    rows = [head, ["---"] * len(head)]
    for state in MEANINGS:
        rows += [_row(state, whose, other_try) for whose in _whose(state)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"## {title}\n\n{told}\n\n{table}\n"


def _whose(state: MessageState) -> tuple[bool, ...]:
    if state is MessageState.UNDELIVERED:
        return (True,)  # a word that only a provider has
    return (False, True) if state in ENDED else (False,)


def _row(state: MessageState, told: bool, other_try: bool) -> list[str]:
    name = f"`{state}`"
    if state in ENDED:
        name += " (told)" if told else " (ours)"
    words = (*WORDS, None)
    return [name, *(_cell(state, word, told, other_try) for word in words)]


def _cell(state: MessageState, word: MessageState | None, told: bool, other_try: bool) -> str:
    verdict = judge(state, word, told=told, other_try=other_try)
    match verdict.effect:
        case Effect.MOVES:
            return f"**{verdict.state}**"
        case Effect.SAME:
            return "="
        case Effect.UNDOCUMENTED:
            return "kept"
    return verdict.effect.value
