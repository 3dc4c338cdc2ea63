"""What stands around every door: headers, packing, the access log, and who called."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tracking_desk import Desk, desk
from web_desk import SETTINGS, Caller, write_desk

from smsnotify.base.clock import Clock
from smsnotify.store.store import Store
from smsnotify.web.app import create_app
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load, read_settings


@pytest.fixture
def made(store: Store, sources: Sources, clock: Clock, key: str) -> Iterator[Desk]:
    with desk(store, sources, clock, key) as opened:
        yield opened


GZIP = {"Accept-Encoding": "br, gzip;q=0.8"}
PLAIN = {"Accept-Encoding": "identity"}


def test_longer_pages_are_packed_for_who_asks(made: Desk) -> None:
    made.happens("out_for_delivery")
    page = made.page()
    plain = made.client.get(page, headers=PLAIN)
    packed = made.client.get(page, headers=GZIP)
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Language, Accept-Encoding"
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert packed.text == plain.text
    assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
    for tag in (packed.headers["etag"], plain.headers["etag"]):
        again = made.client.get(page, headers=GZIP | {"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    never = made.client.get(page, headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in never.headers


def test_what_holds_a_strangers_words_is_never_packed(made: Desk) -> None:
    made.happens("completed")
    page = made.page()
    wrong = made.client.post(
        page, data={"proof": made.proof(page), "goods": "9", "comment": "x" * 900}, headers=GZIP
    )
    assert wrong.status_code == 400
    assert "x" * 900 in wrong.text
    assert "content-encoding" not in wrong.headers
    assert "content-encoding" not in made.client.get("/t/" + "A" * 22, headers=GZIP).headers


def test_style_script_and_figures_are_packed_and_kept(made: Desk) -> None:
    for path in ("/t/static/tracking.css", "/openapi.json", "/metrics"):
        packed = made.client.get(path, headers=GZIP)
        assert packed.headers["content-encoding"] == "gzip", path
    style = made.client.get("/t/static/tracking.css", headers=PLAIN)
    tag = {"If-None-Match": style.headers["etag"]}
    same = made.client.get("/t/static/tracking.css", headers=tag)
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["cache-control"] == style.headers["cache-control"]
    assert made.client.get("/t/static/tracking.js", headers=tag).status_code == 200


def test_a_page_that_did_not_change_keeps_its_own_headers(made: Desk) -> None:
    made.happens("out_for_delivery")
    page = made.page()
    tag = {"If-None-Match": made.client.get(page).headers["etag"]}
    same = made.client.get(page, headers=tag)
    # They would replace those of the page that the browser kept.
    assert set(same.headers) <= {"etag", "cache-control", "vary"}


@pytest.fixture
def lines(serving: Serving) -> Iterator[tuple[Caller, list[str]]]:
    written: list[str] = []
    serving.access_log = True
    client = Caller(create_app(serving, log_access=written.append))
    yield client, written
    client.close()


def test_the_access_log_holds_nothing_of_anybody(lines: tuple[Caller, list[str]]) -> None:
    client, written = lines
    token = "A1b2C3d4E5f6G7h8I9j0K1"
    client.get(f"/t/{token}?phone=+6591230000")
    client.post(f"/hooks/main/{token}", content=b"{}")
    client.get("/nowhere/+6591230000")
    client.get("/healthz")
    told: list[dict[str, Any]] = [json.loads(line) for line in written]
    assert [(one["method"], one["route"], one["status"]) for one in told] == [
        ("GET", "/t/{token}", 404),
        ("POST", "/hooks/{account}/{token:path}", 401),
        ("GET", "-", 404),
        ("GET", "/healthz", 200),
    ]
    assert all(set(one) == set(told[0]) and one["bytes"] > 0 for one in told)
    assert token not in "".join(written)
    assert "91230000" not in "".join(written)
    assert {one["client"] for one in told} == {"127.0.0.0/24"}


def test_no_line_is_written_that_nobody_wants(serving: Serving) -> None:
    written: list[str] = []
    client = Caller(create_app(serving, log_access=written.append))
    client.get("/healthz")
    client.close()
    assert written == []


def test_settings_that_change_count_at_once(serving: Serving, sources: Sources) -> None:
    written: list[str] = []
    client = Caller(create_app(serving, log_access=written.append))
    assert sources.config is not None
    more = '\n[serve]\naccess_log = true\ntrusted_proxies = ["127.0.0.1"]\n'
    write_desk(sources.config.parent, SETTINGS + more)
    serving.swap(load(read_settings(sources), sources), settings_too=True)
    secure = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto": "https"}
    answer = client.get("/healthz", headers=secure)
    assert json.loads(written[0])["client"] == "203.0.113.0/24"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in client.get("/healthz").headers
    client.close()


def test_a_packed_answer_is_whole(made: Desk) -> None:
    answer = made.client.request("HEAD", "/openapi.json", headers=GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    whole = made.client.get("/openapi.json", headers=PLAIN)
    packed = gzip.compress(whole.content, 5, mtime=0)
    assert answer.headers["content-length"] == str(len(packed))
