"""Who may post events: API keys."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request

from smsnotify.engine.api_keys import offered_key, recognise
from smsnotify.store.api_keys import ApiKey
from smsnotify.web.refusals import Refusal, RefusedError
from smsnotify.web.state import Serving


async def require_key(request: Request, serving: Serving, *, basic: bool = False) -> ApiKey:
    """Return the key that a request came with; with `basic` also as a password.

    Raises:
        RefusedError: there is none, or it is not one that is in use.
        StoreError: the database cannot be asked.
    """
    offered = offered_key(request.headers, basic=basic)
    if not offered:
        raise RefusedError(
            401,
            Refusal.UNAUTHENTICATED,
            "there is no API key in the request",
            hint="X-API-Key: snk_…, made by sms-notify keys create NAME",
        )
    ask = partial(recognise, serving.store, offered, serving.clock())
    key = await serving.threads.short(ask)
    if key is None:
        raise RefusedError(401, Refusal.UNAUTHENTICATED, "the API key is not one that is in use")
    return key
