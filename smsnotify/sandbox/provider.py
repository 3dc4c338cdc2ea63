"""The local provider as an application: 8x8's and Twilio's HTTP, with or without the phone page.

    exchange = Exchange()                 # accounts, faults, pace and clock are its arguments
    app = create_provider(exchange)       # an ASGI application: the two APIs
    await exchange.agenda.settle()        # whatever is due by its clock: states, receipts, answers

In a server, `exchange.agenda.run(stop)` does what `settle` does in a test.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from smsnotify.sandbox import eight_answers, twilio_answers
from smsnotify.sandbox.eight_x_eight import EightDoor
from smsnotify.sandbox.exchange import Exchange
from smsnotify.sandbox.twilio import TwilioDoor


def provider_routes(exchange: Exchange) -> list[BaseRoute]:
    """Return the addresses of both APIs."""
    return [*TwilioDoor(exchange).routes(), *EightDoor(exchange).routes()]


def create_provider(exchange: Exchange, pages: list[BaseRoute] | None = None) -> Starlette:
    """Return the application: both APIs, and the pages if there are some."""

    async def on_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path = request.url.path
        if path.startswith("/2010-04-01/"):
            told = f"The requested resource {path} was not found"
            return twilio_answers.error(error.status_code, 20000 + error.status_code, told)
        if path.startswith("/api/"):
            code = 1300 if error.status_code == 404 else 2001
            return eight_answers.error(error.status_code, code, "Not found", exchange.clock())
        return Response(f"{error.detail}\n", error.status_code, headers=error.headers)

    app = Starlette(
        routes=[*provider_routes(exchange), *(pages or [])],
        exception_handlers={HTTPException: on_error},
    )
    app.router.redirect_slashes = False
    return app
