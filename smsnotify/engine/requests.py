"""The provider's request for a text, to be looked at instead of sent."""

from __future__ import annotations

from typing import Any

from smsnotify.engine.accounts import Account
from smsnotify.model.decision import Decision
from smsnotify.model.message import OutboundMessage
from smsnotify.providers.curl import as_curl
from smsnotify.text.phone import country_of

SHOWN_ID = "00000000000000000000000000"


def curl_of(account: Account, decision: Decision) -> str:
    """Return the request as curl, secrets masked; a mail as it goes over the line; a sentence when
    the account needs neither.
    """
    if account.provider.local:
        return f"# account {account.name}: {account.provider.title} makes no request"
    adapter: Any = type(account.provider)
    shown = adapter(account.provider.settings, masked=True)
    country = country_of(decision.to)
    if shown.capabilities.transport == "mail":
        return _mail_of(account, shown, decision)
    if shown.capabilities.transport == "alarm":
        places = len(shown.settings.urls)
        told = f"# account {account.name}: by apprise to {places} of its addresses"
        return "\n".join(filter(None, (told, decision.title, decision.body)))
    message = OutboundMessage(
        id=SHOWN_ID,
        recipient=decision.to,
        body=decision.body,
        encoding=decision.encoding or "GSM7",
        sender=shown.sender_for(country),
    )
    return f"# account {account.name}\n{as_curl(shown.build_request([message]))}"


def _mail_of(account: Account, adapter: Any, decision: Decision) -> str:
    message = OutboundMessage(
        id=SHOWN_ID,
        recipient=decision.to,
        body=decision.body,
        encoding="",
        title=decision.title,
        markup=decision.markup,
    )
    server, mail = adapter.server(), adapter.build_mail(message)
    lines = [
        f"# account {account.name}: {server.host}:{server.port}, TLS: {server.tls}",
        f"MAIL FROM:<{mail.sender}>",
        f"RCPT TO:<{mail.recipient}>",
        "DATA",
        *adapter.write(message).as_string().splitlines(),
    ]
    return "\n".join(lines)
