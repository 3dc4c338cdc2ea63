"""Requests and responses as values, so that adapters need no client."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request to be carried by whoever has a network. Header names as they are sent."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came back. Header names in lower case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""
