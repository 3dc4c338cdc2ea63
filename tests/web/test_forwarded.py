"""Who called, as far as a trusted proxy says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_desk import SETTINGS, write_desk

from smsnotify.base.errors import ConfigError
from smsnotify.web.forwarded import Trust, network_of
from smsnotify.wiring.loading import Sources, read_settings
from smsnotify.wiring.models import Forwarding, ServeSettings

PROXY, OTHER = "10.0.0.9", "10.0.0.8"
TRUST = Trust(ServeSettings(trusted_proxies=("10.0.0.0/8", "::1")))
RFC = Trust(ServeSettings(trusted_proxies=("10.0.0.0/8",), forwarded=Forwarding.RFC_7239))


def told(*values: str, scheme: str = "") -> list[tuple[bytes, bytes]]:
    headers = [(b"x-forwarded-for", value.encode()) for value in values]
    return headers + ([(b"x-forwarded-proto", scheme.encode())] if scheme else [])


@pytest.mark.parametrize(
    ("peer", "values", "caller"),
    [
        ("8.8.8.8", ["1.2.3.4"], "8.8.8.8"),  # nobody whose word counts
        (PROXY, [], PROXY),
        (PROXY, ["1.2.3.4"], "1.2.3.4"),
        (PROXY, ["6.6.6.6, 1.2.3.4"], "1.2.3.4"),  # what the caller wrote itself stands left
        (PROXY, ["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        (PROXY, [f"6.6.6.6, 1.2.3.4, {OTHER}"], "1.2.3.4"),
        (PROXY, [f"{OTHER}"], OTHER),
        (PROXY, ["1.2.3.4:5678"], "1.2.3.4"),
        (PROXY, ["2001:db8::1"], "2001:db8::1"),
        (PROXY, ["[2001:db8::1]:443"], "2001:db8::1"),
        (PROXY, ["::ffff:1.2.3.4"], "1.2.3.4"),
        (f"::ffff:{PROXY}", ["1.2.3.4"], "1.2.3.4"),
        ("::1", ["1.2.3.4"], "1.2.3.4"),
        (PROXY, ["1.2.3.4, unknown"], PROXY),  # what lies behind it, nobody trusted says
        (PROXY, [f"1.2.3.4, , {OTHER},"], "1.2.3.4"),
        (PROXY, ["<script>"], PROXY),
    ],
)
def test_the_first_that_is_not_trusted_is_the_caller(
    peer: str, values: list[str], caller: str
) -> None:
    assert TRUST.caller(peer, told(*values))[0] == caller


@pytest.mark.parametrize(
    ("peer", "values", "scheme", "found"),
    [
        (PROXY, ["1.2.3.4"], "https", "https"),
        ("8.8.8.8", ["1.2.3.4"], "https", ""),
        (PROXY, ["1.2.3.4"], "javascript", ""),
        (PROXY, [f"1.2.3.4, {OTHER}"], "https, http", "https"),
        (PROXY, [f"1.2.3.4, {OTHER}"], "https", "https"),
        (PROXY, ["6.6.6.6, 1.2.3.4"], "http, https", "https"),
    ],
)
def test_the_scheme_is_that_of_the_callers_own_hop(
    peer: str, values: list[str], scheme: str, found: str
) -> None:
    assert TRUST.caller(peer, told(*values, scheme=scheme))[1] == found


@pytest.mark.parametrize(
    ("written", "caller"),
    [
        ("for=1.2.3.4;proto=https;by=10.0.0.1", ("1.2.3.4", "https")),
        ('For="[2001:db8::1]:4711"; Proto=HTTPS', ("2001:db8::1", "https")),
        ("for=6.6.6.6, for=1.2.3.4;proto=http", ("1.2.3.4", "http")),
        (f"for=1.2.3.4;proto=https, for={OTHER};proto=http", ("1.2.3.4", "https")),
        ('for="a,b", for=1.2.3.4', ("1.2.3.4", "")),
        ("for=_hidden", (PROXY, "")),
        ("proto=https", (PROXY, "https")),
        ('for="1.2.3.4', (PROXY, "")),
        ('by="x;for=6.6.6.6";for=1.2.3.4', ("1.2.3.4", "")),
        ("a" * 60_000 + ", for=1.2.3.4", ("1.2.3.4", "")),
    ],
)
def test_rfc_7239_is_read_where_the_settings_say_so(written: str, caller: tuple[str, str]) -> None:
    headers = [(b"forwarded", written.encode()), *told("9.9.9.9", scheme="https")]
    assert RFC.caller(PROXY, headers) == caller


def test_the_header_that_the_proxy_does_not_write_is_not_read() -> None:
    headers = [(b"forwarded", b"for=6.6.6.6"), *told("1.2.3.4")]
    assert TRUST.caller(PROXY, headers)[0] == "1.2.3.4"
    assert TRUST.caller(PROXY, headers[:1])[0] == PROXY


@given(
    written=st.text(max_size=200) | st.text('for="\\,; 1.[]', max_size=30),
    real=st.ip_addresses(v=4).map(str).filter(lambda ip: not ip.startswith("10.")),
)
def test_nothing_that_a_caller_writes_hides_it(written: str, real: str) -> None:
    forged = written.encode("utf-8", "replace").replace(b"\n", b"")
    for trust, name, said in (
        (TRUST, b"x-forwarded-for", f"{real}"),
        (RFC, b"forwarded", f"for={real}"),
    ):
        headers = [(name, forged), (name, said.encode())]
        assert trust.caller(PROXY, headers)[0] == real
        joined = [(name, forged + b", " + said.encode())]
        assert trust.caller(PROXY, joined)[0] == real


def test_a_network_tells_no_household() -> None:
    assert network_of("203.0.113.77") == "203.0.113.0/24"
    assert network_of("2001:db8:1:2:3::4") == "2001:db8:1::/48"
    assert network_of("testclient") == ""


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('trusted_proxies = ["10.0.0.1/8"]', "the network is 10.0.0.0/8"),
        ('trusted_proxies = ["my-proxy"]', "such as 127.0.0.1 or 10.0.0.0/8"),
        ('forwarded = "both"', "forwarded"),
        ("workers = 2", "workers"),
    ],
)
def test_wrong_settings_are_told(tmp_path: Path, written: str, says: str) -> None:
    file = write_desk(tmp_path, f"{SETTINGS}\n[serve]\n{written}\n")
    with pytest.raises(ConfigError) as refused:
        read_settings(Sources(config=file))
    assert says in str(refused.value)
