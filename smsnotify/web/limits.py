"""How much a caller may send, and how slowly."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from smsnotify.web.refusals import Refusal, RefusedError

HOOK_LIMIT: Final = 1 << 20
"""Bytes of a provider's call: 1 MiB."""

EVENTS_LIMIT: Final = 10 << 20
"""Bytes of posted events: 10 MiB."""

MOST_ENTRIES: Final = 100_000
"""Events in one call."""

BODY_S: Final = 30.0
"""The longest that a body may take to arrive."""


async def read_body(request: Request, limit: int, timeout_s: float = BODY_S) -> bytes:
    """Read a body, no further than `limit`.

    Raises:
        RefusedError: too long (also by its own announcement), too slow, packed, or cut off.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > limit:
        raise _too_large(limit)
    if request.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        raise RefusedError(
            415, Refusal.UNSUPPORTED_TYPE, "the body is packed", hint="send it as it is"
        )
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout_s):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise _too_large(limit)
                parts.append(part)
    except TimeoutError:
        raise RefusedError(408, Refusal.TOO_SLOW, "the body took too long to arrive") from None
    except ClientDisconnect:
        raise RefusedError(400, Refusal.UNREADABLE, "the line broke") from None
    return b"".join(parts)


def _too_large(limit: int) -> RefusedError:
    told = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"
    return RefusedError(413, Refusal.TOO_LARGE, f"the body is longer than {told}")
