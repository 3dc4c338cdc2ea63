"""Judge and keep in one: again, whenever others have reached a cap in between."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.base.errors import OvertakenError
from smsnotify.engine.keep import Memory, Ticket, judge_remembering, keep
from smsnotify.model.decision import Decision, Draft
from smsnotify.model.facts import Policy
from smsnotify.store.batch import EventRow, JobRow, Tracked

log = logging.getLogger(__name__)

_TRIES: Final = 50
"""So often a chunk is judged again because others reached a cap meanwhile."""


def judge_and_keep(
    drafts: Sequence[Draft],
    memory: Memory,
    policy: Policy,
    ticket: Ticket,
    now: datetime,
    *,
    before: Sequence[Decision] = (),
    told: Callable[[Decision], bool] | None = None,
    jobs: Sequence[JobRow] = (),
    events: Sequence[EventRow] = (),
    tracked: Sequence[Tracked] = (),
) -> list[Decision]:
    """Judge and keep in one, again whenever another process has reached a cap meanwhile.

    `before` are decisions that are made already, and kept with the others; `told` says which
    decisions are worth keeping.

    Raises:
        OvertakenError: others were faster again and again; nothing is kept.
    """
    for tries in range(1, _TRIES + 1):
        judged = judge_remembering(drafts, memory, policy, ticket, now)
        if before or told is not None:
            decisions = list(filter(told, [*before, *judged.decisions]))
            judged = msgspec.structs.replace(judged, decisions=decisions)
        try:
            return keep(judged, memory, ticket, now, jobs=jobs, events=events, tracked=tracked)
        except OvertakenError:
            if tries == _TRIES:
                raise
            log.debug("a cap was reached by another process: judged again")
    return []
