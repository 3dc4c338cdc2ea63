"""What a delivery run is told: how long it goes on, and whom it may ask for what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from smsnotify.engine.handover import CallbackUrl, OptOutUrl, Tried
from smsnotify.engine.report import DeliveryReport
from smsnotify.engine.retry import Draw

Sleep = Callable[[float], Awaitable[object]]
OptOut = Callable[[str, str, datetime], None]
"""(number, account, when): the provider says that this person opted out."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How long one run goes on, and what it may ask of others.

    `limit` None means every due message. `patience_s` bounds the wait for retries since something
    last left; `watch_s` set means: never end by itself, look for new messages that often.
    `timeout_s` is for one request; `grace_s` for those in flight when told to stop. `announce`
    gets (account, reason) when an account stops; `tried` hears of every request that is over.
    """

    limit: int | None = None
    patience_s: float = 20.0
    watch_s: float | None = None
    timeout_s: float = 30.0
    grace_s: float = 8.0
    callback_url: CallbackUrl
    opt_out_url: OptOutUrl = lambda recipient: ""
    opt_out: OptOut
    draw: Draw
    sleep: Sleep
    progress: Callable[[DeliveryReport], None] | None = None
    announce: Callable[[str, str], None] = lambda account, reason: None
    tried: Callable[[Tried], None] | None = None
