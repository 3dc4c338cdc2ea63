"""Every address of the console. A page adds its module's `ROUTES` here."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsnotify.web.answers import etag_of, problem, unchanged
from smsnotify.web.console import (
    accounts,
    changes,
    contacts,
    jobs,
    login,
    messages,
    plans,
    replies,
    rules,
    silences,
    today,
)
from smsnotify.web.console.door import HEADERS, HOME
from smsnotify.web.console.look import STATIC, static_file, static_tag

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_A_WHILE: Final = "public, max-age=300"


async def show_file(request: Request) -> Response:
    """Give one of the console's own files; its address changes with its content."""
    name = request.path_params["name"]
    if name not in STATIC or not request.app.state.serving.loaded.settings.console.enabled:
        return problem(404, "not_found", "there is nothing at this address")
    content = static_file(name)
    is_pinned = request.query_params.get("v") == static_tag(name)
    headers = HEADERS | {
        "ETag": etag_of(content),
        "Cache-Control": _FOR_EVER if is_pinned else _A_WHILE,
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    answer = Response(content, headers=headers, media_type=STATIC[name])
    return unchanged(request, answer) or answer


ROUTES: Final = (
    Route(f"{HOME}/static/{{name}}", show_file, methods=["GET"]),
    *login.ROUTES,
    *today.ROUTES,
    *messages.ROUTES,
    *replies.ROUTES,
    *contacts.ROUTES,
    *jobs.ROUTES,
    *plans.ROUTES,
    *rules.ROUTES,
    *silences.ROUTES,
    *accounts.ROUTES,
    *changes.ROUTES,
)
