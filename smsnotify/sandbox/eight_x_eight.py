"""8x8's HTTP: one text and batches, look-up, cancel, feedback, webhooks, balance and prices.

Source: https://developer.8x8.com/connect/reference and its OpenAPI file (read July 2026).
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsnotify.model.message import MessageState
from smsnotify.sandbox.caller import is_web_address
from smsnotify.sandbox.eight_answers import (
    BadEntryError,
    RefusedCall,
    answer,
    entry,
    error,
    is_refused,
    prices,
    rejected,
    resource,
)
from smsnotify.sandbox.eight_entries import Entry, read_batch, read_entry
from smsnotify.sandbox.exchange import Exchange, TooLongError, read_body
from smsnotify.sandbox.texts import Account, Speech, Text
from smsnotify.text.size import measure, measure_as_ucs2

_SUBACCOUNT: Final = "/api/v1/subaccounts/{account}"
_ACCOUNT: Final = "/api/v1/accounts/{owner}"

Work = Callable[[Request, Account], Awaitable[Response]]


class EightDoor:
    """The addresses of 8x8's API, on an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        """Keep the exchange."""
        self._exchange = exchange
        self._webhooks: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        """Return the routes."""
        messages = f"{_SUBACCOUNT}/messages"
        hooks = f"{_ACCOUNT}/webhooks"
        return [
            Route(messages, self._proved(self._send), methods=["POST"]),
            Route(f"{messages}/batch", self._proved(self._send_batch), methods=["POST"]),
            Route(
                f"{messages}/batch/{{batch}}", self._proved(self._cancel_batch), methods=["DELETE"]
            ),
            Route(f"{messages}/{{umid}}/feedback", self._proved(self._feedback), methods=["POST"]),
            Route(f"{messages}/{{umid}}", self._proved(self._look_up), methods=["GET"]),
            Route(f"{messages}/{{umid}}", self._proved(self._cancel), methods=["DELETE"]),
            Route(f"{_ACCOUNT}/balance", self._proved(self._balance), methods=["GET"]),
            Route(f"{_ACCOUNT}/prices", self._proved(self._prices), methods=["GET"]),
            Route(hooks, self._proved(self._list_hooks), methods=["GET"]),
            Route(hooks, self._proved(self._set_hooks), methods=["POST"]),
            Route(hooks, self._proved(self._drop_hooks), methods=["DELETE"]),
        ]

    def _proved(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def proved(request: Request) -> Response:
            account = self._who(request)
            if account is None:
                told = "Request was not authenticated properly"
                return error(401, 1200, told, self._exchange.clock())
            try:
                return await work(request, account)
            except TooLongError:
                return error(413, 1000, "The request is too large", self._exchange.clock())
            except RefusedCall as refused:
                return error(refused.status, refused.code, refused.message, self._exchange.clock())

        return proved

    def _who(self, request: Request) -> Account | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            return None
        exchange = self._exchange
        id = request.path_params.get("account", "")
        if exchange.is_open(Speech.EIGHT):
            account = exchange.meet(Speech.EIGHT, id) if id else self._by_key(key)
            if account is not None:
                account.key = key
                account.hook = account.hook or self._hook_of(account.id)
            return account or Account(speech=Speech.EIGHT, id="", key=key, is_known=False)
        known = exchange.accounts.get((Speech.EIGHT, id)) if id else self._by_key(key)
        if known is None:
            return None
        right = hmac.compare_digest(known.key.encode(), key.encode("utf-8", "replace"))
        return known if right and known.key else None

    def _by_key(self, key: str) -> Account | None:
        """Find who asks for what belongs to the account above its sub-accounts."""
        mine = (one for one in self._exchange.accounts.values() if one.speech is Speech.EIGHT)
        return next((one for one in mine if one.key == key), None)

    async def _send(self, request: Request, account: Account) -> Response:
        body = _json(await read_body(request))

        async def work() -> Response:
            try:
                text = self._accept(account, read_entry(body, self._exchange.clock()))
            except BadEntryError as bad:
                raise RefusedCall(bad.code, bad.sentence) from None
            self._exchange.take(text, account)
            return answer(entry(text))

        return await self._exchange.weather(work, self._refuse)

    async def _send_batch(self, request: Request, account: Account) -> Response:
        body = _json(await read_body(request))

        async def work() -> Response:
            return self._batch(account, body)

        return await self._exchange.weather(work, self._refuse)

    def _batch(self, account: Account, body: dict[str, Any]) -> Response:
        rows = read_batch(body)
        batch_id, client_batch_id = str(uuid.uuid4()), str(body.get("clientBatchId") or "")
        listed, accepted = [], 0
        for row in rows:
            try:
                read = read_entry(row, self._exchange.clock())
            except BadEntryError as bad:
                listed.append(rejected(row, bad))
                continue
            text = self._accept(account, read, batch_id, client_batch_id)
            self._exchange.take(text, account)
            listed.append(entry(text))
            accepted += 1
        told: dict[str, Any] = {
            "batchId": batch_id,
            "acceptedCount": accepted,
            "rejectedCount": len(rows) - accepted,
        }
        if client_batch_id:
            told["clientBatchId"] = client_batch_id
        if body.get("includeMessagesInResponse") is True:
            told["messages"] = listed
        return answer(told)

    def _accept(
        self, account: Account, read: Entry, batch_id: str = "", client_batch_id: str = ""
    ) -> Text:
        as_ucs2 = read.encoding == "UCS2"
        return self._exchange.book.add(
            at=self._exchange.clock(),
            speech=Speech.EIGHT,
            account=account.id,
            phone=read.phone,
            ours=read.source,
            body=read.text,
            size=measure_as_ucs2(read.text) if as_ucs2 else measure(read.text),
            client_id=read.client_id,
            batch_id=batch_id,
            client_batch_id=client_batch_id,
            callback_url=read.callback_url,
            gives_up_at=read.expiry,
            starts_at=read.scheduled,
        )

    def _refuse(self, status: int, retry_after_s: int) -> Response:
        return is_refused(status, retry_after_s, self._exchange.clock())

    def _text(self, request: Request, account: Account) -> Text:
        umid = request.path_params["umid"]
        _check_uuid(umid, "umid")
        found = self._exchange.book.find(Speech.EIGHT, account.id, umid)
        if found is None:
            raise RefusedCall(1300, "Message not found.", status=404)
        return found

    async def _look_up(self, request: Request, account: Account) -> Response:
        return answer(resource(self._text(request, account)))

    async def _cancel(self, request: Request, account: Account) -> Response:
        return answer({"cancelledCount": self._stop([self._text(request, account)])})

    async def _cancel_batch(self, request: Request, account: Account) -> Response:
        batch = request.path_params["batch"]
        _check_uuid(batch, "batchId")
        mine = self._exchange.book.newest(Speech.EIGHT, account.id)
        return answer({"cancelledCount": self._stop([t for t in mine if t.batch_id == batch])})

    def _stop(self, texts: list[Text]) -> int:
        """Cancel what is scheduled and has not left."""
        waiting = [t for t in texts if t.starts_at and t.state is MessageState.ACCEPTED]
        for text in waiting:
            text.move(MessageState.CANCELLED, self._exchange.clock())
        self._exchange.book.touch()
        return len(waiting)

    async def _feedback(self, request: Request, account: Account) -> Response:
        self._text(request, account)
        if _json(await read_body(request)).get("outcome") not in ("success", "failure"):
            raise RefusedCall(1000, "outcome is success or failure")
        return Response()

    async def _balance(self, request: Request, account: Account) -> Response:
        return answer({"balance": 20.0, "currency": "USD"})

    async def _prices(self, request: Request, account: Account) -> Response:
        asked = request.query_params
        return answer(prices(asked.get("subAccountId", account.id), asked.get("country", "")))

    async def _list_hooks(self, request: Request, account: Account) -> Response:
        return answer([_masked(hook) for hook in self._webhooks.values()])

    async def _set_hooks(self, request: Request, account: Account) -> Response:
        for hook in _hook_list(await read_body(request)):
            if not is_web_address(str(hook.get("url"))) or "subAccountId" not in hook:
                raise RefusedCall(1000, "a webhook has a subAccountId and a url")
            self._webhooks[str(hook["subAccountId"])] = {"enabled": True} | hook
        self._learn_hooks()
        return Response()

    async def _drop_hooks(self, request: Request, account: Account) -> Response:
        for hook in _hook_list(await read_body(request)):
            self._webhooks.pop(str(hook.get("subAccountId")), None)
        self._learn_hooks()
        return Response()

    def _learn_hooks(self) -> None:
        for account in self._exchange.accounts.values():
            if account.speech is Speech.EIGHT:
                account.hook = self._hook_of(account.id)
                hook = self._webhooks.get(account.id) or self._webhooks.get("*") or {}
                account.webhook_token = str(hook.get("httpAuthorization") or "")

    def _hook_of(self, subaccount: str) -> str:
        hook = self._webhooks.get(subaccount) or self._webhooks.get("*") or {}
        return str(hook["url"]) if hook.get("enabled") else ""


def _json(body: bytes) -> dict[str, Any]:
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedCall(1000, "The request is not JSON") from None
    if not isinstance(read, dict):
        raise RefusedCall(1000, "The request is no JSON object")
    return read


def _hook_list(body: bytes) -> list[dict[str, Any]]:
    try:
        return msgspec.json.decode(body, type=list[dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedCall(1000, "The request is no JSON list of webhooks") from None


def _masked(hook: dict[str, Any]) -> dict[str, Any]:
    return hook | ({"httpAuthorization": "***"} if hook.get("httpAuthorization") else {})


def _check_uuid(written: str, name: str) -> None:
    try:
        uuid.UUID(written)
    except ValueError:
        raise RefusedCall(1000, f"Invalid {name}.") from None
