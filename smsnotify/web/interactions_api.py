"""`POST /v1/interactions`: what people do on any channel, from whoever has an API key."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from smsnotify.base.errors import StoppedError, StoreError
from smsnotify.engine.posted import Layout, split_body
from smsnotify.engine.tracking import TrackedReport, Tracker
from smsnotify.web.answers import json_answer, refused
from smsnotify.web.auth import require_key
from smsnotify.web.events_api import LINES, content_type
from smsnotify.web.limits import EVENTS_LIMIT, MOST_ENTRIES, read_body
from smsnotify.web.refusals import Refusal, RefusedError
from smsnotify.web.state import Serving
from smsnotify.wiring import conversations

INTERACTIONS: Final = "interactions"
TYPES: Final = ("application/json", *sorted(LINES))


async def post_interactions(request: Request) -> Response:
    """Take interactions in: a JSON object, an array of them, or one a line."""
    serving: Serving = request.app.state.serving
    try:
        try:
            await require_key(request, serving)
            layout = _layout(request)
            body = await read_body(request, EVENTS_LIMIT)
            tracker = tracker_of(request)
            report = await serving.threads.intake(lambda: _take(tracker, serving, body, layout))
        except (StoreError, StoppedError) as error:
            message = "not all of it was stored; post it again: what has an id is kept once"
            raise RefusedError(503, Refusal.UNAVAILABLE, message) from error
    except RefusedError as error:
        serving.refusals.note_error(INTERACTIONS, error)
        return refused(error)
    serving.metrics.note_posted(INTERACTIONS, report)
    nothing = report.rejected_count and not (report.accepted or report.repeated)
    return json_answer(report.as_json(), 400 if nothing else 200)


def _layout(request: Request) -> Layout:
    kind = content_type(request)
    if kind in LINES:
        return Layout.LINES
    if kind in ("", "application/json"):
        return Layout.VALUES
    raise RefusedError(
        415,
        Refusal.UNSUPPORTED_TYPE,
        "the Content-Type is not one that is read here",
        hint=f"one of {', '.join(TYPES)}",
    )


def tracker_of(request: Request) -> Tracker:
    """Return the tracker of the rules that count now, made once for them."""
    state = request.app.state
    serving: Serving = state.serving
    loaded = serving.loaded
    if getattr(state, "tracker", (None,))[0] is not loaded:
        desk = conversations.desk(loaded.settings, serving.store, loaded.book)
        tracker = Tracker(desk, source="http")
        state.tracker = (loaded, tracker)
    made: Tracker = state.tracker[1]
    return made


def _take(tracker: Tracker, serving: Serving, body: bytes, layout: Layout) -> TrackedReport:
    lines = split_body(body, layout, serving.go_on)
    if not any(line.strip() for line in lines):
        raise RefusedError(400, Refusal.UNREADABLE, "the body is empty")
    if len(lines) > MOST_ENTRIES:
        raise RefusedError(
            413,
            Refusal.TOO_LARGE,
            f"more than {MOST_ENTRIES:,} interactions in one call",
            hint="post them in several calls",
        )
    return tracker.take_all(lines, serving.clock, go_on=serving.go_on)
