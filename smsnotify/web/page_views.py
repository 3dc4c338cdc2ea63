"""Who opened their tracking page: the interaction `page_view`, once a page and day.

Message programs fetch links by themselves; a page counts as opened when a browser says that it
asks for a document. A view that comes while many others wait is not kept: the page matters more.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from starlette.requests import Request

from smsnotify.base.errors import StoppedError, StoreError
from smsnotify.engine.tracking import Tracker
from smsnotify.store.feedback import TrackedJob
from smsnotify.web.interactions_api import tracker_of
from smsnotify.web.state import Serving

log = logging.getLogger(__name__)

EVENT: Final = "page_view"
WAIT_S: Final = 1.0
"""Views of so long are written together."""

_MOST_WAITING: Final = 200
_REMEMBERED: Final = 20_000


class _Opened(NamedTuple):
    token: str
    tracked: TrackedJob
    at: datetime


class _Numbered(msgspec.Struct):
    do_number: Any = None


class PageViews:
    """What one process has seen opened, and has not written yet."""

    def __init__(self, serving: Serving) -> None:
        """Nothing was opened."""
        self._serving = serving
        self._seen: set[tuple[str, int]] = set()
        self._waiting: list[_Opened] = []
        self._writing: asyncio.Task[None] | None = None

    def note(self, request: Request, one: TrackedJob, now: datetime) -> None:
        """Note that somebody looks at their page; the rest happens behind it."""
        if request.headers.get("sec-fetch-dest") != "document":
            return
        token = str(request.path_params["token"])
        key = (token, now.toordinal())
        if key in self._seen or len(self._waiting) >= _MOST_WAITING:
            return
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()  # what is told twice is kept once
        self._seen.add(key)
        self._waiting.append(_Opened(token, one, now))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write(tracker_of(request)))

    async def _write(self, tracker: Tracker) -> None:
        await asyncio.sleep(WAIT_S)
        opened, self._waiting = self._waiting, []
        serving = self._serving
        try:
            await serving.threads.intake(
                lambda: tracker.take_all(_lines(opened), serving.clock, go_on=serving.go_on)
            )
        except (StoreError, StoppedError) as error:
            log.warning("views of pages could not be stored: %s", error.message)


def _lines(opened: Sequence[_Opened]) -> list[bytes]:
    return [msgspec.json.encode(_line(one)) for one in opened]


def _line(one: _Opened) -> dict[str, object]:
    page = hashlib.sha256(one.token.encode()).hexdigest()[:24]  # the token itself is a key
    data = {"page": "tracking"}
    try:
        job = msgspec.json.decode(one.tracked.job.snapshot, type=_Numbered)
        data |= {"do_number": str(job.do_number)} if job.do_number else {}
    except msgspec.DecodeError:
        pass  # nothing is kept of the job any more
    return {
        "event": EVENT,
        "channel": "web",
        "contact": one.tracked.recipient,
        "time": one.at.isoformat(),
        "id": f"view/{page}/{one.at:%Y-%m-%d}",
        "data": data,
    }
