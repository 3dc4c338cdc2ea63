"""The addresses of the web door."""

from __future__ import annotations

import logging
import time
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smsnotify.web import events_api, health, hooks, interactions_api, opt_out_page, tracking_page
from smsnotify.web.answers import json_answer, on_http_error, on_unforeseen
from smsnotify.web.openapi import document
from smsnotify.web.state import Serving

log = logging.getLogger(__name__)


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
    Route("/healthz", health.healthz),
    Route("/readyz", health.readyz),
    Route("/metrics", health.metrics),
    Route("/openapi.json", _openapi),
)


def create_app(serving: Serving) -> ASGIApp:
    """Return the application for a desk that is set up."""
    app = Starlette(
        routes=ROUTES,
        exception_handlers={HTTPException: on_http_error, Exception: on_unforeseen},
    )
    app.router.redirect_slashes = False
    app.state.serving = serving
    return _logged(app)


def _logged(app: ASGIApp) -> ASGIApp:
    """Log every request at DEBUG by its door: a path may hold a token, so it is never logged."""

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not log.isEnabledFor(logging.DEBUG):
            await app(scope, receive, send)
            return
        began, status = time.monotonic(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, noting)
        finally:
            door = getattr(scope.get("endpoint"), "__name__", "nothing")
            took_ms = (time.monotonic() - began) * 1000
            log.debug("%s %s: %d in %.1f ms", scope["method"], door, status, took_ms)

    return logged
