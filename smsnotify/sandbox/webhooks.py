"""The calls that a provider makes to our hooks: receipts, and texts from people.

Pure: an address, headers and a body are made here; `caller.py` carries them.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from smsnotify.model.http import HttpRequest
from smsnotify.model.message import MessageState
from smsnotify.providers.eight_x_eight_payloads import INBOUND_EVENT, RECEIPT_EVENT
from smsnotify.providers.twilio_signature import sign
from smsnotify.sandbox.texts import Account, Speech, Text, Trouble

TWILIO_WORDS: Final = {
    MessageState.ACCEPTED: "queued",
    MessageState.SENT: "sent",
    MessageState.DELIVERED: "delivered",
    MessageState.UNDELIVERED: "undelivered",
    MessageState.FAILED: "failed",
    MessageState.CANCELLED: "canceled",
    MessageState.READ: "read",
}
TWILIO_TROUBLES: Final = {
    Trouble.OFF: (30003, "Unreachable destination handset"),
    Trouble.GONE: (30005, "Unknown destination handset"),
    Trouble.EXPIRED: (30036, "Validity Period Expired"),
}
EIGHT_WORDS: Final = {
    MessageState.ACCEPTED: "queued",
    MessageState.SENT: "sent",
    MessageState.DELIVERED: "delivered",
    MessageState.UNDELIVERED: "undelivered",
    MessageState.FAILED: "rejected",
    MessageState.CANCELLED: "rejected",
    MessageState.READ: "read",
}
EIGHT_TROUBLES: Final = {
    Trouble.OFF: (1, "Absent subscriber"),
    Trouble.GONE: (59, "Unknown subscriber"),
    Trouble.EXPIRED: (36, "SMS expired"),
}
PRICE: Final = 0.04
"""What a segment costs here, in a currency that nobody can pay with by mistake."""

CURRENCY: Final = "USD"
_VERSION: Final = "2010-04-01"


def receipt(text: Text, account: Account) -> HttpRequest | None:
    """Return the call that tells the present state of a text; None: nobody wants to know.

    Twilio tells nothing of a first state, and nothing at all without an auth token to sign with.
    """
    url = text.callback_url or account.hook
    if not url:
        return None
    if text.speech is Speech.EIGHT:
        return _eight(url, account, RECEIPT_EVENT, "receipt", eight_receipt(text))
    word = TWILIO_WORDS[text.state]
    fields = {
        "SmsSid": text.id,
        "SmsStatus": word,
        "MessageStatus": word,
        "To": text.phone,
        "MessageSid": text.id,
        "AccountSid": text.account,
        "From": text.ours,
        "ApiVersion": _VERSION,
    }
    if text.service:
        fields["MessagingServiceSid"] = text.service
    if text.trouble is not None:
        code, told = TWILIO_TROUBLES[text.trouble]
        fields |= {"ErrorCode": str(code), "ErrorMessage": told}
    if text.state in (MessageState.DELIVERED, MessageState.UNDELIVERED):
        fields["RawDlrDoneDate"] = f"{text.updated_at:%y%m%d%H%M}"
    return _twilio(url, account, fields)


def inbound(text: Text, account: Account) -> HttpRequest | None:
    """Return the call that brings a person's text; None: there is no hook for it."""
    if not account.hook:
        return None
    if text.speech is Speech.EIGHT:
        payload = {
            "umid": text.id,
            "subAccountId": text.account,
            "timestamp": eight_time(text.created_at),
            "source": text.phone,
            "destination": text.ours,
            "body": text.body,
            "encoding": text.size.encoding.value,
            "smsCount": text.size.segments,
            "price": {"total": 0.0, "perSms": 0.0, "currency": CURRENCY},
        }
        return _eight(account.hook, account, INBOUND_EVENT, "inbound", payload)
    fields = {
        "ToCountry": "",
        "ToState": "",
        "SmsMessageSid": text.id,
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "",
        "SmsSid": text.id,
        "FromState": "",
        "SmsStatus": "received",
        "FromCity": "",
        "Body": text.body,
        "FromCountry": "",
        "To": text.ours,
        "ToZip": "",
        "NumSegments": str(text.size.segments),
        "MessageSid": text.id,
        "AccountSid": text.account,
        "From": text.phone,
        "ApiVersion": _VERSION,
    }
    if text.service:
        fields["MessagingServiceSid"] = text.service
    return _twilio(account.hook, account, fields)


def eight_status(text: Text) -> dict[str, Any]:
    """Return `status` as 8x8's receipts and look-ups have it."""
    status: dict[str, Any] = {
        "state": EIGHT_WORDS[text.state],
        "timestamp": eight_time(text.updated_at),
    }
    if text.state is MessageState.DELIVERED:
        status["detail"] = "delivered_to_recipient"
    if text.trouble is not None:
        code, told = EIGHT_TROUBLES[text.trouble]
        unknown = text.trouble is Trouble.GONE
        status["detail"] = "rejected_by_operator" if unknown else "undelivered_to_recipient"
        status |= {"errorCode": code, "errorMessage": told}
    return status


def eight_price(text: Text) -> dict[str, Any]:
    """Return `price` as 8x8 writes it."""
    per_sms = 0.0 if text.inbound else PRICE
    return {
        "total": round(per_sms * text.size.segments, 4),
        "perSms": per_sms,
        "currency": CURRENCY,
    }


def eight_receipt(text: Text) -> dict[str, Any]:
    """Return the payload of a receipt."""
    payload: dict[str, Any] = {"umid": text.id}
    optional = {
        "batchId": text.batch_id,
        "clientMessageId": text.client_id,
        "clientBatchId": text.client_batch_id,
    }
    payload |= {name: value for name, value in optional.items() if value}
    payload |= {
        "subAccountId": text.account,
        "source": text.ours,
        "destination": text.phone,
        "status": eight_status(text),
        "smsCount": text.size.segments,
    }
    if text.state in (MessageState.SENT, MessageState.DELIVERED):
        payload["price"] = eight_price(text)
    return payload


def eight_time(at: datetime) -> str:
    """Write an instant as 8x8 does."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 10000:02d}Z"


def _eight(
    url: str, account: Account, event: str, told: str, payload: dict[str, Any]
) -> HttpRequest:
    headers = {"Content-Type": "application/json"}
    if account.webhook_token:
        headers["Authorization"] = account.webhook_token
    envelope = {"namespace": "SMS", "eventType": event, "description": told, "payload": payload}
    return HttpRequest(method="POST", url=url, headers=headers, body=msgspec.json.encode(envelope))


def _twilio(url: str, account: Account, fields: dict[str, str]) -> HttpRequest | None:
    if not account.auth_token:
        return None
    address = url.partition("#")[0]
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": sign(address, fields.items(), account.auth_token),
        "I-Twilio-Idempotency-Token": base64.b16encode(secrets.token_bytes(16)).decode().lower(),
        "User-Agent": "TwilioProxy/1.1",
    }
    return HttpRequest(method="POST", url=address, headers=headers, body=urlencode(fields).encode())
