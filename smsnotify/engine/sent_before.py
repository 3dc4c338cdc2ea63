"""Texts that a test says were sent before it begins: what caps count of them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from smsnotify.base.errors import UsageError
from smsnotify.engine.conversing_portion import Desk
from smsnotify.engine.conversing_texts import plain_terms
from smsnotify.engine.counting import empty_counts
from smsnotify.gates.caps import RECIPIENT_CAP, caps_on
from smsnotify.model.caps import MILLION, Caps
from smsnotify.model.counts import Charge
from smsnotify.rules.scalars import did_you_mean


class SentBefore(msgspec.Struct, frozen=True, kw_only=True):
    """So many texts, of a rule, to a recipient or a country, for so much money together.

    What is `''` is not said: such texts count for no cap of a rule or of a recipient.
    """

    texts: int = 1
    rule: str = ""
    recipient: str = ""
    country: str = ""
    money: Decimal = Decimal()


def note_sent(desk: Desk, sent: SentBefore, now: datetime) -> None:
    """Let caps count texts of the present hour and day.

    Raises:
        UsageError: there is no such rule.
        StoreError: the database refused.
    """
    named = {one.terms.name: one.terms for one in desk.book.rules.all}
    terms = named.get(sent.rule, plain_terms("", "", "default"))
    if sent.rule and sent.rule not in named:
        hint = did_you_mean(sent.rule, named) or f"the rules are {', '.join(named)}"
        raise UsageError(f"there is no rule {sent.rule!r}", hint=hint)
    counts, caps = empty_counts(desk.policy, now), desk.policy.caps or Caps()
    amounts = {"texts": sent.texts, "money": int(sent.money * MILLION)}
    charges = [
        Charge(key, amounts[cap.of])
        for cap, key, reason in caps_on(terms, sent.recipient, sent.country, counts, caps)
        if amounts[cap.of] and (sent.recipient or reason != RECIPIENT_CAP)
    ]
    desk.store.add_counts(charges, now)
