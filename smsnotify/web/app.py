"""The addresses of the web door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from smsnotify.web import events_api, health, hooks, interactions_api, opt_out_page, tracking_page
from smsnotify.web.access_log import with_access_log
from smsnotify.web.answers import json_answer, on_http_error, on_unforeseen
from smsnotify.web.console.routes import ROUTES as CONSOLE_ROUTES
from smsnotify.web.console.routes import show_file
from smsnotify.web.forwarded import with_caller
from smsnotify.web.headers import with_headers
from smsnotify.web.openapi import document
from smsnotify.web.packing import with_packing
from smsnotify.web.state import Serving

LogAccess = Callable[[str], object]
"""Takes one line of the access log."""


async def _openapi(request: Request) -> Response:
    return json_answer(document())


ROUTES: Final = (
    Route("/hooks/detrack", events_api.post_detrack, methods=["POST"]),
    Route("/hooks/{account}", hooks.take_call, methods=["POST"]),
    # A token is whatever the operator chose: a slash in it comes decoded.
    Route("/hooks/{account}/{token:path}", hooks.take_call, methods=["POST"]),
    Route("/v1/events", events_api.post_events, methods=["POST"]),
    Route("/v1/interactions", interactions_api.post_interactions, methods=["POST"]),
    Route("/o/{token}", opt_out_page.show_page, methods=["GET"]),
    Route("/o/{token}", opt_out_page.opt_out, methods=["POST"]),
    Route("/t/{token}", tracking_page.show_page, methods=["GET"]),
    Route("/t/{token}", tracking_page.rate, methods=["POST"]),
    Route("/t/static/{name}", tracking_page.show_asset, methods=["GET"]),
    *CONSOLE_ROUTES,
    Route("/healthz", health.healthz),
    Route("/readyz", health.readyz),
    Route("/metrics", health.metrics),
    Route("/openapi.json", _openapi),
)


PACKED: Final = frozenset(
    {_openapi, health.metrics, tracking_page.show_page, tracking_page.show_asset, show_file}
)
"""The doors whose answers are packed: nothing of the request is in them. See `web/packing.py`."""


def create_app(serving: Serving, *, log_access: LogAccess = lambda line: None) -> ASGIApp:
    """Return the application for a desk that is set up; `log_access` takes the access log."""
    app = Starlette(
        routes=ROUTES,
        exception_handlers={HTTPException: on_http_error, Exception: on_unforeseen},
    )
    app.router.redirect_slashes = False
    app.state.serving = serving
    answering = with_headers(with_packing(app, PACKED))
    return with_caller(with_access_log(answering, serving, log_access), serving)
