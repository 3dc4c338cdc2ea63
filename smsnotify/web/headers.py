"""Headers that every answer has, whoever gives it: a door may say otherwise for its own answers.

What a door sets itself stands; only what it leaves out is added here. So a page with a style and a
script of its own sets its `Content-Security-Policy`, and a door that says nothing is shut.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEFAULTS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"cache-control", b"no-store"),
)
"""What is added to an answer that does not say it itself."""

_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
_NOT_MODIFIED: Final = 304


def with_headers(app: ASGIApp) -> ASGIApp:
    """Return the application with the headers in all its answers.

    Whoever came by TLS (a trusted proxy says so) is told to come by TLS for the next year too.
    """

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        secure = scope.get("scheme") == "https"

        async def adding(message: Message) -> None:
            # The headers of a 304 replace those of the page that the browser kept: a policy that
            # is not that page's own would break it.
            if message["type"] == "http.response.start" and message["status"] != _NOT_MODIFIED:
                headers = list(message.get("headers", ()))
                told = {name for name, _ in headers}
                headers += [one for one in DEFAULTS if one[0] not in told]
                if secure and _HSTS[0] not in told:
                    headers.append(_HSTS)
                message["headers"] = headers
            await send(message)

        await app(scope, receive, adding)

    return answered
