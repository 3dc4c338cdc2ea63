"""Twilio Programmable Messaging.

Docs: https://www.twilio.com/docs/messaging/api/message-resource,
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status,
https://www.twilio.com/docs/messaging/guides/webhook-request (read August 2026). There is no
idempotency key; our id rides in the query of the status callback.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from pydantic import StringConstraints, model_validator

from smsnotify.base.errors import WebhookError
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.model.message import (
    InboundMessage,
    MessageState,
    OutboundMessage,
    Outcome,
    Receipt,
    Result,
)
from smsnotify.providers.adapter import HttpAdapter
from smsnotify.providers.answers import (
    answer_text,
    by_status,
    count_of,
    json_object,
    refused_check,
    retry_after_s,
    text_of,
)
from smsnotify.providers.base import (
    AccountSettings,
    Balance,
    Capabilities,
    CheckResult,
    LookupAnswer,
    LookupResult,
    SecretField,
    WebhookCall,
    is_numeric,
)
from smsnotify.providers.twilio_codes import is_transient, receipt_code
from smsnotify.providers.twilio_payloads import (
    FAILURES,
    INBOUND,
    STATES,
    created_at,
    form_value,
    read_fields,
    read_refusal,
    read_row,
    read_taken,
    with_our_id,
)
from smsnotify.providers.twilio_signature import SHA1, algorithm_of, check_signature

_Location = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
_Sid = Annotated[str, StringConstraints(pattern=r"^(AC|SK|MG)[0-9A-Za-z]+$", max_length=64)]


class TwilioSettings(AccountSettings):
    """`[accounts.NAME]` with `provider = "twilio"`.

    Requests are signed in with the API key when there is one, else with `auth_token`; webhooks
    are always checked with `auth_token`, or with `signing_secret` when Twilio signs with a shared
    key. A sender that begins with `MG` is a messaging service.
    """

    provider: Literal["twilio"] = "twilio"
    account_sid: _Sid
    auth_token: SecretField | None = None
    api_key_sid: _Sid | None = None
    api_key_secret: SecretField | None = None
    signing_secret: SecretField | None = None
    messaging_service_sid: _Sid | None = None
    reply_with: Literal["api", "twiml"] = "api"
    edge: _Location | None = None
    region: _Location | None = None

    @model_validator(mode="after")
    def _credentials_fit(self) -> Self:
        if not self.account_sid.startswith("AC"):
            raise ValueError("account_sid begins with AC, also beside an API key")
        if (self.api_key_sid is None) != (self.api_key_secret is None):
            raise ValueError("api_key_sid and api_key_secret belong together")
        if self.auth_token is None and self.api_key_secret is None:
            raise ValueError("give auth_token, or api_key_sid and api_key_secret")
        if self.sender is not None and self.messaging_service_sid is not None:
            raise ValueError("give sender or messaging_service_sid, not both")
        return self


_TRIAL_PREFIX: Final = "Sent from your Twilio trial account - "
_LOOK_BACK: Final = timedelta(seconds=5)
_PAGE_SIZE: Final = 50
_LONGEST_VALIDITY_S: Final = 36000
_MOST_MEDIA: Final = 10


class Twilio(HttpAdapter[TwilioSettings]):
    """The adapter for Twilio."""

    name: ClassVar[str] = "twilio"
    title: ClassVar[str] = "Twilio"
    docs: ClassVar[str] = "https://www.twilio.com/docs/messaging/api/message-resource"
    local: ClassVar[bool] = False
    capabilities: ClassVar[Capabilities] = Capabilities(
        lookup_by_id=True,
        lookup_by_recipient=True,
        receipts=True,
        inbound=True,
        signed_webhooks=True,
        # No text of ours: what is to be said goes through the outbox, past every gate.
        inbound_answer='<?xml version="1.0" encoding="UTF-8"?><Response/>',
        balance=True,
        max_segments=10,
        max_characters=1600,
    )
    settings_type: ClassVar[type[AccountSettings]] = TwilioSettings

    def can_receive(self, sender: str) -> bool:
        """Say whether replies can come back: to a number, or to a messaging service's numbers."""
        return is_numeric(sender) or self._service(sender) is not None

    def build_request(self, messages: Sequence[OutboundMessage]) -> HttpRequest:
        """Build the send of one message."""
        (message,) = messages
        sender = self._written_senders.get(message.sender)
        if sender is None:
            sender = self._written_senders[message.sender] = self._write_sender(message.sender)
        form = f"To={form_value(message.recipient)}{sender}&Body={form_value(message.body)}"
        if message.callback_url:
            form += f"&StatusCallback={form_value(with_our_id(message.callback_url, message.id))}"
        if message.expires_at is not None:
            left_s = int((message.expires_at - self._clock()).total_seconds())
            form += f"&ValidityPeriod={min(max(left_s, 1), _LONGEST_VALIDITY_S)}"
        return HttpRequest(
            method="POST", url=self._messages_url, headers=self._form_headers, body=form.encode()
        )

    def _write_sender(self, sender: str) -> str:
        service = self._service(sender)
        if service is not None:
            return f"&MessagingServiceSid={form_value(service)}"
        return f"&From={form_value(sender)}" if sender else ""

    def _service(self, sender: str) -> str | None:
        """Return the messaging service that a sender stands for, if it is one."""
        if sender:
            return sender if sender.startswith("MG") and len(sender) == 34 else None
        return self.settings.messaging_service_sid

    @cached_property
    def _written_senders(self) -> dict[str, str]:
        """An account has few senders; each is written once."""
        return {}

    @cached_property
    def _root(self) -> str:
        if self.settings.base_url:
            return self.settings.base_url
        edge, region = self.settings.edge, self.settings.region
        if edge and not region:
            region = "us1"  # the pattern is {product}.{edge}.{region}; us1 is Twilio's own
        return "https://" + ".".join(part for part in ("api", edge, region, "twilio.com") if part)

    @cached_property
    def _account_url(self) -> str:
        return f"{self._root}/2010-04-01/Accounts/{self.settings.account_sid}"

    @cached_property
    def _messages_url(self) -> str:
        return f"{self._account_url}/Messages.json"

    @cached_property
    def _headers(self) -> dict[str, str]:
        settings = self.settings
        user, secret = settings.account_sid, settings.auth_token
        if settings.api_key_sid is not None and settings.api_key_secret is not None:
            user, secret = settings.api_key_sid, settings.api_key_secret
        assert secret is not None, "the settings' model wants one of the two"
        pair = f"{user}:{self._reveal(secret)}".encode()
        return {
            "Authorization": f"Basic {base64.b64encode(pair).decode()}",
            "Accept": "application/json",
        }

    @cached_property
    def _form_headers(self) -> dict[str, str]:
        return self._headers | {"Content-Type": "application/x-www-form-urlencoded"}

    def parse_response(
        self, messages: Sequence[OutboundMessage], response: HttpResponse
    ) -> list[Outcome]:
        """Read the answer: 201 with a `sid` is the only proof."""
        (message,) = messages
        taken = read_taken(message, response)
        if taken is not None:
            return [taken]
        body = json_object(response.body) or {}
        sid = text_of(body, "sid")
        if not 200 <= response.status < 300 or not sid:
            return [read_refusal(message, response, body)]
        state = STATES.get(text_of(body, "status"))
        refused = state in FAILURES or state is MessageState.CANCELLED
        code = text_of(body, "error_code")
        return [
            Outcome(
                message_id=message.id,
                result=Result.REJECTED if refused else Result.ACCEPTED,
                provider_message_id=sid,
                error=receipt_code(code) if refused else None,
                raw_code=code,
                raw_text=answer_text(body.get("error_message")) if refused else "",
                http_status=response.status,
            )
        ]

    def is_transient(self, raw_code: str) -> bool:
        """Say whether a receipt's error code is worth one later resend."""
        return is_transient(raw_code)

    def build_check(self) -> HttpRequest:
        """List one message: free, and the same right that look-ups need."""
        return HttpRequest(
            method="GET", url=f"{self._messages_url}?PageSize=1", headers=self._headers
        )

    def parse_check(self, response: HttpResponse) -> CheckResult:
        """Read the answer; test credentials are known by the code that lists are not theirs."""
        body = json_object(response.body) or {}
        if response.status == 200 and isinstance(body.get("messages"), list):
            return CheckResult(
                ok=True, detail="Twilio knows this account", http_status=response.status
            )
        if text_of(body, "code") == "20008":
            return CheckResult(
                ok=True,
                detail="these are test credentials: Twilio takes texts and sends none",
                http_status=response.status,
            )
        return refused_check(response, answer_text(body.get("message")))

    def build_lookup(
        self, message: OutboundMessage, provider_message_id: str = ""
    ) -> HttpRequest | None:
        """Fetch one by its sid, else list by `To` alone: a queued one has no date sent yet."""
        if provider_message_id:
            url = f"{self._account_url}/Messages/{quote(provider_message_id, safe='')}.json"
        else:
            query = urlencode({"To": message.recipient, "PageSize": _PAGE_SIZE})
            url = f"{self._messages_url}?{query}"
        return HttpRequest(method="GET", url=url, headers=self._headers)

    def parse_lookup(
        self,
        message: OutboundMessage,
        response: HttpResponse,
        *,
        provider_message_id: str = "",
        started_at: datetime | None = None,
    ) -> LookupResult:
        """Read one message or a page of the list; a list needs `started_at`."""
        body = json_object(response.body)
        if provider_message_id and response.status == 404:
            return LookupResult(answer=LookupAnswer.ABSENT, detail="not found")
        if response.status == 200 and body is not None:
            if provider_message_id and text_of(body, "sid"):
                return LookupResult(answer=LookupAnswer.FOUND, candidates=(read_row(body),))
            if isinstance(body.get("messages"), list) and started_at is not None:
                return self._read_page(message, body, started_at - _LOOK_BACK)
        return LookupResult(
            answer=LookupAnswer.UNCLEAR,
            retry_after_s=retry_after_s(response.headers),
            error=by_status(response.status)[1],
            detail=answer_text((body or {}).get("message")) or f"HTTP {response.status}",
        )

    def _read_page(
        self, message: OutboundMessage, body: dict[str, Any], since: datetime
    ) -> LookupResult:
        rows = [row for row in body["messages"] if isinstance(row, dict)]
        recent = [row for row in rows if created_at(row, since) >= since]
        fits = [row for row in recent if self._is_ours(message, row)]
        fits.sort(key=lambda row: created_at(row, since))
        candidates = tuple(read_row(row) for row in fits)
        # Newest first: as long as a whole page is recent, the next one may be so too.
        next_page = text_of(body, "next_page_uri") if rows and len(recent) == len(rows) else ""
        more = None
        if next_page.startswith("/"):
            more = HttpRequest(method="GET", url=self._root + next_page, headers=self._headers)
        if candidates:
            return LookupResult(answer=LookupAnswer.FOUND, candidates=candidates, more=more)
        return LookupResult(answer=LookupAnswer.UNCLEAR if more else LookupAnswer.ABSENT, more=more)

    def _is_ours(self, message: OutboundMessage, row: dict[str, Any]) -> bool:
        if text_of(row, "direction") == "inbound" or text_of(row, "to") != message.recipient:
            return False
        body = text_of(row, "body").removeprefix(_TRIAL_PREFIX)
        if body.strip() != message.body.strip():
            return False
        service = self._service(message.sender)
        if service is not None:
            return text_of(row, "messaging_service_sid") == service
        return not message.sender or text_of(row, "from") == message.sender

    def build_balance(self) -> HttpRequest | None:
        """Ask for the account's balance."""
        return HttpRequest(
            method="GET", url=f"{self._account_url}/Balance.json", headers=self._headers
        )

    def parse_balance(self, response: HttpResponse) -> Balance:
        """Read the balance, a decimal text at Twilio already."""
        body = json_object(response.body) or {}
        if response.status == 200 and text_of(body, "balance"):
            return Balance(amount=text_of(body, "balance"), currency=text_of(body, "currency"))
        said = answer_text(body.get("message"))
        return Balance(detail=said or f"HTTP {response.status}: no balance in the answer")

    def parse_receipts(self, call: WebhookCall) -> list[Receipt]:
        """Read a status callback; our own id is `m` in the query of its address."""
        form = read_fields(call)
        word = form.get("MessageStatus") or form.get("SmsStatus", "")
        if word in INBOUND or not word:
            return []
        state, code = STATES.get(word), form.get("ErrorCode", "")
        return [
            Receipt(
                provider_message_id=form["MessageSid"],
                message_id=parse_qs(urlsplit(call.url).query).get("m", [""])[0],
                state=state,
                error=receipt_code(code) if state in FAILURES else None,
                raw_word=word,
                raw_code=code,
            )
        ]

    def parse_inbound(self, call: WebhookCall) -> list[InboundMessage]:
        """Read a text from a person; `keyword` is Twilio's own STOP, START or HELP."""
        form = read_fields(call)
        if form.get("SmsStatus", "") not in INBOUND and "Body" not in form:
            return []
        media = range(min(count_of(form.get("NumMedia")), _MOST_MEDIA))
        return [
            InboundMessage(
                provider_message_id=form["MessageSid"],
                sender=form.get("From", ""),
                to=form.get("To", ""),
                body=form.get("Body", ""),
                media=tuple(
                    form[f"MediaUrl{place}"] for place in media if form.get(f"MediaUrl{place}")
                ),
                keyword=form.get("OptOutType", "").upper(),
            )
        ]

    def verify(self, call: WebhookCall) -> None:
        """Check the signature.

        Raises:
            WebhookError: it is missing or wrong, or the settings lack the secret to check with.
        """
        algorithm = algorithm_of(call)
        secret = self.settings.auth_token
        if algorithm != SHA1 and self.settings.signing_secret is not None:
            secret = self.settings.signing_secret
        if secret is None:
            raise WebhookError(
                "this account has no auth_token, so no signature can be checked",
                hint="Twilio signs with the auth token, also when requests use an API key",
            )
        check_signature(call, self._reveal(secret), algorithm)
