"""8x8 SMS API (formerly Wavecell).

Docs: https://developer.8x8.com/connect/reference/send-sms-single,
https://developer.8x8.com/connect/docs/delivery-receipts-for-outbound-sms,
https://developer.8x8.com/connect/docs/inbound-sms (read July 2026). An account lives in one
region. There is no idempotency key: two equal requests are two texts.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import quote, urlencode

import msgspec
from pydantic import Field, StringConstraints, field_validator

from smsnotify.base.errors import WebhookError
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.model.message import (
    ErrorWord,
    InboundMessage,
    OutboundMessage,
    Outcome,
    Receipt,
    Result,
)
from smsnotify.providers.adapter import HttpAdapter
from smsnotify.providers.answers import (
    answer_text,
    by_status,
    json_object,
    read_iso_instant,
    refused_check,
    retry_after_s,
    table_of,
    text_of,
)
from smsnotify.providers.base import (
    AccountSettings,
    Balance,
    Capabilities,
    CheckResult,
    LookupAnswer,
    LookupResult,
    Price,
    SecretField,
    WebhookCall,
)
from smsnotify.providers.eight_x_eight_codes import TRANSIENT_RECEIPT_CODES
from smsnotify.providers.eight_x_eight_payloads import (
    INBOUND_EVENT,
    RECEIPT_EVENT,
    decimal,
    payloads,
    read_batch,
    read_entry,
    read_receipt,
    read_refusal,
    tables,
    with_plus,
)

_HOSTS: Final = {
    "apac": "https://sms.8x8.com",
    "na": "https://sms.us.8x8.com",
    "eu": "https://sms.8x8.uk",
    "id": "https://sms.8x8.id",
}


class EightXEightSettings(AccountSettings):
    """`[accounts.NAME]` with `provider = "8x8"`.

    `account_id` is only for balance and prices. `webhook_token` is the static Authorization
    value of the webhook, or the last part of the hook's path.
    """

    provider: Literal["8x8"] = "8x8"
    api_key: SecretField
    subaccount_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-._&]{3,50}$")]
    account_id: str | None = Field(default=None, min_length=1, max_length=64)
    region: Literal["apac", "na", "eu", "id"] = "apac"

    @field_validator("sender")
    @classmethod
    def _sender_fits(cls, sender: str | None) -> str | None:
        return sender if sender is None else _fitting_sender(sender)

    @field_validator("senders", mode="after")
    @classmethod
    def _senders_fit(cls, senders: dict[str, str]) -> dict[str, str]:
        return {country: _fitting_sender(sender) for country, sender in senders.items()}


def _fitting_sender(sender: str) -> str:
    """Hold to the strictest of the documented limits: 11 for words, 16 for numbers."""
    digits = sender.removeprefix("+")
    if digits.isascii() and digits.isdigit():
        if 3 <= len(sender) <= 16:
            return sender
        raise ValueError("8x8 takes a number as sender with 3 to 16 characters, the + included")
    if len(sender) <= 11 and sender.isascii() and sender.replace(" ", "").isalnum():
        return sender
    raise ValueError("8x8 takes a word as sender with at most 11 letters, digits and spaces")


_NOBODY: Final = "00000000-0000-0000-0000-000000000000"


class EightXEight(HttpAdapter[EightXEightSettings]):
    """The adapter for 8x8."""

    name: ClassVar[str] = "8x8"
    title: ClassVar[str] = "8x8 (Wavecell)"
    docs: ClassVar[str] = "https://developer.8x8.com/connect/reference"
    local: ClassVar[bool] = False
    # A batch may hold 10,000; ours are small, because a lost answer leaves a whole batch unknown.
    capabilities: ClassVar[Capabilities] = Capabilities(
        batch=250,
        lookup_by_id=True,
        lookups_per_second=1.0,
        receipts=True,
        inbound=True,
        balance=True,
        prices=True,
        max_segments=10,
        max_characters=1530,
    )
    settings_type: ClassVar[type[AccountSettings]] = EightXEightSettings

    def build_request(self, messages: Sequence[OutboundMessage]) -> HttpRequest:
        """Build one send, or a batch that asks for the result of each message."""
        body: dict[str, object]
        if len(messages) == 1:
            path, body = "messages", self._entry(messages[0])
        else:
            path = "messages/batch"
            body = {
                "messages": [self._entry(message) for message in messages],
                "includeMessagesInResponse": True,
            }
        return HttpRequest(
            method="POST",
            url=self._subaccount_url(path),
            headers=self._json_headers,
            body=msgspec.json.encode(body),
        )

    def _entry(self, message: OutboundMessage) -> dict[str, object]:
        entry: dict[str, object] = {
            "destination": message.recipient,
            "text": message.body,
            "encoding": message.encoding if message.encoding in ("GSM7", "UCS2") else "AUTO",
            "clientMessageId": message.id,
        }
        if message.sender:
            entry["source"] = message.sender
        if message.expires_at is not None:
            expiry = message.expires_at.astimezone(UTC)
            entry["expiry"] = expiry.isoformat(timespec="seconds")
        if message.callback_url:
            entry["dlrCallbackUrl"] = self._callback(message.callback_url)
        return entry

    def _callback(self, url: str) -> str:
        """Add the token: whether 8x8 sends its static header to this address is not documented."""
        if self.settings.webhook_token is None:
            return url
        token = self._reveal(self.settings.webhook_token)
        ending = "/" + (token if self._masked else quote(token, safe=""))
        return url if url.endswith(ending) else url.rstrip("/") + ending

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._reveal(self.settings.api_key)}",
            "Accept": "application/json",
        }

    @cached_property
    def _json_headers(self) -> dict[str, str]:
        return self._headers() | {"Content-Type": "application/json"}

    def _subaccount_url(self, path: str) -> str:
        subaccount = quote(self.settings.subaccount_id, safe="&")
        return f"{self._root}/api/v1/subaccounts/{subaccount}/{path}"

    def _account_url(self, path: str) -> str:
        return (
            f"{self._root}/api/v1/accounts/{quote(self.settings.account_id or '', safe='')}/{path}"
        )

    @property
    def _root(self) -> str:
        return self.settings.base_url or _HOSTS[self.settings.region]

    def parse_response(
        self, messages: Sequence[OutboundMessage], response: HttpResponse
    ) -> list[Outcome]:
        """Read the answer: HTTP 200 is no proof, each message has a status of its own."""
        body = json_object(response.body)
        if not 200 <= response.status < 300 or body is None:
            return self._refused(messages, response, body or {})
        if len(messages) == 1 and "messages" not in body:
            return [read_entry(messages[0], body, response)]
        return read_batch(messages, body, response)

    def _refused(
        self,
        messages: Sequence[OutboundMessage],
        response: HttpResponse,
        body: dict[str, Any],
    ) -> list[Outcome]:
        result, error = read_refusal(response, body)
        if self.must_split(messages, response):
            result = Result.RETRY
        return [
            Outcome(
                message_id=message.id,
                result=result,
                error=error,
                raw_code=text_of(body, "code"),
                raw_text=answer_text(body.get("message")),
                http_status=response.status,
                retry_after_s=retry_after_s(response.headers) if result is Result.RETRY else None,
            )
            for message in messages
        ]

    def must_split(self, messages: Sequence[OutboundMessage], response: HttpResponse) -> bool:
        """Say that one message may have spoiled the batch: only the account's faults are all's."""
        if len(messages) < 2 or 200 <= response.status < 300:
            return False
        result, error = read_refusal(response, json_object(response.body) or {})
        account_is_at_fault = error in (ErrorWord.BAD_CREDENTIALS, ErrorWord.NO_CREDIT)
        return result is Result.REJECTED and not account_is_at_fault

    def is_transient(self, raw_code: str) -> bool:
        """Say whether a receipt's error code is temporary by nature."""
        return raw_code in TRANSIENT_RECEIPT_CODES

    def build_check(self) -> HttpRequest:
        """Look up a message that cannot exist: "not found" proves key and sub-account."""
        return HttpRequest(
            method="GET", url=self._subaccount_url(f"messages/{_NOBODY}"), headers=self._headers()
        )

    def parse_check(self, response: HttpResponse) -> CheckResult:
        """Read the answer: a message unknown to 8x8 means that we are known."""
        body = json_object(response.body) or {}
        code = text_of(body, "code")
        known = response.status == 200 and "umid" in body
        if known or (response.status in (400, 404) and code in ("1000", "1008", "1300")):
            return CheckResult(
                ok=True,
                detail=f"sub-account {self.settings.subaccount_id} answers",
                http_status=response.status,
            )
        return refused_check(response, answer_text(body.get("message")))

    def build_lookup(
        self, message: OutboundMessage, provider_message_id: str = ""
    ) -> HttpRequest | None:
        """Ask by `umid`; 8x8 has no search by our id, so without a `umid` None."""
        if not provider_message_id:
            return None
        path = f"messages/{quote(provider_message_id, safe='')}"
        return HttpRequest(method="GET", url=self._subaccount_url(path), headers=self._headers())

    def parse_lookup(
        self,
        message: OutboundMessage,
        response: HttpResponse,
        *,
        provider_message_id: str = "",
        started_at: datetime | None = None,
    ) -> LookupResult:
        """Read one message's details."""
        body = json_object(response.body)
        if response.status == 200 and body is not None and isinstance(body.get("status"), dict):
            return LookupResult(answer=LookupAnswer.FOUND, candidates=(read_receipt(body),))
        if response.status == 404 and body is not None and text_of(body, "code") == "1300":
            return LookupResult(answer=LookupAnswer.ABSENT, detail="not found")
        return LookupResult(
            answer=LookupAnswer.UNCLEAR,
            retry_after_s=retry_after_s(response.headers),
            error=by_status(response.status)[1],
            detail=answer_text((body or {}).get("message")) or f"HTTP {response.status}",
        )

    def build_balance(self) -> HttpRequest | None:
        """Ask for the prepaid balance; None without `account_id`."""
        if not self.settings.account_id:
            return None
        return HttpRequest(method="GET", url=self._account_url("balance"), headers=self._headers())

    def parse_balance(self, response: HttpResponse) -> Balance:
        """Read the balance; an account that is not prepaid has none (403, code 1201)."""
        body = json_object(response.body) or {}
        if response.status == 200 and text_of(body, "balance"):
            return Balance(amount=decimal(body["balance"]), currency=text_of(body, "currency"))
        said = answer_text(body.get("message"))
        return Balance(detail=said or f"HTTP {response.status}: no balance in the answer")

    def build_prices(self, country: str = "") -> HttpRequest | None:
        """Ask for the outbound prices of our sub-account; None without `account_id`."""
        if not self.settings.account_id:
            return None
        asked = {"direction": "outbound", "subAccountId": self.settings.subaccount_id}
        if country:
            asked["country"] = country
        url = f"{self._account_url('prices')}?{urlencode(asked)}"
        return HttpRequest(method="GET", url=url, headers=self._headers())

    def parse_prices(self, response: HttpResponse) -> list[Price]:
        """Read the price of every operator; empty when the answer holds none."""
        body = json_object(response.body) or {}
        if response.status != 200:
            return []
        mine = [
            account
            for account in tables(body.get("subAccounts"))
            if text_of(account, "subAccountId") in ("", self.settings.subaccount_id)
        ]
        return [
            Price(
                country=text_of(country, "alpha2Code"),
                operator=text_of(operator, "operatorName"),
                amount=decimal(table_of(operator, "price")["amount"]),
                currency=text_of(table_of(operator, "price"), "currency"),
            )
            for account in mine
            # The page shows one object where the schema says a list.
            for outbound in tables(account.get("outbound"))
            for country in tables(outbound.get("countries"))
            for operator in tables(country.get("operators"))
            if text_of(table_of(operator, "price"), "amount")
        ]

    def parse_receipts(self, call: WebhookCall) -> list[Receipt]:
        """Read receipts; `eventType` says whether the call holds any."""
        return [read_receipt(payload) for payload in payloads(call, RECEIPT_EVENT)]

    def parse_inbound(self, call: WebhookCall) -> list[InboundMessage]:
        """Read texts from people; `eventType` says whether the call holds any."""
        return [
            InboundMessage(
                provider_message_id=text_of(payload, "umid"),
                sender=with_plus(text_of(payload, "source")),
                to=with_plus(text_of(payload, "destination")),
                body=text_of(payload, "body"),
                at=read_iso_instant(payload.get("timestamp")),
            )
            for payload in payloads(call, INBOUND_EVENT)
        ]

    def verify(self, call: WebhookCall) -> None:
        """Compare the Authorization value or the path's last part with `webhook_token`.

        8x8 signs nothing. `Bearer TOKEN` is taken as well as the bare token.

        Raises:
            WebhookError: no token is set for the account, or the call has none or a wrong one.
        """
        if self.settings.webhook_token is None:
            raise WebhookError(
                "this account has no webhook_token, so nothing can be told apart from a forgery",
                hint="set webhook_token and give 8x8 the same value as Authorization",
            )
        token = self._reveal(self.settings.webhook_token).encode()
        header = call.headers.get("authorization", "")
        offered = (header, header.removeprefix("Bearer "), call.path_token)
        matches = [hmac.compare_digest(text.encode("utf-8", "replace"), token) for text in offered]
        if not any(matches):
            missing = not header and not call.path_token
            raise WebhookError("the token is missing" if missing else "the token is wrong")
