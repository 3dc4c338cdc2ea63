"""Answers packed with gzip: only those of doors that were chosen for it.

Packing gives away how much of an answer repeats itself. Where a stranger can put words into an
answer that also holds a secret (what was searched for, beside the token of a form), its length
tells that secret letter by letter. So nothing is packed by itself: `create_app` names the doors
whose answers hold nothing of the request, and only answers to GET are packed.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Set
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST: Final = 1000
"""Bytes: what is shorter travels in one packet anyway."""

_LEVEL: Final = 5
_NEVER: Final = re.compile(rb"q=0(\.0{0,3})?")
_METHODS: Final = frozenset({"GET", "HEAD"})


def with_packing(app: ASGIApp, doors: Set[object]) -> ASGIApp:
    """Return the application with longer answers of `doors`, its endpoints, packed."""

    async def packed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _METHODS:
            await app(scope, receive, send)
            return
        wanted = _takes_gzip(scope)
        held: Message | None = None

        async def packing(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                if scope.get("endpoint") in doors:
                    held = message
                    return
            elif held is not None:
                start, held = held, None
                whole = not message.get("more_body")
                body = message.get("body", b"") if whole and wanted else b""
                if len(body) >= LEAST and start["status"] == 200:
                    body = gzip.compress(body, _LEVEL, mtime=0)
                    message = {**message, "body": body}
                    start["headers"] = _packed_headers(start["headers"], len(body))
                elif start["status"] == 200:
                    start["headers"] = _varied(start["headers"])
                await send(start)
            await send(message)

        await app(scope, receive, packing)

    return packed


def _takes_gzip(scope: Scope) -> bool:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    for name, value in headers:
        if name == b"accept-encoding":
            for one in value.lower().split(b","):
                coding, _, weight = one.partition(b";")
                if coding.strip() == b"gzip":
                    return not _NEVER.fullmatch(weight.strip())
    return False


def _varied(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return headers that say what else the answer depends on: what the caller can unpack."""
    told = [value for name, value in headers if name == b"vary"]
    vary = (b"vary", b", ".join([*told, b"Accept-Encoding"]))
    return [*(one for one in headers if one[0] != b"vary"), vary]


def _packed_headers(headers: list[tuple[bytes, bytes]], size: int) -> list[tuple[bytes, bytes]]:
    """Return the headers of the packed answer; its ETag says: the same, not byte for byte."""
    made = []
    for name, value in headers:
        if name == b"etag" and not value.startswith(b"W/"):
            made.append((name, b"W/" + value))
        elif name != b"content-length":
            made.append((name, value))
    length = (b"content-length", str(size).encode())
    return _varied([*made, length, (b"content-encoding", b"gzip")])
