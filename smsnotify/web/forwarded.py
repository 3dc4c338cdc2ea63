"""Who really called: what a proxy tells, as far as it is one that is trusted.

Anybody can write a header. So each hop's word about the hop before it counts only if that hop is
trusted itself: from our end of the chain, the first address that is not trusted is the caller.
One kind of header is read, the one that the proxy writes (`[serve] forwarded`): a proxy passes the
other kind on as its caller wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from smsnotify.web.state import Serving
from smsnotify.wiring.models import Forwarding, ServeSettings

Headers = Iterable[tuple[bytes, bytes]]
_Address = IPv4Address | IPv6Address

_MOST_HOPS: Final = 50
_PAIR: Final = re.compile(
    # Looked for where a pair may begin: anywhere, it would take a long word's length squared.
    r'(?:^|;)\s*([!#$%&\'*+.^_`|~\w-]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]*)',
    re.ASCII,
)
_SCHEMES: Final = frozenset({"http", "https"})


class _Hop(NamedTuple):
    """What a proxy says of who called it: an address as it was written, and how it was called."""

    address: str
    scheme: str


class Trust:
    """The proxies that are trusted, and the header that they write."""

    def __init__(self, settings: ServeSettings) -> None:
        """With no proxies, callers are whoever is at the other end of the line."""
        self._networks = [ip_network(one) for one in settings.trusted_proxies]
        self._kind = settings.forwarded

    def caller(self, peer: str, headers: Headers) -> tuple[str, str]:
        """Return the caller's address and scheme; the scheme is `''` where nobody trusted says it.

        `peer` is the other end of the line.
        """
        if not self._networks and ":" not in peer:
            return peer, ""
        address = _read_address(peer)
        if address is None or not self._trusts(address):
            return (str(address) if address is not None else peer), ""
        found, scheme = address, ""
        for hop in reversed(_hops(self._kind, headers)[-_MOST_HOPS:]):
            scheme = hop.scheme or scheme
            told = _read_address(hop.address)
            if told is None:
                break  # `unknown`, `_hidden`, nonsense: what lies behind it is not known
            found = told
            if not self._trusts(told):
                break
        return str(found), scheme

    def _trusts(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)


def with_caller(app: ASGIApp, serving: Serving) -> ASGIApp:
    """Return the application with the real caller and scheme in the scope of each request."""
    made: tuple[object, Trust] = (None, Trust(ServeSettings()))

    async def found(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal made
        if scope["type"] == "http" and scope.get("client"):
            settings = serving.loaded.settings.serve
            if made[0] is not settings:
                made = (settings, Trust(settings))
            host, port = scope["client"]
            address, scheme = made[1].caller(host, scope["headers"])
            scope["client"] = (address, port if address == host else 0)
            scope["scheme"] = scheme or scope["scheme"]
        await app(scope, receive, send)

    return found


def network_of(host: str) -> str:
    """Return an address without what tells one household from the next: /24, /48 for IPv6."""
    address = _read_address(host)
    if address is None:
        return ""
    return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))


def _hops(kind: Forwarding, headers: Headers) -> Sequence[_Hop]:
    """Return the hops that the headers tell of, the farthest first."""
    if kind is Forwarding.RFC_7239:
        return [_read_element(one) for one in _values(headers, b"forwarded")]
    addresses = _values(headers, b"x-forwarded-for")
    schemes = [_scheme(one) for one in _values(headers, b"x-forwarded-proto")]
    if len(schemes) != len(addresses):
        # Most proxies say it once, for the whole way: the last one's word.
        schemes = [""] * (len(addresses) - 1) + (schemes[-1:] or [""])
    return [_Hop(*pair) for pair in zip(addresses, schemes, strict=False)]


def _values(headers: Headers, name: bytes) -> list[str]:
    """Return what stands between the commas of a header, of all its lines."""
    line = ",".join(value.decode("latin-1") for found, value in headers if found == name)
    return [value for one in _split(line) if (value := one.strip())]


def _split(line: str) -> list[str]:
    """Split at commas that are not in quotes."""
    if '"' not in line:
        return line.split(",")
    parts, quoted, start = [], False, 0
    for place, sign in enumerate(line):
        if sign == '"' and line[place - 1 : place] != "\\":
            quoted = not quoted
        elif sign == "," and not quoted:
            parts.append(line[start:place])
            start = place + 1
    # A caller who opens a quote and leaves it open must not swallow what the proxy wrote behind it.
    return line.split(",") if quoted else [*parts, line[start:]]


def _read_element(element: str) -> _Hop:
    """Read one element of RFC 7239: `for="[2001:db8::1]:4711";proto=https`."""
    pairs = {name.lower(): value for name, value in _PAIR.findall(element)}
    return _Hop(_unquoted(pairs.get("for", "")), _scheme(_unquoted(pairs.get("proto", ""))))


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _scheme(written: str) -> str:
    scheme = written.lower()
    return scheme if scheme in _SCHEMES else ""


def _read_address(written: str) -> _Address | None:
    """Read an address, with a port or without; an IPv4 address in IPv6's clothes is IPv4."""
    host = written.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address in _MAPPED:
        return address.ipv4_mapped
    return address


_MAPPED: Final = IPv6Network("::ffff:0:0/96")
