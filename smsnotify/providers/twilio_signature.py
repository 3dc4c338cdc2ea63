"""How Twilio signs its webhook calls, and how its forms are read.

Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security (read August 2026); the SHA-256
variant is seen in Twilio's own Python package since 9.13.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

from smsnotify.base.errors import WebhookError
from smsnotify.providers.base import WebhookCall

SHA1: Final = "HMAC_SHA1"
SHA256: Final = "HMAC_SHA256"

_DIGESTS: Final[dict[str, Callable[..., Any]]] = {SHA1: hashlib.sha1, SHA256: hashlib.sha256}
_ADDRESS: Final = re.compile(r"(?i)(https?)://([^/?#]*)([^#]*)")
_MOST_FIELDS: Final = 1000


def algorithm_of(call: WebhookCall) -> str:
    """Return the algorithm that the settings header names; without one HMAC_SHA1.

    The header: `X-Twilio-Webhooks-Signature-Settings: key=<id>,algorithm=HMAC_SHA256`.

    Raises:
        WebhookError: an algorithm that we do not know.
    """
    header = call.headers.get("x-twilio-webhooks-signature-settings", "")
    for part in header.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            algorithm = value.strip().upper()
            if algorithm not in _DIGESTS:
                raise WebhookError("the call is signed with an algorithm that we do not know")
            return algorithm
    return SHA1


def check_signature(call: WebhookCall, secret: str, algorithm: str = SHA1) -> None:
    """Check a call against its `X-Twilio-Signature`.

    Raises:
        WebhookError: the signature is missing or wrong, or the body is not the signed one.
    """
    offered = call.headers.get("x-twilio-signature", "").strip()
    if not offered:
        raise WebhookError("the signature is missing")
    fields = _signed_fields(call)
    expected = [sign(url, fields, secret, algorithm) for url in _spellings(call.url)]
    given = offered.encode("utf-8", "replace")
    matches = [hmac.compare_digest(given, one.encode()) for one in expected]
    if not any(matches):
        raise WebhookError(
            "the signature is wrong",
            hint="public_url must be the address that Twilio calls, and auth_token the account's",
        )


def sign(url: str, fields: Iterable[tuple[str, str]], secret: str, algorithm: str = SHA1) -> str:
    """Return the signature of an address and the fields of a form.

    Distinct (name, value) pairs are appended to the address in code-point order, without any
    separator.
    """
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    mac = hmac.new(secret.encode(), text.encode("utf-8", "surrogatepass"), _DIGESTS[algorithm])
    return base64.b64encode(mac.digest()).decode()


def _signed_fields(call: WebhookCall) -> list[tuple[str, str]]:
    """Return what is signed beside the address: nothing for GET, nor for a body with its hash."""
    if call.method.upper() == "GET":
        return []
    if is_form(call):
        return read_form(call)
    hashes = parse_qs(urlsplit(call.url).query).get("bodySHA256", [])
    digest = hashlib.sha256(call.body).hexdigest()
    if not hashes or not hmac.compare_digest(hashes[0].lower().encode(), digest.encode()):
        raise WebhookError("the body is not the one that was signed")
    return []


def _spellings(url: str) -> tuple[str, str]:
    """Return the address without a port and with one: Twilio is not consistent."""
    found = _ADDRESS.match(url)
    if not found:
        return url, url
    scheme, host, rest = found.groups()
    bare = re.sub(r":\d*$", "", host)
    port = host[len(bare) :].lstrip(":") or ("443" if scheme.lower() == "https" else "80")
    return f"{scheme}://{bare}{rest}", f"{scheme}://{bare}:{port}{rest}"


def is_form(call: WebhookCall) -> bool:
    """Say whether the body is a form; a call that does not say is one."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("", "application/x-www-form-urlencoded")


def read_form(call: WebhookCall) -> list[tuple[str, str]]:
    """Read the form, blank fields and repeated ones too; for GET the address's query.

    Raises:
        WebhookError: more fields than any webhook has.
    """
    written = (
        urlsplit(call.url).query
        if call.method.upper() == "GET"
        else call.body.decode("utf-8", "replace")
    )
    try:
        return list(_fields(written))
    except ValueError:
        raise WebhookError("the form has too many fields") from None


@lru_cache(maxsize=2)
def _fields(written: str) -> tuple[tuple[str, str], ...]:
    """Read a form once: its proof, its receipts and its texts are asked for one after the other."""
    return tuple(parse_qsl(written, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
