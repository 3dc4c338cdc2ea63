"""Carries the provider's calls to our hooks, and remembers the last ones for the page.

Only this machine is called, and whoever `--notify` names: a rehearsal must not reach the world.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Protocol
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec

from smsnotify.base.clock import Clock
from smsnotify.model.http import HttpRequest, HttpResponse

CONNECT_S: Final = 5.0
ANSWER_S: Final = 15.0
AT_ONCE: Final = 16
"""Calls in flight. Others wait here: a queue in the client itself grows slow with its length."""

_KEPT: Final = 50


class UnreachableError(Exception):
    """A hook did not answer; `connected` says whether the line stood. The text says why."""

    def __init__(self, why: str, *, connected: bool = False) -> None:
        """Keep both."""
        super().__init__(why)
        self.connected = connected


class Post(Protocol):
    """Who has a network."""

    def __call__(self, request: HttpRequest) -> Awaitable[HttpResponse]:
        """Carry one request.

        Raises:
            UnreachableError: no answer came.
        """


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One try to call a hook, for the page: `ending` is a status, or why there is none."""

    at: datetime
    what: str
    where: str
    ending: str
    is_fine: bool


class Caller:
    """Calls hooks. `notify` is the origin at which the desk really listens, `''`: as written."""

    def __init__(self, clock: Clock, *, notify: str = "", post: Post | None = None) -> None:
        """`post` None: over the network."""
        self.calls: deque[Call] = deque(maxlen=_KEPT)
        self.notify = notify
        self._clock = clock
        self._client: httpx.AsyncClient | None = None
        self._places = asyncio.Semaphore(AT_ONCE)
        self._post: Callable[[HttpRequest], Awaitable[HttpResponse]] = post or self._by_network

    async def call(self, what: str, request: HttpRequest) -> int | None:
        """Make one try; return the status, or None: nobody answered, or nobody may be called."""
        reached = msgspec.structs.replace(request, url=rewritten(request.url, self.notify))
        if not self.may_call(reached.url):
            host = urlsplit(reached.url).hostname
            self._note(what, reached.url, f"not called: {host} is not this machine, see --notify")
            return None
        try:
            async with self._places:
                response = await self._post(reached)
        except UnreachableError as error:
            self._note(what, reached.url, str(error))
            return 0 if error.connected else None
        fine = 200 <= response.status < 300
        self._note(what, reached.url, f"answered {response.status}", is_fine=fine)
        return response.status

    def may_call(self, url: str) -> bool:
        """Say whether an address is this machine's, or the one that `--notify` names."""
        host = urlsplit(url).hostname or ""
        return is_local(host) or (self.calls_abroad and host == urlsplit(self.notify).hostname)

    @property
    def calls_abroad(self) -> bool:
        """Whether `--notify` names another machine."""
        return bool(self.notify) and not is_local(urlsplit(self.notify).hostname or "")

    def note_silence(self, what: str, why: str) -> None:
        """Note a call that was not made."""
        self._note(what, "", why)

    def _note(self, what: str, url: str, ending: str, *, is_fine: bool = False) -> None:
        self.calls.append(
            Call(at=self._clock(), what=what, where=_shown(url), ending=ending, is_fine=is_fine)
        )

    async def _by_network(self, request: HttpRequest) -> HttpResponse:
        if self._client is None:
            limits = httpx.Limits(max_connections=AT_ONCE)
            timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
            self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False)
        # As bytes: a token that somebody chose may hold an é, which no header has as text.
        headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
        try:
            answer = await self._client.request(
                request.method, request.url, headers=headers, content=request.body
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise UnreachableError("nobody listens there") from error
        except httpx.TimeoutException as error:
            raise UnreachableError("no answer in time", connected=True) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnreachableError("the line broke", connected=True) from error
        return HttpResponse(
            status=answer.status_code, headers=dict(answer.headers), body=answer.content
        )

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def rewritten(url: str, notify: str) -> str:
    """Return an address with the origin of `notify`; its path and query stay."""
    if not notify:
        return url
    there, parts = urlsplit(notify), urlsplit(url)
    return urlunsplit((there.scheme, there.netloc, parts.path, parts.query, ""))


def is_local(host: str) -> bool:
    """Say whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_web_address(url: str) -> bool:
    """Say whether an address can be a hook's: http or https, and a host that providers take."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and "_" not in host


def is_address(host: str) -> bool:
    """Say whether a host is written as a number, not as a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _shown(url: str) -> str:
    """Write an address without what may be a token: the query, and what follows the account."""
    if not url:
        return ""
    parts = urlsplit(url)
    path = "/".join(parts.path.split("/")[:3])
    return f"{parts.scheme}://{parts.netloc}{path}"
