"""The door to mail servers: one mail at a time over lines that are kept for more.

What matters after a failure is whether the server can have the mail. Until the mail itself goes
out (DATA) it surely has not; from then on, without a last word, it may.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple

from smsnotify.base.errors import NotSentError, OutcomeUnknownError
from smsnotify.model.mail import Mail, MailAnswer, MailStep
from smsnotify.providers.base import MailProvider

if TYPE_CHECKING:
    from aiosmtplib import SMTP

BEFORE_CONTENT_S: Final = 15.0
"""The longest wait for everything before the mail itself: name, line, TLS, log-in, addresses."""

_STOPPED_S: Final = 1.0
_QUIT_S: Final = 1.0
_KEEP_S: Final = 10.0  # servers hang up on who is idle
_MOST_ON_A_LINE: Final = 100
_OK: Final = 250
_CLOSING: Final = 421
_NO_TLS: Final = 502  # "command not implemented", as a server without it would say
_NO_LOGIN: Final = 535


class _Line(NamedTuple):
    """A line to a server, logged in; how many mails went over it, and since when it rests."""

    client: SMTP
    carried: int = 0
    idle_since: float = 0.0


class MailCarrier:
    """Keeps lines to mail servers, by account; an async context manager, used inside one loop."""

    def __init__(self) -> None:
        """Start without any line; the mail library is loaded with the first."""
        self._idle: dict[int, list[_Line]] = {}

    async def __aenter__(self) -> MailCarrier:
        """Lines are made when they are needed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take leave of every server."""
        lines = [line for kept in self._idle.values() for line in kept]
        self._idle.clear()
        await asyncio.gather(*map(_take_leave, lines))

    async def send(self, provider: MailProvider, mail: Mail, timeout_s: float) -> MailAnswer:
        """Hand one mail over and return the server's last word, whatever it is.

        `timeout_s` is for the mail itself; everything before it has BEFORE_CONTENT_S at most.

        Raises:
            NotSentError: the server surely does not have it: unreachable, TLS failed, hung up.
            OutcomeUnknownError: it may: no last word, or the line broke.
            ConfigError: the password cannot be read.
        """
        began, wall = time.monotonic(), time.time()
        before_s = min(BEFORE_CONTENT_S, timeout_s)
        try:
            async with asyncio.timeout(before_s):
                line, refused = await self._ready(provider, mail)
        except TimeoutError as error:
            raise NotSentError("the mail server did not answer in time") from error
        if refused is not None:
            return refused
        passed_s = max(time.monotonic() - began, time.time() - wall)
        if passed_s > before_s + _STOPPED_S:
            # We were stopped, or asleep, meanwhile: somebody else may be at this mail by now.
            line.client.close()
            raise NotSentError("reaching the server took too long: this process was stopped")
        return await self._hand_over(provider, line, mail, timeout_s)

    async def check(self, provider: MailProvider, timeout_s: float) -> MailAnswer:
        """Reach the server and log in; nothing is sent.

        Raises:
            NotSentError: the server cannot be reached.
            ConfigError: the password cannot be read.
        """
        try:
            async with asyncio.timeout(min(BEFORE_CONTENT_S, timeout_s)):
                line, refused = await _open(provider)
        except TimeoutError as error:
            raise NotSentError("the mail server did not answer in time") from error
        if refused is not None:
            return refused
        await _take_leave(line)
        return MailAnswer(MailStep.LOGIN, _OK)

    async def _ready(self, provider: MailProvider, mail: Mail) -> tuple[_Line, MailAnswer | None]:
        """Return a line whose server has taken both addresses, or what it said instead."""
        line, refused = self._take(provider), None
        if line is not None:
            try:
                refused = await _address(line.client, mail)
            except NotSentError:
                line = None  # it hung up while nothing was said: on a new line, then
        if line is None:
            line, refused = await _open(provider)
            if refused is None:
                refused = await _address(line.client, mail)
        if refused is not None:
            await self._start_over(provider, line, refused)
        return line, refused

    async def _start_over(self, provider: MailProvider, line: _Line, refused: MailAnswer) -> None:
        """Keep a line after a refusal of one mail's addresses, for the next mail."""
        from aiosmtplib import SMTPException

        if refused.step in (MailStep.GREETING, MailStep.LOGIN) or refused.code == _CLOSING:
            line.client.close()
            return
        try:
            await line.client.rset()
        except (SMTPException, OSError):
            line.client.close()
            return
        self._keep(provider, line, refused)

    async def _hand_over(
        self, provider: MailProvider, line: _Line, mail: Mail, timeout_s: float
    ) -> MailAnswer:
        from aiosmtplib import SMTPException, SMTPResponseException

        answer = MailAnswer(MailStep.CONTENT, _OK)
        try:
            async with asyncio.timeout(timeout_s):
                await line.client.data(mail.content, timeout=timeout_s)
        except SMTPResponseException as error:
            answer = MailAnswer(MailStep.CONTENT, error.code, error.message)
            if error.code < 0:  # the library could not read what came
                line.client.close()
                raise OutcomeUnknownError("the server's last word cannot be read") from error
        except (SMTPException, OSError) as error:  # running out of time is an OSError
            line.client.close()
            raise OutcomeUnknownError(
                f"the mail went out, and no last word came back ({type(error).__name__})"
            ) from error
        except asyncio.CancelledError:
            line.client.close()
            raise
        self._keep(provider, line, answer)
        return answer

    def _take(self, provider: MailProvider) -> _Line | None:
        kept = self._idle.get(id(provider))
        while kept:
            line = kept.pop()
            if line.client.is_connected and line.idle_since + _KEEP_S > time.monotonic():
                return line
            line.client.close()
        return None

    def _keep(self, provider: MailProvider, line: _Line, answer: MailAnswer) -> None:
        carried = line.carried + 1
        if answer.code == _CLOSING or carried >= _MOST_ON_A_LINE or not line.client.is_connected:
            line.client.close()
            return
        kept = self._idle.setdefault(id(provider), [])
        kept.append(_Line(line.client, carried, time.monotonic()))


async def _open(provider: MailProvider) -> tuple[_Line, MailAnswer | None]:
    """Return a new line, logged in, or what the server said instead.

    Raises:
        NotSentError: it cannot be reached, or hung up.
        ConfigError: the password cannot be read.
    """
    from aiosmtplib import SMTP, SMTPException, SMTPNotSupported, SMTPResponseException

    server, login = provider.server(), provider.login()
    client = SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls == "tls",
        start_tls=server.tls == "starttls",
        tls_context=None if server.tls == "none" else ssl.create_default_context(),
        local_hostname=_our_name(),
        timeout=BEFORE_CONTENT_S,
    )
    line = _Line(client)
    step = MailStep.GREETING
    try:
        await client.connect()
        step = MailStep.LOGIN
        if login is not None:
            await client.login(*login)
    except SMTPResponseException as error:
        client.close()
        return line, MailAnswer(step, error.code, error.message)
    except SMTPNotSupported as error:
        client.close()
        return line, MailAnswer(step, _NO_LOGIN, str(error))
    except (SMTPException, OSError, ValueError) as error:
        client.close()
        if "STARTTLS" in str(error):
            return line, MailAnswer(step, _NO_TLS, "the server offers no STARTTLS")
        raise NotSentError(
            f"the mail server could not be reached ({type(error).__name__})"
        ) from error
    except asyncio.CancelledError:
        client.close()
        raise
    return line, None


async def _address(client: SMTP, mail: Mail) -> MailAnswer | None:
    """Name sender and recipient; return what the server said against one of them.

    Raises:
        NotSentError: it hung up, or said nothing.
    """
    from aiosmtplib import SMTPException, SMTPResponseException

    step = MailStep.SENDER
    try:
        await client.mail(mail.sender)
        step = MailStep.RECIPIENT
        await client.rcpt(mail.recipient)
    except SMTPResponseException as error:
        return MailAnswer(step, error.code, error.message)
    except (SMTPException, OSError) as error:
        client.close()
        raise NotSentError(f"the mail server hung up ({type(error).__name__})") from error
    except asyncio.CancelledError:
        client.close()
        raise
    return None


async def _take_leave(line: _Line) -> None:
    from aiosmtplib import SMTPException

    with contextlib.suppress(SMTPException, OSError):
        async with asyncio.timeout(_QUIT_S):
            await line.client.quit()
    line.client.close()


def _our_name() -> str:
    """Return what we greet as: the machine's full name, else the address of nobody else."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
