"""The console's door: who is let in, what every answer carries, whose forms are taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from console_desk import CONSOLE_HEADERS, WORDS, Person, at_the_desk
from web_desk import Caller, rows

from smsnotify.base.clock import Clock
from smsnotify.model.user import Role
from smsnotify.store.store import Store
from smsnotify.web.console.routes import ROUTES
from smsnotify.web.state import Serving

PAGES = sorted(
    route.path
    for route in ROUTES
    if "GET" in (route.methods or ()) and "{" not in route.path and route.path != "/console/login"
)


@pytest.fixture
def visitor(serving: Serving, cheap: None) -> Iterator[Person]:
    """Somebody who is not logged in; the desk has a clerk and a viewer."""
    with at_the_desk(serving) as person:
        yield person


def test_nobody_sees_a_page_without_a_login(visitor: Person) -> None:
    assert len(PAGES) > 3
    for path in PAGES:
        answer = visitor.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/console/login"), path


def test_without_users_the_door_says_how_to_make_one(client: Caller) -> None:
    answer = client.get("/console/login")
    assert "sms-notify users add" in answer.text
    assert 'name="password"' not in answer.text


def test_who_knows_the_password_comes_in(visitor: Person) -> None:
    answer = visitor.log_in("clerk")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    page = visitor.get("/console")
    assert page.status_code == 200
    assert "Today" in page.text
    assert "clerk" in page.text


def test_every_page_is_there_for_a_viewer(visitor: Person) -> None:
    visitor.log_in("viewer")
    for path in PAGES:
        answer = visitor.get(path)
        # Pages about one thing say that there is none; plans name what is wrong with the name.
        assert answer.status_code in (200, 303, 400, 404), path
        assert "Log out" in answer.text or answer.status_code == 303, path
        assert "/console/login" not in answer.headers.get("location", ""), path


def test_every_answer_carries_the_headers(visitor: Person) -> None:
    answers = [visitor.get("/console/login"), visitor.get("/console"), visitor.log_in("clerk")]
    answers += [visitor.get(path) for path in PAGES]
    answers += [visitor.get("/console/messages/nothing"), visitor.post("/console/logout", {})]
    for answer in answers:
        for name, value in CONSOLE_HEADERS.items():
            assert answer.headers[name] == value


def test_the_cookie_is_for_browsers_and_https_alone(visitor: Person) -> None:
    answer = visitor.log_in("clerk")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if "Max-Age=43200" in one)
    assert cookie.startswith("__Host-sms-notify=")
    for part in ("HttpOnly", "Path=/", "SameSite=lax", "Secure"):
        assert part in cookie


def test_a_session_is_never_one_that_the_browser_brought(visitor: Person, store: Store) -> None:
    visitor.cookies["__Host-sms-notify"] = "a" * 43
    before = visitor.cookies | {}
    visitor.log_in("clerk")
    assert visitor.cookies["__Host-sms-notify"] not in before.values()
    (session,) = rows(store, "sessions")
    assert session["hash"] not in visitor.cookies.values()
    first = visitor.cookies["__Host-sms-notify"]
    visitor.log_in("clerk")
    assert visitor.cookies["__Host-sms-notify"] != first


def test_wrong_names_and_passwords_look_alike(visitor: Person) -> None:
    answers = [
        visitor.log_in("clerk", "wrong horse battery"),
        visitor.log_in("nobody", WORDS),
        visitor.log_in("clerk", ""),
    ]
    told = {re.search(r'role="alert">([^<]+)<', answer.text)[1] for answer in answers}  # type: ignore[index]
    assert len(told) == 1
    assert {answer.status_code for answer in answers} == {403}
    assert visitor.get("/console").status_code == 303


def test_too_many_wrong_passwords_lock_out(visitor: Person) -> None:
    for _ in range(5):
        assert visitor.log_in("clerk", "wrong horse battery").status_code == 403
    answer = visitor.log_in("clerk")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "900"
    assert "Wait 15 minutes" in answer.text
    assert visitor.log_in("viewer").status_code == 303


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example/console",
        "/\\evil.example",
        "\\\\evil.example",
        "/console.evil.example",
        "/consolex",
        "/console/../metrics",
        "javascript:alert(1)",
        "/console\r\nSet-Cookie: a=b",
        "console",
        "//[",
        "",
    ],
)
def test_a_login_leads_nowhere_else(visitor: Person, wanted: str) -> None:
    assert visitor.get(f"/console/login?next={quote(wanted)}").status_code == 200
    assert visitor.log_in("clerk", next=wanted).headers["location"] == "/console"


def test_a_login_leads_back_to_what_was_asked_for(visitor: Person) -> None:
    asked = visitor.get("/console/messages?q=DO-1&state=sent")
    door = visitor.get(asked.headers["location"])
    wanted = re.search(r'name="next" value="([^"]+)"', door.text)
    assert wanted
    assert wanted[1] == "/console/messages?q=DO-1&amp;state=sent"
    answer = visitor.log_in("clerk", next="/console/messages?q=DO-1&state=sent")
    assert answer.headers["location"] == "/console/messages?q=DO-1&state=sent"


def test_a_login_form_of_another_browser_is_not_taken(visitor: Person) -> None:
    form = {"name": "clerk", "password": WORDS, "proof": visitor.proof("/console/login")}
    visitor.cookies.clear()
    assert visitor.post("/console/login", form).status_code == 403
    assert visitor.get("/console").status_code == 303


def test_the_cookie_before_the_door_opens_nothing(visitor: Person) -> None:
    visitor.get("/console/login")
    visitor.cookies["__Host-sms-notify"] = visitor.cookies["__Host-sms-notify-door"]
    assert visitor.get("/console").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_not_taken(visitor: Person, headers: dict[str, str]) -> None:
    visitor.log_in("clerk")
    form = {"proof": visitor.proof("/console")}
    assert visitor.post("/console/logout", form, headers=headers).status_code == 403
    assert visitor.get("/console").status_code == 200
    origin = {"Origin": "https://notify.example.test", "Sec-Fetch-Site": "same-origin"}
    assert visitor.post("/console/logout", form, headers=origin).status_code == 303


def test_a_form_without_its_proof_is_not_taken(visitor: Person) -> None:
    visitor.log_in("clerk")
    mine = visitor.proof("/console")
    with at_the_desk(visitor.serving) as other:
        other.log_in("viewer")
        theirs = other.proof("/console")
    for proof in ("", "00", mine[:-2], theirs):
        assert visitor.post("/console/logout", {"proof": proof}).status_code == 403
    assert visitor.post("/console/logout", {"proof": mine}).status_code == 303


def test_who_logs_out_is_out_everywhere_with_that_cookie(visitor: Person) -> None:
    visitor.log_in("clerk")
    kept = dict(visitor.cookies)
    visitor.post("/console/logout", {"proof": visitor.proof("/console")})
    visitor.cookies.update(kept)
    assert visitor.get("/console").status_code == 303


def test_a_session_is_over_after_its_time(visitor: Person, serving: Serving, now: datetime) -> None:
    visitor.log_in("clerk")
    serving.clock = lambda: now + timedelta(hours=1, minutes=59)
    assert visitor.get("/console/live").status_code == 200, "a page that asks by itself"
    serving.clock = lambda: now + timedelta(hours=2)
    assert visitor.get("/console").status_code == 303, "keeps nobody logged in"


def test_htmx_is_sent_to_the_door(visitor: Person) -> None:
    answer = visitor.get("/console/live", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/console/login")


def test_ones_own_password_can_be_changed(visitor: Person) -> None:
    visitor.log_in("viewer")

    def change(**fields: str) -> Any:
        return visitor.post("/console/own", {"proof": visitor.proof("/console/own"), **fields})

    fresh = "another horse, quite"
    assert change(old=WORDS, password=fresh, again="different").status_code == 400
    assert change(old="wrong", password=fresh, again=fresh).status_code == 403
    assert change(old=WORDS, password="short", again="short").status_code == 400
    assert change(old=WORDS, password=fresh, again=fresh).status_code == 303
    assert visitor.get("/console").status_code == 200
    visitor.cookies.clear()
    assert visitor.log_in("viewer").status_code == 403
    assert visitor.log_in("viewer", fresh).status_code == 303


def test_a_viewer_changes_nothing(visitor: Person, store: Store) -> None:
    visitor.log_in("viewer")
    before = len(rows(store, "audit"))
    posts = [route.path for route in ROUTES if "POST" in (route.methods or ())]
    allowed = {"/console/login", "/console/logout", "/console/own", "/console/rules/try"}
    assert set(posts) > allowed - {"/console/rules/try"}
    for path in set(posts) - allowed:
        answer = visitor.post(re.sub(r"\{[^}]+\}", "x", path), {"proof": visitor.proof("/console")})
        assert answer.status_code == 403, path
        assert "change nothing" in answer.text
    assert len(rows(store, "audit")) == before


def test_a_role_that_is_taken_away_is_gone_at_once(visitor: Person, store: Store) -> None:
    visitor.log_in("clerk")
    user = store.find_user("clerk")
    assert user is not None
    store.set_role(user[0], Role.VIEWER, store.list_changes()[0])
    answer = visitor.post("/console/messages/x/retry", {"proof": visitor.proof("/console")})
    assert answer.status_code == 403


def test_files_are_kept_by_browsers_and_change_their_address(visitor: Person) -> None:
    page = visitor.get("/console/login").text
    paths = re.findall(r'(?:href|src)="(/console/static/[^"]+)"', page)
    assert paths
    for path in paths:
        answer = visitor.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        again = visitor.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
    for path in ("/console/static/../../app.py", "/console/static/htmx.LICENSE"):
        assert visitor.get(path).status_code == 404


def test_a_console_that_is_off_is_not_there(serving: Serving, client: Caller) -> None:
    settings = serving.loaded.settings
    off = settings.model_copy(
        update={"console": settings.console.model_copy(update={"enabled": False})}
    )
    serving.swap(msgspec.structs.replace(serving.loaded, settings=off), settings_too=False)
    for path in ("/console", "/console/login", "/console/static/console.css"):
        assert client.get(path).status_code == 404
    for path in ("/console/login", "/console/logout"):
        assert client.post(path).status_code == 404


def test_a_database_that_is_gone_is_told(
    visitor: Person, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smsnotify.base.errors import StoreUnavailableError

    visitor.log_in("clerk")

    def broken(*args: object, **more: object) -> Any:
        raise StoreUnavailableError("the disk is gone")

    monkeypatch.setattr(Store, "report_figures", broken)
    assert visitor.get("/console").status_code == 503
    monkeypatch.setattr(Store, "find_session", broken)
    answer = visitor.get("/console")
    assert answer.status_code == 503
    assert "the disk" not in answer.text


def test_no_script_style_or_picture_comes_from_elsewhere(visitor: Person) -> None:
    visitor.log_in("clerk")
    for path in PAGES:
        page = visitor.get(path).text
        for address in re.findall(r'(?:src|href|action|hx-[a-z]+)="([^"]*)"', page):
            assert "//" not in address.split("?")[0], (path, address)
        assert " style=" not in page, path
        assert not re.search(r"\son[a-z]+=", page), path


def test_the_served_console_lets_a_clerk_in_over_a_socket(
    serving: Serving, cheap: None, running: Any
) -> None:
    settings = serving.loaded.settings.model_copy(update={"public_url": ""})
    serving.swap(msgspec.structs.replace(serving.loaded, settings=settings), settings_too=False)
    with (
        at_the_desk(serving),
        running(delivering=False, ticking=False) as url,
        httpx.Client(base_url=url, follow_redirects=True) as browser,
    ):
        door = browser.get("/console")
        assert door.url.path == "/console/login"
        proof = re.search(r'name="proof" value="(\w+)"', door.text)
        assert proof
        form = {"name": "clerk", "password": WORDS, "proof": proof[1]}
        page = browser.post("/console/login", data=form)
        assert page.url.path == "/console"
        assert "Today" in page.text
        script = browser.get("/console/static/htmx.min.js", headers={"Accept-Encoding": "gzip"})
        assert script.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in page.headers, "a page holds what its reader typed"
