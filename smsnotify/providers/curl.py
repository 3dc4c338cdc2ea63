"""A request as a curl command that a person can read, run and send to support."""

from __future__ import annotations

import base64
import shlex
from typing import Final

from smsnotify.model.http import HttpRequest
from smsnotify.providers.adapter import MASK

_SECRET_HEADERS: Final = frozenset({"authorization", "x-api-key", "proxy-authorization"})


def as_curl(request: HttpRequest, *, secrets_masked: bool = True) -> str:
    r"""Write a request as curl, one option a line.

    Secrets in headers are masked unless `secrets_masked` is False; a token inside an address or a
    body stays, so build the request with `masked=True` to show it. The form of the answer:

        curl -X POST 'https://sms.8x8.com/api/v1/…' \
          -H 'Authorization: Bearer ***' \
          --data '{"destination":"+6591230000"}'
    """
    words = [f"curl -X {request.method} {shlex.quote(request.url)}"]
    for name, value in request.headers.items():
        if secrets_masked and name.lower() in _SECRET_HEADERS:
            words.append(_masked(name, value))
        else:
            words.append(f"-H {shlex.quote(f'{name}: {value}')}")
    if request.body:
        words.append(f"--data-raw {shlex.quote(request.body.decode('utf-8', 'replace'))}")
    return " \\\n  ".join(words)


def _masked(name: str, value: str) -> str:
    """Keep the scheme, and the user of Basic: who calls is no secret, and helps."""
    scheme, _, credential = value.partition(" ")
    if scheme.lower() == "basic":
        try:
            user = base64.b64decode(credential, validate=True).decode().partition(":")[0]
        except ValueError:
            user = MASK
        return f"-u {shlex.quote(f'{user}:{MASK}')}"
    shown = f"{scheme} {MASK}" if credential else MASK
    return f"-H {shlex.quote(f'{name}: {shown}')}"
