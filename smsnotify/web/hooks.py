"""`POST /hooks/{account}`: receipts and texts from people, from the account's provider."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from smsnotify.base.errors import ConfigError, StoreError, WebhookError
from smsnotify.engine.accounts import Account
from smsnotify.engine.inbox import Heard, prove, read_call
from smsnotify.providers.base import WebhookCall
from smsnotify.providers.twilio_payloads import with_our_id
from smsnotify.web.answers import refused
from smsnotify.web.in_call import MOST, as_twiml
from smsnotify.web.limits import HOOK_LIMIT, read_body
from smsnotify.web.refusals import Refusal, RefusedError
from smsnotify.web.state import Serving
from smsnotify.wiring.build import callback_url

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
        if heard.replies and account.name in loaded.talk.twiml_accounts:
            return await _answer_in_call(serving, account, heard)
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


async def _answer_in_call(serving: Serving, account: Account, heard: Heard) -> Response:
    """Keep a text and answer in the same call, as far as the answer is ready in time."""
    named = [one.provider_message_id for one in heard.replies if one.provider_message_id][:1]
    for one in named:
        serving.in_call.expect(account.name, one)
    try:
        await _keep(serving, heard)
    except RefusedError:
        for one in named:
            serving.in_call.forget(account.name, one)
        raise
    ready = [text for one in named for text in await serving.in_call.answers(account.name, one)]
    if not ready:
        return _answer(account, heard)
    chosen = {text.id: text for text in ready[:MOST]}
    try:
        taken = await serving.threads.short(
            partial(serving.store.hand_over, list(chosen), serving.clock())
        )
    except StoreError:
        return _answer(account, heard)
    url_of = callback_url(serving.loaded.settings)
    said = [
        (text, with_our_id(url, id) if (url := url_of(id, account.name)) else "")
        for id, text in chosen.items()
        if id in taken
    ]
    return Response(as_twiml(said), media_type="text/xml")


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
