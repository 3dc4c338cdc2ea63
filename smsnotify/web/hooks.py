"""`POST /hooks/{account}`: receipts and texts from people, from the account's provider."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from smsnotify.base.errors import ConfigError, StoreError, WebhookError
from smsnotify.engine.accounts import Account
from smsnotify.engine.inbox import Heard, prove, read_call
from smsnotify.providers.base import WebhookCall
from smsnotify.web.answers import refused
from smsnotify.web.limits import HOOK_LIMIT, read_body
from smsnotify.web.refusals import Refusal, RefusedError
from smsnotify.web.state import Serving

_NO_ACCOUNT = "unknown"


async def take_call(request: Request) -> Response:
    """Prove a call, read it, keep it, and only then say so."""
    serving: Serving = request.app.state.serving
    loaded = serving.loaded
    account = loaded.hooks.get(request.path_params["account"])
    hook = account.name if account is not None else _NO_ACCOUNT
    try:
        if account is None:
            raise RefusedError(404, Refusal.UNKNOWN_ACCOUNT, "there is no such account")
        heard = await _heard(request, account, loaded.settings.public_url)
        await _keep(serving, heard)
    except RefusedError as error:
        serving.refusals.note_error(hook, error)
        return refused(error)
    return _answer(account, heard)


async def _heard(request: Request, account: Account, public_url: str) -> Heard:
    call = WebhookCall(
        url=called_url(request, public_url),
        headers={_text(name): _text(value) for name, value in request.headers.raw},
        body=await read_body(request, HOOK_LIMIT),
        method=request.method,
        path_token=request.path_params.get("token", ""),
    )
    try:
        prove(account, call)
    except WebhookError as error:
        # Who signs is told that the signature is no good; who only has a token, that one is due.
        status = 403 if account.provider.capabilities.signed_webhooks else 401
        message = "the call is not proved to come from the provider"
        raise RefusedError(status, Refusal.UNAUTHENTICATED, message) from error
    except ConfigError as error:
        message = "this account's own secret cannot be read"
        raise RefusedError(503, Refusal.UNAVAILABLE, message) from error
    try:
        return read_call(account, call)
    except WebhookError as error:
        raise RefusedError(400, Refusal.UNREADABLE, error.message) from error


async def _keep(serving: Serving, heard: Heard) -> None:
    if heard.receipts or heard.replies:
        try:
            await serving.keeper.keep(heard)
        except StoreError as error:
            message = "it could not be stored; send it again"
            raise RefusedError(503, Refusal.UNAVAILABLE, message) from error
    serving.metrics.note_heard(heard, serving.clock())


def called_url(request: Request, public_url: str) -> str:
    """Return the address as the provider wrote it, with the query as it came.

    Behind a proxy only `public_url` knows scheme and host; without it the request's own are taken.
    """
    scope = request.scope
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else scope["path"]
    query = scope["query_string"].decode("latin-1")
    base = public_url or f"{scope['scheme']}://{request.headers.get('host', '')}"
    prefix = urlsplit(base).path
    if prefix and path.startswith(f"{prefix}/"):
        path = path.removeprefix(prefix)
    return f"{base}{path}?{query}" if query else f"{base}{path}"


def _text(header: bytes) -> str:
    """Read a header as whoever chose a token with an é in it wrote it."""
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def _answer(account: Account, heard: Heard) -> Response:
    body = account.provider.capabilities.inbound_answer if heard.replies else ""
    return Response(body, media_type="text/xml") if body else Response()
