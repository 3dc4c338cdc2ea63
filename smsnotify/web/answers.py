"""The answers that several doors give."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from smsnotify.web.refusals import RefusedError

_PIECE: Final = 2047


def json_answer(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return JSON."""
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/json",
    )


def problem(status: int, word: str, message: str, hint: str = "") -> Response:
    """Return what went wrong: `{"error": word, "message": …, "hint": …}`."""
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="sms-notify"'
    if status == 503:
        headers["Retry-After"] = "5"
    if status in (408, 413):
        headers["Connection"] = "close"  # the rest of the body is not read
    body = {"error": word, "message": message} | ({"hint": hint} if hint else {})
    return json_answer(body, status, headers)


def etag_of(content: bytes) -> str:
    """Return the tag that an answer's content is known again by."""
    digest = hashlib.blake2b(digest_size=12)
    # Piece by piece: a longer one would be hashed without the interpreter lock, and to get it back
    # takes a busy process 100 times as long as the hashing.
    for start in range(0, len(content), _PIECE):
        digest.update(content[start : start + _PIECE])
    return f'"{digest.hexdigest()}"'


def unchanged(request: Request, answer: Response) -> Response | None:
    """Return a 304 in place of an answer that the caller has; None when it is news."""
    asked = request.headers.get("if-none-match", "")
    if not asked:
        return None
    tags = {one.strip().removeprefix("W/") for one in asked.split(",")}
    if answer.headers["etag"] not in tags:
        return None
    names = ("etag", "cache-control", "vary")
    kept = {name: answer.headers[name] for name in names if name in answer.headers}
    return Response(status_code=304, headers=kept)


def refused(error: RefusedError) -> Response:
    """Return the answer to a request that is not worked on."""
    return problem(error.status, error.reason.value, error.message, error.hint)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: no such address, no such method."""
    if not isinstance(error, HTTPException):
        raise error
    words = {404: ("not_found", "there is nothing at this address")}
    words[405] = ("method_not_allowed", "this address takes other methods")
    word, message = words.get(error.status_code, ("error", str(error.detail)))
    answer = problem(error.status_code, word, message)
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def on_unforeseen(request: Request, error: Exception) -> Response:
    """Answer an error of ours; what it was stands in the log alone."""
    return problem(500, "internal", "something went wrong here; it was logged")
