"""Every address of `serve`, looked at as a stranger's scanner would: headers, odd paths."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from smsnotify.base.clock import Clock
from smsnotify.engine.api_keys import hash_key, make_key
from smsnotify.store.conversation_batch import NewLink
from smsnotify.store.open import open_store
from smsnotify.web.app import ROUTES, create_app
from smsnotify.wiring.loading import Sources
from smsnotify.wiring.models import ServeSettings

sys.path.append(str(Path(__file__).parent.parent / "web"))

from tracking_desk import MEI, TRACKED, Desk, desk
from web_desk import write_desk

_VALUES = {"account": "main", "token": "A" * 22, "name": "tracking.css"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@pytest.fixture
def made(tmp_path: Path, sqlite_url: str, clock: Clock) -> Iterator[Desk]:
    sources = Sources(config=write_desk(tmp_path), database=sqlite_url)
    with open_store(sqlite_url) as store:
        key = make_key()
        assert store.add_key("test", hash_key(key), clock())
        tracked = TRACKED + "proof = true\ndriver_name = true\n"
        with desk(store, sources, clock, key, tracked=tracked) as opened:
            yield opened


def path_of(route: Any) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: _VALUES.get(found[1], "x"), route.path)


def faults(answer: Any) -> list[str]:
    """Return what a passive scan would report of an answer."""
    headers = answer.headers
    policy = headers.get("content-security-policy", "")
    kind = headers.get("content-type", "")
    wrong = {
        "nosniff": headers.get("x-content-type-options") != "nosniff",
        "no policy": "default-src 'none'" not in policy,
        "may be framed": "frame-ancestors 'none'" not in policy and "sandbox" not in policy,
        "inline or evaluated scripts": "script-src" in policy and "unsafe" in policy,
        "any origin": re.search(r"(^|[\s;])(\*|https?:)([\s;]|$)", policy) is not None,
        "referrer": headers.get("referrer-policy") not in ("no-referrer", "same-origin"),
        "opener": headers.get("cross-origin-opener-policy") != "same-origin",
        "resource policy": headers.get("cross-origin-resource-policy") != "same-origin",
        "robots": "noindex" not in headers.get("x-robots-tag", ""),
        "powers": "geolocation=()" not in headers.get("permissions-policy", ""),
        "tells the server": "server" in headers or "x-powered-by" in headers,
        "open to other sites": "access-control-allow-origin" in headers,
        "kept by others": "no-store" not in headers.get("cache-control", "")
        and "private" not in headers.get("cache-control", "")
        and not headers.get("cache-control", "").startswith("public, max-age"),
        "no charset": kind.startswith("text/html") and "charset=utf-8" not in kind.lower(),
        "markup that is guessed": not kind and bool(answer.content),
    }
    for cookie in headers.get_list("set-cookie"):
        flags = cookie.lower()
        wrong[f"cookie {cookie.partition('=')[0]}"] = not (
            "httponly" in flags and "samesite" in flags and "secure" in flags
        )
    return [name for name, found in wrong.items() if found]


def test_no_answer_of_any_address_is_without_its_headers(made: Desk) -> None:
    made.happens("completed")
    token = made.store.opt_out_token(MEI)
    made.store.add_links(
        [NewLink(token=token, kind="opt_out", recipient=MEI)], made.serving.clock()
    )
    paths = {path_of(route) for route in ROUTES} | {made.page(), f"/o/{token}", "/", "/nowhere"}
    for path in sorted(paths):
        for method in METHODS:
            answer = made.client.request(method, path)
            assert answer.status_code < 500, (method, path)
            assert faults(answer) == [], (method, path, answer.headers)


def test_an_error_of_ours_says_nothing_and_has_its_headers(
    made: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> bytes:
        raise RuntimeError("secret of the program")

    monkeypatch.setattr(made.serving.metrics, "exposed", fail)
    # It is raised again for the server's log, after the answer.
    transport = httpx.ASGITransport(create_app(made.serving), raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as client:
            return await client.get("/metrics")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["error"]) == (500, "internal")
    assert "secret" not in answer.text
    assert faults(answer) == []


@pytest.mark.parametrize(
    "name",
    [
        "../app.py",
        "..%2Fapp.py",
        "%2e%2e%2f%2e%2e%2fapp.py",
        "..%5Capp.py",
        "%252e%252e%252fapp.py",
        "....//app.py",
        "tracking.css%00.png",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "logo/../../sms-notify.toml",
        "",
    ],
)
def test_nothing_but_the_pages_own_files_is_given_out(made: Desk, name: str) -> None:
    answer = made.client.get(f"/t/static/{name}")
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert "public_url" not in answer.text


@pytest.mark.parametrize(
    "path",
    ["//evil.example/", "/%2F%2Fevil.example", "/t//evil.example", "/t/%5Cevil.example", "/\\evil"],
)
def test_no_answer_leads_to_another_site(made: Desk, path: str) -> None:
    for method in ("GET", "POST"):
        answer = made.client.request(
            method,
            path,
            headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
            data={"next": "//evil.example"} if method == "POST" else None,
        )
        assert "evil" not in answer.headers.get("location", "")
        assert answer.status_code in (403, 404, 405)


def test_a_rating_leads_back_to_its_own_page_whatever_the_host_says(made: Desk) -> None:
    made.happens("completed")
    page = made.page()
    form = {"proof": made.proof(page), "goods": "5", "next": "https://evil.example"}
    answer = made.client.post(page, data=form, headers={"X-Forwarded-Host": "evil.example"})
    assert answer.status_code == 303
    assert answer.headers["location"] == page.removeprefix("/t/")


def test_nobody_sees_or_rates_with_the_link_of_another(made: Desk) -> None:
    """A link is of one job and one person: neither says anything of another."""
    made.happens("completed", number="DO-1", deliver_to_collect_from="Mei")
    first = made.page()
    made.happens("completed", number="DO-2", deliver_to_collect_from="Ravi")
    second = made.page()
    assert "DO-2" not in made.client.get(first).text
    assert "DO-1" not in made.client.get(second).text
    assert made.rate(first, goods="1", comment="only mine").status_code == 303
    assert "only mine" not in made.client.get(second).text
    for query in ("?job=DO-2", "?token=" + second[3:]):
        assert "DO-2" not in made.client.get(first + query).text


def test_who_guesses_links_is_stopped_and_nobody_else(made: Desk) -> None:
    made.happens("completed")
    page = made.page()
    settings = made.serving.loaded.settings
    trusting = settings.model_copy(update={"serve": ServeSettings(trusted_proxies=("127.0.0.1",))})
    made.serving.swap(
        msgspec.structs.replace(made.serving.loaded, settings=trusting), settings_too=True
    )
    guesser = {"X-Forwarded-For": "8.8.8.8"}
    paths = [f"/t/{'A' * 21}{n % 10}" if n % 2 else f"/o/x{n}" for n in range(70)]
    answers = [made.client.get(path, headers=guesser).status_code for path in paths]
    assert answers == [404] * 60 + [429] * 10
    for path in (page, f"/o/{'A' * 22}"):
        for method in ("GET", "POST"):
            stopped = made.client.request(method, path, headers=guesser)
            assert stopped.status_code == 429
            assert stopped.headers["retry-after"] == "600"
    # A header of the guesser's own is no way round, and others come and go.
    forged = {"X-Forwarded-For": "9.9.9.9, 8.8.8.8"}
    assert made.client.get(page, headers=forged).status_code == 429
    assert made.client.get(page, headers={"X-Forwarded-For": "9.9.9.9"}).status_code == 200
