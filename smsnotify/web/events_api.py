"""Events by HTTP: `POST /v1/events` for programs, `POST /hooks/detrack` for Detrack's webhook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from smsnotify.base.errors import StoppedError, StoreError
from smsnotify.engine.posted import Layout, Posted, cloud_event_line, split_body, take_posted
from smsnotify.web.answers import json_answer, refused
from smsnotify.web.auth import require_key
from smsnotify.web.limits import EVENTS_LIMIT, HOOK_LIMIT, MOST_ENTRIES, read_body
from smsnotify.web.refusals import Refusal, RefusedError
from smsnotify.web.state import Serving

DETRACK: Final = "detrack"
EVENTS: Final = "events"

_FORM: Final = "application/x-www-form-urlencoded"
LINES: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
_CLOUD_EVENTS: Final = frozenset(
    {"application/cloudevents+json", "application/cloudevents-batch+json"}
)
TYPES: Final = ("application/json", *sorted(_CLOUD_EVENTS), *sorted(LINES))
"""What `POST /v1/events` takes; without a type, JSON."""


async def post_events(request: Request) -> Response:
    """Take events in: JSON, an array, one a line, or CloudEvents."""
    return await _take(request, EVENTS, EVENTS_LIMIT, _entries)


async def post_detrack(request: Request) -> Response:
    """Take Detrack's push in: a job as JSON, or as the form field `json`."""
    return await _take(request, DETRACK, HOOK_LIMIT, _pushed)


GoOn = Callable[[], bool]
Cut = Callable[[Request, bytes, GoOn], tuple[str, list[bytes]]]
"""A body to the format and the lines of intake; in a thread, because it may take seconds."""


async def _take(request: Request, door: str, limit: int, cut: Cut) -> Response:
    serving: Serving = request.app.state.serving
    try:
        try:
            await require_key(request, serving, basic=door == DETRACK)
            body = await read_body(request, limit)
            posted = await serving.threads.intake(
                lambda: _post(serving, *cut(request, body, serving.go_on))
            )
        except (StoreError, StoppedError) as error:
            message = "not all of it was stored; post it again, nothing is sent twice"
            raise RefusedError(503, Refusal.UNAVAILABLE, message) from error
    except RefusedError as error:
        serving.refusals.note_error(door, error)
        return refused(error)
    serving.metrics.note_posted(door, posted)
    all_refused = posted.rejected_count and not posted.accepted
    return json_answer(posted.as_json(), 400 if all_refused else 200)


def _post(serving: Serving, format: str, lines: list[bytes]) -> Posted:
    if len(lines) > MOST_ENTRIES:
        # Minutes of work for one call: whoever else posts would wait behind it.
        raise RefusedError(
            413,
            Refusal.TOO_LARGE,
            f"more than {MOST_ENTRIES:,} entries in one call",
            hint="post them in several calls, or use sms-notify process",
        )
    return take_posted(serving.intake(format), lines, serving.clock, go_on=serving.go_on)


def _entries(request: Request, body: bytes, go_on: GoOn) -> tuple[str, list[bytes]]:
    kind = content_type(request)
    if kind in _CLOUD_EVENTS:
        return "cloudevents", split_body(body, Layout.VALUES, go_on)
    if kind in LINES:
        return "auto", split_body(body, Layout.LINES, go_on)
    if kind not in ("", "application/json") and not kind.endswith("+json"):
        raise RefusedError(
            415,
            Refusal.UNSUPPORTED_TYPE,
            "the Content-Type is not one that is read here",
            hint=f"one of {', '.join(TYPES)}",
        )
    if "ce-specversion" in request.headers:
        return "cloudevents", [cloud_event_line(request.headers, body)]
    return "auto", _not_empty(split_body(body, Layout.VALUES, go_on), body)


def _pushed(request: Request, body: bytes, go_on: GoOn) -> tuple[str, list[bytes]]:
    layout = Layout.WHOLE if content_type(request) == _FORM else Layout.VALUES
    return "detrack", _not_empty(split_body(body, layout, go_on), body)


def _not_empty(lines: list[bytes], body: bytes) -> list[bytes]:
    if not body.strip():
        raise RefusedError(400, Refusal.UNREADABLE, "the body is empty")
    return lines


def content_type(request: Request) -> str:
    """Return the type of a body without its parameters, `''` when there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
