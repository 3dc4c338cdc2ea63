"""What one gate says of one draft."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy


class Ruling(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A gate's word. `SEND` with `to` is a redirect: the draft goes on, to somebody else.

    A stop `unless_held` counts only for a text that would leave now.
    """

    gate: str
    verdict: Verdict
    reason: str = ""
    detail: str = ""
    not_before: datetime | None = None
    to: str = ""
    unless_held: bool = False


Gate = Callable[[Draft, Facts, Policy, datetime], Ruling | None]
"""A pure check of a draft against the facts at an instant; None lets it pass."""
