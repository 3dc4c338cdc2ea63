"""The phones in the browser: what each got, a box to answer, and the bad day's switches.

Server-rendered; forms are posted and answered with a redirect. `live.js` only fetches the same
page again when something changed.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from smsnotify.base.durations import format_duration
from smsnotify.model.fault import (
    FAULT_HELP,
    RECEIPT_FAULTS,
    SEND_FAULTS,
    Fault,
    read_latency,
    read_share,
)
from smsnotify.sandbox.caller import is_address
from smsnotify.sandbox.exchange import Exchange, TooLongError, read_body
from smsnotify.sandbox.shown import bubble, conversation, phone_line
from smsnotify.sandbox.texts import Account, Phone

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every page: nothing from anywhere else, in no frame, kept by nobody."""

_STATIC: Final = {
    "sandbox.css": "text/css",
    "live.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_NUMBER: Final = re.compile(r"\+?[1-9]\d{6,14}")
_MOST_TYPED: Final = 1600
_MOST_PHONES: Final = 200
_MOST_BUBBLES: Final = 300
_BEAT_S: Final = 15.0

Work = Callable[[Request, dict[str, str]], Awaitable[Response]]


class Pages:
    """The pages of an exchange. `hosts` are the names that a browser may call us by.

    A number is always ours. Another name is somebody else's page that points at this machine; it
    gets nothing.
    """

    def __init__(
        self, exchange: Exchange, hosts: frozenset[str] = frozenset(), *, zone: str = "UTC"
    ) -> None:
        """Make the secret that only our own forms know. Times are shown in `zone`."""
        self._exchange = exchange
        self._hosts = hosts
        self._secret = secrets.token_urlsafe(18)
        self._zone = zone
        self._templates = _templates(ZoneInfo(zone))

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/", self._seen(self._index)),
            Route("/phones", self._seen(self._open)),
            Route("/phones/{number}", self._seen(self._phone)),
            Route("/phones/{number}/answer", self._posted(self._answer), methods=["POST"]),
            Route("/phones/{number}/switch", self._posted(self._switch), methods=["POST"]),
            Route("/faults", self._seen(self._faults)),
            Route("/faults", self._posted(self._set_faults), methods=["POST"]),
            Route("/live", self._seen(self._live)),
            Route("/static/{name}", self._static),
        ]

    def _seen(
        self, work: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def seen(request: Request) -> Response:
            if not self._is_for_us(request):
                return _plain(421, "This page answers to its own address alone.")
            return await work(request)

        return seen

    def _posted(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        """Let only our own forms change anything."""

        async def posted(request: Request) -> Response:
            if not self._is_for_us(request):
                return _plain(421, "This page answers to its own address alone.")
            try:
                body = (await read_body(request)).decode("utf-8", "replace")
                form = dict(parse_qsl(body, keep_blank_values=True, max_num_fields=50))
            except (TooLongError, ValueError):
                return _plain(413, "That is too much.")
            given = form.get("secret", "").encode()
            if not hmac.compare_digest(given, self._secret.encode()):
                return _plain(403, "This form is an old one: load the page again.")
            return await work(request, form)

        return posted

    def _is_for_us(self, request: Request) -> bool:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        return host == "localhost" or is_address(host) or host in self._hosts

    def _page(self, name: str, status: int = 200, **values: Any) -> Response:
        text = self._templates.get_template(name).render(
            secret=self._secret,
            version=self._exchange.book.version,
            calm=self._exchange.faults.is_calm,
            zone=self._zone,
            abroad=self._exchange.caller.calls_abroad,
            **values,
        )
        return Response(text, status, headers=HEADERS, media_type="text/html")

    async def _index(self, request: Request) -> Response:
        book = self._exchange.book
        phones = list(book.recent_phones())
        return self._page(
            "index.html",
            phones=[phone_line(phone) for phone in phones[:_MOST_PHONES]],
            more=max(len(phones) - _MOST_PHONES, 0),
            texts=len(book.texts),
            accounts=list(self._exchange.accounts.values()),
            base=f"http://{request.headers.get('host', '')}",
        )

    async def _open(self, request: Request) -> Response:
        number = re.sub(r"[ ()-]", "", request.query_params.get("number", ""))
        if not _NUMBER.fullmatch(number):
            return self._page("nobody.html", 400, number=number[:40])
        return _go(f"/phones/{number.lstrip('+')}")

    async def _phone(self, request: Request) -> Response:
        phone = self._of(request)
        if phone is None:
            return self._page("nobody.html", 404, number=request.path_params["number"][:40])
        return self._phone_page(phone)

    def _phone_page(self, phone: Phone, status: int = 200, **values: Any) -> Response:
        senders = self._exchange.senders_for(phone)
        shown = phone.texts[-_MOST_BUBBLES:]
        return self._page(
            "phone.html",
            status,
            phone=phone,
            digits=phone.number.lstrip("+"),
            bubbles=[bubble(text) for text in shown],
            earlier=len(phone.texts) - len(shown),
            senders=[conversation(account, ours) for account, ours in senders],
            waiting=len(phone.waiting),
            **values,
        )

    def _of(self, request: Request) -> Phone | None:
        """Return the phone of the address; one without texts is not kept before it does a thing."""
        digits = request.path_params["number"]
        if not _NUMBER.fullmatch(digits):
            return None
        number = f"+{digits.lstrip('+')}"
        return self._exchange.book.phones.get(number) or Phone(number=number)

    async def _answer(self, request: Request, form: dict[str, str]) -> Response:
        asked = self._of(request)
        if asked is None:
            return self._page("nobody.html", 404, number=request.path_params["number"][:40])
        body = form.get("body", "").replace("\r\n", "\n")
        found = self._receiver(asked, form.get("to", ""))
        if found is None or not body.strip() or len(body) > _MOST_TYPED:
            told = "Choose whom to answer." if found is None else "Write 1 to 1600 characters."
            return self._phone_page(asked, 400, told=told, typed=body[:_MOST_TYPED])
        account, ours = found
        phone = self._exchange.book.phone(asked.number)
        self._exchange.network.answer(phone, ours, body, account)
        return _back(phone)

    def _receiver(self, phone: Phone, chosen: str) -> tuple[Account, str] | None:
        """Return whom the form means, or else the newest sender that can receive."""
        senders = self._exchange.senders_for(phone)
        able = [(a, ours) for a, ours in senders if conversation(a, ours).can_receive]
        if not chosen:
            return able[0] if able else None
        return next((one for one in able if conversation(*one).key == chosen), None)

    async def _switch(self, request: Request, form: dict[str, str]) -> Response:
        asked = self._of(request)
        if asked is None:
            return self._page("nobody.html", 404, number=request.path_params["number"][:40])
        exchange, what = self._exchange, form.get("what", "")
        phone = exchange.book.phone(asked.number)
        match what:
            case "off":
                phone.is_off = True
            case "on":
                exchange.network.switch_on(phone, exchange.accounts)
            case "give-up":
                exchange.network.give_up(phone, exchange.accounts)
            case "gone" | "back":
                phone.is_gone = what == "gone"
            case "slow" | "quick":
                phone.is_slow = what == "slow"
            case "stop" | "start":
                return self._keyword(phone, what.upper())
            case _:
                return _plain(400, "There is no such switch.")
        exchange.book.touch()
        return _back(phone)

    def _keyword(self, phone: Phone, word: str) -> Response:
        found = self._receiver(phone, "")
        if found is None:
            return self._phone_page(phone, 409, told="Nobody who texted can receive an answer.")
        account, ours = found
        self._exchange.network.answer(phone, ours, word, account)
        return _back(phone)

    async def _faults(self, request: Request) -> Response:
        return self._fault_page()

    def _fault_page(self, status: int = 200, **values: Any) -> Response:
        faults, pace = self._exchange.faults, self._exchange.pace
        return self._page(
            "faults.html",
            status,
            groups=[
                ("Sends", [self._fault_line(fault) for fault in SEND_FAULTS]),
                ("Receipts", [self._fault_line(fault) for fault in RECEIPT_FAULTS]),
            ],
            latency=_written_span(faults.latency_s),
            retry_after=faults.retry_after_s,
            slow=_written_span(pace.slow_s),
            calls=list(reversed(self._exchange.caller.calls)),
            **values,
        )

    def _fault_line(self, fault: Fault) -> dict[str, Any]:
        faults = self._exchange.faults
        return {
            "name": fault.value,
            "help": FAULT_HELP[fault],
            "percent": f"{faults.shares.get(fault, 0.0) * 100:g}",
            "ordered": faults.ordered.get(fault, 0),
            "met": faults.met.get(fault, 0),
        }

    async def _set_faults(self, request: Request, form: dict[str, str]) -> Response:
        faults = self._exchange.faults
        if "calm" in form:
            faults.calm()
        elif "once" in form:
            if form["once"] not in list(Fault):
                return _plain(400, "There is no such fault.")
            faults.once(Fault(form["once"]))
        else:
            try:
                shares = [read_share(f"{one.value}:{form.get(one.value) or 0}%") for one in Fault]
                latency = form.get("latency", "").strip() or "0s"
                latency_s = read_latency(latency).total_seconds()
                retry_after_s = int(form.get("retry_after", "2"))
                if not 0 <= retry_after_s <= 3600:
                    raise ValueError("Retry-After is 0 to 3600 seconds")
            except ValueError as error:
                return self._fault_page(400, told=str(error))
            faults.shares = {fault: share for fault, share in shares if share}
            faults.latency_s, faults.retry_after_s = latency_s, retry_after_s
        self._exchange.book.touch()
        return _go("/faults")

    async def _live(self, request: Request) -> Response:
        headers = HEADERS | {"X-Accel-Buffering": "no"}
        return StreamingResponse(self._news(), headers=headers, media_type="text/event-stream")

    async def _news(self) -> AsyncIterator[str]:
        """Tell the version of the book, and again after every change."""
        book, told = self._exchange.book, -1
        while not book.is_closed:
            if book.version != told:
                told = book.version
                yield f"retry: 1000\ndata: {told}\n\n"
            else:
                yield ": still here\n\n"
            try:
                async with asyncio.timeout(_BEAT_S):
                    await book.changed_since(told)
            except TimeoutError:
                continue

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            return _plain(404, "There is nothing here.")
        kept = HEADERS | {"Cache-Control": "max-age=300"}
        return Response(_file(name), headers=kept, media_type=_STATIC[name])


def _written_span(seconds: float) -> str:
    if seconds and seconds % 1:
        return f"{seconds * 1000:.0f}ms"
    return format_duration(timedelta(seconds=seconds))


def _templates(zone: ZoneInfo) -> Environment:
    made = Environment(
        loader=PackageLoader("smsnotify.sandbox"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["clock"] = lambda at: f"{at.astimezone(zone):%H:%M:%S}"
    return made


@cache
def _file(name: str) -> bytes:
    return (files("smsnotify.sandbox") / "static" / name).read_bytes()


def _plain(status: int, text: str) -> Response:
    return Response(f"{text}\n", status, headers=HEADERS, media_type="text/plain")


def _go(path: str) -> Response:
    return RedirectResponse(path, 303, headers=HEADERS)


def _back(phone: Phone) -> Response:
    return _go(f"/phones/{phone.number.lstrip('+')}")
