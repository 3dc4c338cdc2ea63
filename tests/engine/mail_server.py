"""A real SMTP server on loopback, with STARTTLS and a log-in, that can misbehave."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "notify", "s3cret pass"


class Post:
    """Keeps what came in. `refuse` is recipient → answer; `at_data` what to do with a mail."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.refuse: dict[str, list[str]] = {}
        self.at_data = ""
        self.lines = 0
        self.secure = False
        self.port = 0
        self.released = asyncio.Event()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        answers = self.refuse.get(address)
        if answers:
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.at_data[:1].isdigit():
            return self.at_data
        self.secure = session.ssl is not None
        self.envelopes.append(envelope)
        mail = message_from_bytes(envelope.content or b"", policy=default)  # type: ignore[arg-type]
        self.mails.append(mail)  # type: ignore[arg-type]
        if self.at_data == "hang":
            await self.released.wait()
        if self.at_data == "break":
            server.transport.abort()
        return "250 2.0.0 queued"


def authority(folder: Path) -> tuple[ssl.SSLContext, str]:
    """Return a server's TLS context for localhost, and the file of who vouches for it."""
    ca = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    file = folder / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    return context, str(file)


def _let_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword) and data == LoginPassword(
        USER.encode(), PASSWORD.encode()
    )
    return AuthResult(success=known, handled=False)


@asynccontextmanager
async def open_post(
    tls: ssl.SSLContext | None = None, *, login: bool = False, wrapped: bool = False
) -> AsyncIterator[Post]:
    """Serve on a free port; with `tls` STARTTLS is offered, `wrapped`: TLS from the first byte."""
    post = Post()

    def serve() -> SMTP:
        post.lines += 1
        return SMTP(
            post,
            hostname="localhost",
            tls_context=None if wrapped else tls,
            require_starttls=tls is not None and not wrapped,
            authenticator=_let_in if login else None,
            auth_required=login,
            auth_require_tls=tls is not None,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(serve, "127.0.0.1", 0, ssl=tls if wrapped else None)
    post.port = server.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        post.released.set()
        server.close()
        await asyncio.sleep(0.01)
