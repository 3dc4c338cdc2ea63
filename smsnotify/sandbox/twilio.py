"""Twilio's HTTP: send, fetch, list, cancel, delete, feedback and balance.

Source: https://www.twilio.com/docs/messaging/api/message-resource and the OpenAPI file of the API
v2010; magic numbers: https://www.twilio.com/docs/iam/test-credentials (read August 2026).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsnotify.model.message import MessageState
from smsnotify.sandbox.caller import is_web_address
from smsnotify.sandbox.exchange import Exchange, TooLongError, read_body
from smsnotify.sandbox.texts import Account, Speech, Text
from smsnotify.sandbox.twilio_answers import (
    RefusedSend,
    answer,
    error,
    is_refused,
    resource,
)
from smsnotify.text.size import measure

TO_MAGIC: Final = {
    "+15005550001": (21211, "The 'To' number +15005550001 is not a valid phone number."),
    "+15005550002": (21612, "The 'To' phone number is not currently reachable via SMS."),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for this region."),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient."),
    "+15005550009": (21614, "'To' number is not a valid mobile number."),
}
FROM_MAGIC: Final = {
    "+15005550001": (21212, "The 'From' number +15005550001 is not a valid phone number."),
    "+15005550007": (21606, "The 'From' phone number is not a valid, SMS-capable number."),
    "+15005550008": (21611, "This 'From' number has exceeded the maximum number of queued SMS."),
}
"""Numbers that are always refused, with Twilio's code."""

_ROOT: Final = "/2010-04-01/Accounts/{account}"
_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_FROM: Final = re.compile(r"\+?\d{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}")
_SERVICE: Final = re.compile(r"MG[0-9A-Za-z]{1,62}")
_MOST_CHARACTERS: Final = 1600
_LONGEST_VALIDITY_S: Final = 36000
_MOST_ON_A_PAGE: Final = 1000
_SOONEST: Final = timedelta(seconds=300)
_LATEST: Final = timedelta(days=35)
_UPDATES: Final = frozenset({"canceled"})

Work = Callable[[Request, Account], Awaitable[Response]]


class TwilioDoor:
    """The addresses of Twilio's API, on an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        """Keep the exchange."""
        self._exchange = exchange

    def routes(self) -> list[Route]:
        """Return the routes."""
        message = f"{_ROOT}/Messages/{{sid}}.json"
        return [
            Route(f"{_ROOT}/Messages.json", self._proved(self._send), methods=["POST"]),
            Route(f"{_ROOT}/Messages.json", self._proved(self._list), methods=["GET"]),
            Route(
                f"{_ROOT}/Messages/{{sid}}/Feedback.json",
                self._proved(self._feedback),
                methods=["POST"],
            ),
            Route(message, self._proved(self._fetch), methods=["GET"]),
            Route(message, self._proved(self._update), methods=["POST"]),
            Route(message, self._proved(self._delete), methods=["DELETE"]),
            Route(f"{_ROOT}/Balance.json", self._proved(self._balance), methods=["GET"]),
        ]

    def _proved(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def proved(request: Request) -> Response:
            account = self._who(request)
            if account is None:
                refusal = error(401, 20003, "Authenticate")
                refusal.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
                return refusal
            try:
                return await work(request, account)
            except TooLongError:
                return error(413, 20413, "The request is too large")
            except RefusedSend as refused:
                return error(refused.status, refused.code, refused.message)

        return proved

    def _who(self, request: Request) -> Account | None:
        id = request.path_params["account"]
        user, password = _basic(request.headers.get("authorization", ""))
        if not user or not password:
            return None
        exchange = self._exchange
        if exchange.is_open(Speech.TWILIO):
            account = exchange.meet(Speech.TWILIO, id)
            account.users[user] = password
            if user == id:
                account.auth_token = password
            return account
        known = exchange.accounts.get((Speech.TWILIO, id))
        expected = known.users.get(user, "") if known is not None else ""
        right = hmac.compare_digest(expected.encode(), password.encode("utf-8", "replace"))
        return known if expected and right else None

    async def _send(self, request: Request, account: Account) -> Response:
        form = _form(await read_body(request))

        async def work() -> Response:
            text = self._accept(account, form)
            self._exchange.take(text, account)
            return answer(resource(text), 201)

        return await self._exchange.weather(work, is_refused)

    def _accept(self, account: Account, form: dict[str, str]) -> Text:
        to, sender, service = (form.get(key, "") for key in ("To", "From", "MessagingServiceSid"))
        body, callback = form.get("Body", ""), form.get("StatusCallback", "")
        _check_to(to, sender)
        _check_sender(sender, service)
        _check_body(body, form)
        if callback and not is_web_address(callback):
            raise RefusedSend(21609, f"The 'StatusCallback' URL {callback} is not a valid URL.")
        if (Speech.TWILIO, service or sender) in self._exchange.book.phone(to).blocked:
            raise RefusedSend(21610, "Attempt to send to unsubscribed recipient.")
        now = self._exchange.clock()
        starts_at = _scheduled(form, service, now)
        return self._exchange.book.add(
            at=now,
            speech=Speech.TWILIO,
            account=account.id,
            phone=to,
            ours=sender or self._sender_of(account),
            body=body,
            size=measure(body),
            service=service,
            callback_url=callback,
            gives_up_at=(starts_at or now) + timedelta(seconds=_validity_s(form)),
            starts_at=starts_at,
        )

    def _sender_of(self, account: Account) -> str:
        """Pick the number that a messaging service sends from: one that the account uses."""
        return next(iter(account.senders), "+15005550006")

    async def _list(self, request: Request, account: Account) -> Response:
        query = request.query_params
        size = min(max(_count(query.get("PageSize"), 50), 1), _MOST_ON_A_PAGE)
        page = max(_count(query.get("Page"), 0), 0)
        wanted = [text for text in self._of(account) if _fits(text, query)]
        rows = [resource(text) for text in wanted[page * size : (page + 1) * size]]
        filters = {key: query[key] for key in ("To", "From") if key in query}

        def uri(number: int) -> str:
            asked = urlencode(filters | {"PageSize": size, "Page": number})
            return f"{request.url.path}?{asked}"

        more = len(wanted) > (page + 1) * size
        return answer(
            {
                "messages": rows,
                "first_page_uri": uri(0),
                "previous_page_uri": uri(page - 1) if page else None,
                "next_page_uri": uri(page + 1) if more else None,
                "uri": uri(page),
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(len(rows) - 1, 0),
            }
        )

    def _of(self, account: Account) -> list[Text]:
        return list(self._exchange.book.newest(Speech.TWILIO, account.id))

    def _text(self, request: Request, account: Account) -> Text:
        sid = request.path_params["sid"]
        found = self._exchange.book.find(Speech.TWILIO, account.id, sid)
        if found is None:
            path = request.url.path
            raise RefusedSend(20404, f"The requested resource {path} was not found", status=404)
        return found

    async def _fetch(self, request: Request, account: Account) -> Response:
        return answer(resource(self._text(request, account)))

    async def _update(self, request: Request, account: Account) -> Response:
        text, form = self._text(request, account), _form(await read_body(request))
        if form.get("Status", "canceled") not in _UPDATES or not {"Status", "Body"} & set(form):
            raise RefusedSend(20001, "Only Status=canceled and an empty Body can be asked for")
        if "Status" in form:
            if text.starts_at is None or text.state is not MessageState.ACCEPTED:
                raise RefusedSend(30409, "The message cannot be canceled any more.")
            text.move(MessageState.CANCELLED, self._exchange.clock())
        if form.get("Body") == "":
            text.body = ""
        self._exchange.book.touch()
        return answer(resource(text))

    async def _delete(self, request: Request, account: Account) -> Response:
        text = self._text(request, account)
        if not text.is_final:
            raise RefusedSend(20009, "Cannot delete: the message is not in a final state", 409)
        self._exchange.book.remove(text)
        return Response(status_code=204)

    async def _feedback(self, request: Request, account: Account) -> Response:
        text, form = self._text(request, account), _form(await read_body(request))
        outcome = form.get("Outcome", "confirmed")
        if outcome not in ("confirmed", "unconfirmed"):
            raise RefusedSend(20001, "Outcome is confirmed or unconfirmed")
        row = resource(text)
        same = {key: row[key] for key in ("account_sid", "date_created", "date_updated")}
        uri = f"{row['uri'].removesuffix('.json')}/Feedback.json"
        return answer(same | {"message_sid": text.id, "outcome": outcome, "uri": uri})

    async def _balance(self, request: Request, account: Account) -> Response:
        return answer({"account_sid": account.id, "balance": "20.00", "currency": "USD"})


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return user, password


def _form(body: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000
        )
    except ValueError:
        raise RefusedSend(20001, "The form has too many fields") from None
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


def _check_to(to: str, sender: str) -> None:
    if not to:
        raise RefusedSend(21604, "A 'To' phone number is required.")
    if to in TO_MAGIC:
        raise RefusedSend(*TO_MAGIC[to])
    if not _E164.fullmatch(to) or to == sender:
        raise RefusedSend(21211, f"Invalid 'To' Phone Number: {to[:-4]}XXXX")


def _check_sender(sender: str, service: str) -> None:
    if not sender and not service:
        raise RefusedSend(21603, "A 'From' or a 'MessagingServiceSid' is required.")
    if sender in FROM_MAGIC:
        raise RefusedSend(*FROM_MAGIC[sender])
    if sender and not _FROM.fullmatch(sender):
        raise RefusedSend(21212, "Invalid 'From' phone number, short code or sender ID.")
    if service and not _SERVICE.fullmatch(service):
        raise RefusedSend(21701, "The Messaging Service does not exist.")


def _check_body(body: str, form: dict[str, str]) -> None:
    if "ContentSid" in form or "MediaUrl" in form:
        raise RefusedSend(21620, "The sandbox takes texts alone: no media, no templates.")
    if not body:
        raise RefusedSend(21602, "Message body is required.")
    if len(body) > _MOST_CHARACTERS:
        raise RefusedSend(21617, "The concatenated message body exceeds 1600 characters.")


def _validity_s(form: dict[str, str]) -> int:
    written = form.get("ValidityPeriod")
    seconds = _LONGEST_VALIDITY_S if written is None else _count(written, 0)
    if not 1 <= seconds <= _LONGEST_VALIDITY_S:
        raise RefusedSend(21624, "ValidityPeriod must be between 1 and 36000 seconds.")
    return seconds


def _scheduled(form: dict[str, str], service: str, now: datetime) -> datetime | None:
    if "ScheduleType" not in form and "SendAt" not in form:
        return None
    if not service:
        raise RefusedSend(35118, "A MessagingServiceSid is required to schedule a message.")
    try:
        at = datetime.fromisoformat(form.get("SendAt", ""))
    except ValueError:
        raise RefusedSend(35111, "SendAt is missing or is no ISO 8601 time.") from None
    if at.tzinfo is None or not _SOONEST < at - now <= _LATEST:
        raise RefusedSend(35114, "SendAt must be 5 minutes to 35 days ahead.")
    return at


def _count(written: str | None, otherwise: int) -> int:
    return int(written) if written and re.fullmatch(r"\d{1,9}", written) else otherwise


def _fits(text: Text, query: Mapping[str, str]) -> bool:
    to, sender = (text.ours, text.phone) if text.inbound else (text.phone, text.ours)
    return query.get("To", to) == to and query.get("From", sender) == sender
