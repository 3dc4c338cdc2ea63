"""Email over SMTP: any mail server with a log-in.

The adapter writes the mail (RFC 5322) and reads the server's answers (RFC 5321, enhanced codes of
RFC 3463); the engine's mail carrier talks to the server. A server takes a mail and never says
more, so `accepted` is the last word; bounces are not read.
"""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape
from typing import ClassVar, Final, Literal

from pydantic import Field, field_validator, model_validator

from smsnotify.base.errors import ConfigError
from smsnotify.model.mail import Mail, MailAnswer, MailServer, MailStep, Tls
from smsnotify.model.message import ErrorWord, OutboundMessage, Outcome, Result
from smsnotify.model.rule import EMAIL
from smsnotify.providers.adapter import SilentAdapter
from smsnotify.providers.base import (
    AccountSettings,
    Capabilities,
    CheckResult,
    SecretField,
)
from smsnotify.text.address import read_email
from smsnotify.text.markdown import html_of

_OF_TEXTS: Final = ("senders", "countries", "base_url", "webhook_token")
_PORTS: Final[dict[Tls, int]] = {"starttls": 587, "tls": 465, "none": 25}
_ENHANCED: Final = re.compile(r"\s*[45]\.(\d{1,3}\.\d{1,3})\b")
_WRITTEN: Final = SMTP.clone(cte_type="7bit")  # whatever the next server on the way can read
_FULL: Final = "2.2"
_REFUSED: Final = frozenset({"7.0", "7.1", "7.26", "7.27"})
_NO_LOGIN: Final = frozenset({454, 530, 534, 535, 538})


class SmtpSettings(AccountSettings):
    """`[accounts.NAME]` with `provider = "smtp"`.

    `port` unsaid is 587 for starttls, 465 for tls, 25 for none. `sender` is an address, or a name
    with one: `Acme <notify@example.com>`. A password without `username` logs in as that address.
    """

    provider: Literal["smtp"] = "smtp"
    host: str = Field(min_length=1, pattern=r"^\S+$")
    port: int = Field(default=0, ge=0, le=65535)
    tls: Tls = "starttls"
    username: str = ""
    password: SecretField | None = None
    sender: str = Field(min_length=3)
    concurrency: int = Field(default=4, ge=1, le=64)

    @field_validator("sender")
    @classmethod
    def _an_address(cls, sender: str) -> str:
        if not sender.isprintable() or not read_email(parseaddr(sender)[1]):
            raise ValueError("is an email address: Acme <notify@example.com>")
        return sender

    @model_validator(mode="after")
    def _together(self) -> SmtpSettings:
        for key in _OF_TEXTS:
            if key in self.model_fields_set:
                raise ValueError(f"{key} changes nothing for email: take it out")
        if self.username and self.password is None:
            raise ValueError("username needs a password beside it")
        if (
            self.password is not None
            and self.tls == "none"
            and self.host not in ("localhost", "127.0.0.1")
        ):
            raise ValueError('tls = "none" would send the password in the clear')
        return self


class Smtp(SilentAdapter[SmtpSettings]):
    """An account at a mail server."""

    name: ClassVar[str] = "smtp"
    title: ClassVar[str] = "SMTP (email)"
    docs: ClassVar[str] = "https://www.rfc-editor.org/rfc/rfc5321"
    local: ClassVar[bool] = False
    capabilities: ClassVar[Capabilities] = Capabilities(channel=EMAIL, transport="mail")
    settings_type: ClassVar[type[AccountSettings]] = SmtpSettings

    def can_receive(self, sender: str) -> bool:
        """Replies go to the sender's mailbox; nothing of them is read here."""
        return False

    def server(self) -> MailServer:
        """Return where this account's mails go."""
        told = self.settings
        return MailServer(told.host, told.port or _PORTS[told.tls], told.tls)

    def login(self) -> tuple[str, str] | None:
        """Return user name and password, None for a server without a log-in.

        Raises:
            ConfigError: the password cannot be read.
        """
        password = self.settings.password
        if password is None:
            return None
        user = self.settings.username or parseaddr(self.settings.sender)[1]
        return user, self._reveal(password)

    def build_mail(self, message: OutboundMessage) -> Mail:
        """Write a mail, the same one whenever it is asked for the same message and day.

        Raises:
            ConfigError: the recipient's address cannot be written in a mail.
        """
        written = self.write(message)
        _, sender = parseaddr(message.sender or self.settings.sender)
        return Mail(_ascii(sender), _ascii(message.recipient), written.as_bytes())

    def write(self, message: OutboundMessage) -> EmailMessage:
        """Return the mail: text and HTML of one Markdown body, and headers that machines read."""
        name, sender = parseaddr(message.sender or self.settings.sender)
        user, _, domain = _ascii(sender).rpartition("@")
        mail = EmailMessage(policy=_WRITTEN)
        mail["From"] = Address(name, user, domain)
        reader, _, theirs = _ascii(message.recipient).rpartition("@")
        mail["To"] = Address("", reader, theirs)
        mail["Subject"] = " ".join(message.title.split())
        mail["Date"] = format_datetime(self._clock())
        mail["Message-ID"] = self.message_id(message)
        mail["Auto-Submitted"] = "auto-generated"
        if message.opt_out_url:
            mail["List-Unsubscribe"] = f"<{message.opt_out_url}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(message.body)
        if message.markup:
            mail.add_alternative(_page(message), subtype="html")
        for one in message.attachments:
            kind, _, sort = one.media_type.partition("/")
            mail.add_attachment(one.content, maintype=kind, subtype=sort, filename=one.name)
        return mail

    def message_id(self, message: OutboundMessage) -> str:
        """Return the id that a message keeps through every try: ours, at the sender's domain."""
        _, sender = parseaddr(message.sender or self.settings.sender)
        return f"<{message.id}@{_ascii(sender).rpartition('@')[2]}>"

    def parse_answer(self, message: OutboundMessage, answer: MailAnswer) -> Outcome:
        """Say what the server's last word means for a mail."""
        if answer.step is MailStep.CONTENT and 200 <= answer.code < 300:
            return Outcome(
                message_id=message.id,
                result=Result.ACCEPTED,
                provider_message_id=self.message_id(message),
                raw_code=str(answer.code),
            )
        result, error = _meaning(answer)
        return Outcome(
            message_id=message.id,
            result=result,
            error=error,
            raw_code=str(answer.code),
            raw_text=answer.text,
        )

    def parse_check(self, answer: MailAnswer) -> CheckResult:
        """Read the answer to a log-in."""
        if 200 <= answer.code < 300:
            return CheckResult(ok=True, detail="the mail server lets us in")
        _, error = _meaning(answer)
        return CheckResult(ok=False, detail=f"{answer.code} {answer.text}".strip(), error=error)


def _meaning(answer: MailAnswer) -> tuple[Result, ErrorWord]:
    """Return what a refusal means. Codes: RFC 5321 4.2, RFC 4954 6, RFC 3463."""
    code, step = answer.code, answer.step
    found = _ENHANCED.match(answer.text)
    detail = found[1] if found else ""
    if code == 421 or step is MailStep.GREETING:
        return Result.RETRY, ErrorWord.PROVIDER_DOWN
    if code < 500:
        busy = step is not MailStep.RECIPIENT
        return Result.RETRY, ErrorWord.RATE_LIMITED if busy else ErrorWord.UNREACHABLE
    if step is MailStep.LOGIN or code in _NO_LOGIN:
        return Result.REJECTED, ErrorWord.BAD_CREDENTIALS
    if step is MailStep.SENDER:
        return Result.REJECTED, ErrorWord.SENDER_REJECTED
    if step is MailStep.CONTENT:
        return Result.REJECTED, ErrorWord.CONTENT_REJECTED
    if code == 552 or detail == _FULL:
        return Result.REJECTED, ErrorWord.UNREACHABLE
    refused = detail in _REFUSED
    return Result.REJECTED, ErrorWord.BLOCKED if refused else ErrorWord.INVALID_NUMBER


def _ascii(address: str) -> str:
    """Return an address with its domain as it travels.

    Raises:
        ConfigError: it cannot travel.
    """
    user, _, domain = address.rpartition("@")
    try:
        whole = f"{user}@{domain.encode('idna').decode()}"
        whole.encode("ascii")
    except UnicodeError:
        raise ConfigError("an email address cannot be written in a mail") from None
    return whole


def _page(message: OutboundMessage) -> str:
    return (
        '<!doctype html>\n<html><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(message.title)}</title></head>\n"
        '<body style="font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:1rem auto;'
        f'padding:0 1rem">\n{html_of(message.markup)}</body></html>\n'
    )
