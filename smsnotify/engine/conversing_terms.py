"""What a desk says of conversations: its words, numbers, limits and routes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from smsnotify.engine.accounts import DEFAULT_ROUTE
from smsnotify.plans.consent_words import USUAL_WORDS, ConsentWords

CONVERSATION_ROUTE: Final = "conversation"
"""The route that plans take when the settings have one of that name."""

CONFIRM_EVERY: Final = timedelta(minutes=5)
"""STOP, START and HELP get one answer in this time, however often they come."""

CHOICE_OPEN: Final = timedelta(days=1)
"""So long the question which of two things an answer meant can be answered."""

FLOOD_SPAN: Final = timedelta(minutes=1)

IN_CALL: Final = timedelta(seconds=5)
"""So long an answer may wait to go out in the provider's own call; then it goes by the API."""

LATE_AFTER: Final = timedelta(hours=24)
"""A reply that is worked later than this only counts as an opt-out, an opt-in or for a clerk."""


class ConversationTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The firm's settings, as far as they concern conversations.

    `route` is for texts of plans that name none. `own_numbers` are ours: what comes from them is
    a loop. `staff` are numbers, and routes of alarms, that alerts go to. `most_a_minute` is how
    many texts of one number are worked in a minute. `twiml_accounts` answer in the provider's own
    call. `answers` are the texts after STOP, START and HELP: word → text, `''` for no answer.
    """

    words: ConsentWords = USUAL_WORDS
    route: str = DEFAULT_ROUTE
    own_numbers: frozenset[str] = frozenset()
    staff: tuple[str, ...] = ()
    most_a_minute: int = 20
    twiml_accounts: frozenset[str] = frozenset()
    answers: Mapping[str, str] = {}
