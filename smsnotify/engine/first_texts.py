"""The words that the first text to a number must carry: once, with the first that really leaves.

Who has had them is noted with the message that carries them. One that waits has not told anybody
yet, and neither has one that never arrived: the next text carries them, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

from smsnotify.model.decision import Decision, Draft, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.rule import CountryTerms


class Greeters(Protocol):
    """What knows who has had such words: the store, or a rehearsal."""

    def greeted(self, recipients: Collection[str], mode: str, run: str) -> set[str]:
        """Return which recipients have had them; `run` is the one whose guard may hold them."""


def greeted(
    drafts: Iterable[Draft], memory: Greeters, policy: Policy, run: str = ""
) -> set[str] | None:
    """Return who of the drafts' recipients needs such words no more; None where no rule has any."""
    asking = {
        draft.recipient
        for draft in drafts
        if draft.terms.countries is not None
        and (own := draft.terms.countries.get(draft.country)) is not None
        and own.first_text_suffix
    }
    return memory.greeted(asking, policy.mode, run) if asking else None


def for_first_text(text: str, own: CountryTerms, draft: Draft, facts: Facts) -> tuple[str, bool]:
    """Return a text with what the first one must carry, and whether it is the first.

    A text that says it anyway stays as it is.
    """
    words = own.first_text_suffix
    if not words or facts.greeted is None or draft.recipient in facts.greeted:
        return text, False
    return (text if words.casefold() in text.casefold() else f"{text}\n{words}"), True


def forget_first_text(decision: Decision, facts: Facts) -> None:
    """Take back that a text leaves now: the next one is the recipient's first again."""
    if decision.first_text and facts.greeted is not None:
        facts.greeted.discard(decision.draft.recipient)


def note_first_text(decision: Decision, facts: Facts) -> None:
    """Let the recipient's next text be no first one any more, if this one leaves now."""
    if decision.first_text and facts.greeted is not None and decision.verdict is Verdict.SEND:
        facts.greeted.add(decision.draft.recipient)
