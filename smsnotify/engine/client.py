"""The one door to providers' servers for messages: `send(request) -> response`.

What matters after a failure is whether the provider can have the message. NotSentError: it surely
has not. OutcomeUnknownError: it may. Every error of the HTTP library becomes one of the two.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, Protocol

import aiohttp

from smsnotify import __version__
from smsnotify.base.errors import NotSentError, OutcomeUnknownError, ProviderError
from smsnotify.model.http import HttpRequest, HttpResponse

BODY_LIMIT: Final = 1024 * 1024
"""An answer longer than this many bytes is no answer of a messaging API."""

CONNECT_S: Final = 10.0
"""The longest wait for name, connection and TLS."""

# Before any byte of the request is written. Everything else may come after it.
_BEFORE: Final = (
    aiohttp.ClientConnectorError,  # refused, no route, DNS, TLS
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    aiohttp.ClientHttpProxyError,  # the proxy refused to connect us
)


class Transport(Protocol):
    """Who carries requests for delivery and look-ups."""

    async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
        """Carry one request.

        Raises:
            NotSentError: the request certainly did not reach the provider.
            OutcomeUnknownError: it may have.
        """


class HttpClient:
    """A pool of kept-alive connections; an async context manager, used inside one event loop.

    No cookies, no redirects followed, no proxy from the environment.
    """

    def __init__(self, connections: int = 100) -> None:
        """`connections` is the most that are open at once: the accounts' concurrency in sum."""
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def __aenter__(self) -> HttpClient:
        """Open the pool; connections are made when they are needed."""
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            ttl_dns_cache=60,
            # Shorter than any provider's own: a line that the far end closes while we write to
            # it leaves a message in doubt.
            keepalive_timeout=10,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"sms-notify/{__version__}"},
            skip_auto_headers=("Content-Type",),
            read_bufsize=2**16,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
        """Carry one request; `timeout_s` bounds all of it, from connecting to the last byte.

        Raises:
            NotSentError: refused, no route, no name, TLS failed, connecting took too long.
            OutcomeUnknownError: no answer in time, a broken line, an answer that cannot be read.
        """
        if self._session is None:
            raise RuntimeError("HttpClient is used as `async with HttpClient() as client`")
        try:
            async with self._session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.body or None,
                allow_redirects=False,
                timeout=self._timeout(timeout_s),
            ) as response:
                body = await _read(response)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return HttpResponse(status=response.status, headers=headers, body=body)
        except ProviderError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise explain(error, request) from error

    def _timeout(self, timeout_s: float) -> aiohttp.ClientTimeout:
        # Connecting ends well before the whole does: so the whole can only run out afterwards,
        # and what ran out says whether the request went out.
        made = self._timeouts.get(timeout_s)
        if made is None:
            made = aiohttp.ClientTimeout(total=timeout_s, connect=min(CONNECT_S, timeout_s / 2))
            self._timeouts[timeout_s] = made
        return made


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = response.content
    body = await content.readany()
    while not content.at_eof():
        body += await content.readany()
        if len(body) > BODY_LIMIT:
            break
    if len(body) > BODY_LIMIT:
        response.close()
        raise OutcomeUnknownError("the provider's answer is longer than 1 MiB")
    return body


def explain(error: BaseException, request: HttpRequest) -> NotSentError | OutcomeUnknownError:
    """Say which of the two an error of the HTTP library is.

    The library's own text stays out of the message: it may name hosts with credentials in them.
    """
    kind = type(error).__name__
    if isinstance(error, _BEFORE):
        return NotSentError(f"the provider could not be reached ({kind})")
    if isinstance(error, ValueError) and not _can_be_written(request):
        return NotSentError(
            "the request has a header with a line break in it", hint="look at the account's secrets"
        )
    if isinstance(error, TimeoutError):
        return OutcomeUnknownError(f"the provider did not answer in time ({kind})")
    return OutcomeUnknownError(f"the line broke after the request went out ({kind})")


def _can_be_written(request: HttpRequest) -> bool:
    return not any(sign in value for value in request.headers.values() for sign in "\r\n\0")
