"""The console in a real browser: log in, find, answer as a clerk, try a rule, be locked out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from chromium import DARK, DESKTOP, PHONE, browser, findings, opened
from demo_desk import running_demo

CUSTOMER = "6591230010"
PAGES = (
    "/console",
    "/console/messages",
    "/console/messages?q=DO-1005",
    "/console/replies?which=all",
    "/console/contacts",
    f"/console/contacts/of?who=%2B{CUSTOMER}",
    "/console/jobs?day=2026-03-02",
    "/console/jobs/of?name=DO-1005",
    "/console/plans",
    "/console/plans/of?name=quote",
    "/console/rules",
    "/console/rules/of?id=delivered",
    "/console/silences",
    "/console/accounts",
    "/console/changes",
    "/console/own",
    "/console/messages/nothing",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser, or a skipped test."""
    with browser() as started:
        yield started


class Desk:
    """The demo: phones on one side, the console of their desk on the other."""

    def __init__(self, phones: str, console: dict[str, str]) -> None:
        self.phones = phones
        self.console = console["url"]
        self.base = self.console.removesuffix("/console")
        self.name, self.password = console["name"], console["password"]


@pytest.fixture(scope="module")
def desk(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The demo with a customer who wrote and waits for an answer."""
    with running_demo(tmp_path_factory.mktemp("demo")) as told:
        made = Desk(told["sandbox"]["url"], told["console"])
        write(chromium, made, "Where is my parcel? <b>hurry</b>")
        yield made


def write(chromium: Any, desk: Desk, text: str) -> None:
    """Write as the customer, on the phone."""
    page, _ = opened(chromium, f"{desk.phones}/phones/{CUSTOMER}")
    page.get_by_role("log").get_by_text("DO-1010").first.wait_for()
    page.get_by_label("Your answer").fill(text)
    page.get_by_role("button", name="Send").click()
    page.get_by_role("log").get_by_text(text).wait_for()
    page.context.close()


def log_in(page: Any, desk: Desk, password: str = "") -> None:
    """Fill the form and send it."""
    page.get_by_label("Name").fill(desk.name)
    page.get_by_label("Password").fill(password or desk.password)
    page.get_by_role("button", name="Log in").click()


@pytest.fixture(scope="module")
def session(chromium: Any, desk: Desk) -> Any:
    """The cookies of the clerk."""
    page, _ = opened(chromium, desk.console)
    log_in(page, desk)
    page.get_by_role("heading", name="Today").wait_for()
    state = page.context.storage_state()
    page.context.close()
    return state


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_clerk_finds_somebody_and_answers(
    chromium: Any, desk: Desk, session: Any, script: bool
) -> None:
    page, trouble = opened(
        chromium, desk.console, storage_state=session, java_script_enabled=script
    )
    page.get_by_role("searchbox", name="Find a number, a job or a message").fill(f"+{CUSTOMER}")
    page.get_by_role("button", name="Find").click()
    thread = page.get_by_role("log")
    thread.get_by_text("Where is my parcel? <b>hurry</b>").wait_for()
    answer = f"It comes at noon ({'with' if script else 'without'} script) 😀"
    page.get_by_label("Your answer").fill(answer)
    page.get_by_role("button", name="Send the answer").click()
    page.get_by_role("status").get_by_text("Your answer is queued").wait_for()
    phone, _ = opened(chromium, f"{desk.phones}/phones/{CUSTOMER}")
    phone.get_by_role("log").get_by_text(answer).wait_for()
    page.goto(f"{desk.base}/console/changes")
    page.get_by_role("cell", name="reply answer").first.wait_for()
    assert trouble == []
    phone.context.close()
    page.context.close()


def test_messages_are_searched_without_loading_the_page(
    chromium: Any, desk: Desk, session: Any
) -> None:
    page, trouble = opened(chromium, f"{desk.base}/console/messages", storage_state=session)
    page.evaluate("window.mark = 1")
    page.get_by_label("Rule", exact=True).select_option("collected")
    rows = page.locator("#found tbody tr")
    rows.filter(has_text="heading-to").first.wait_for(state="detached")
    rows.filter(has_text="We have collected").first.wait_for()
    assert page.evaluate("window.mark") == 1
    assert "rule=collected" in page.url
    assert trouble == []
    page.context.close()


def test_a_rule_is_tried_while_one_types(chromium: Any, desk: Desk, session: Any) -> None:
    page, trouble = opened(chromium, f"{desk.base}/console/rules", storage_state=session)
    page.evaluate("window.mark = 1")
    job = {
        "do_number": "DO-9",
        "type": "Delivery",
        "group_name": "North",
        "phone_number": "+6591230055",
    }
    page.get_by_label("JSON in any form").fill(json.dumps({"event": "completed", "job": job}))
    page.locator("#tried").get_by_text("order DO-9 has arrived").wait_for()
    assert re.search(r"\d segments? GSM7", page.locator("#tried").inner_text())
    assert page.evaluate("window.mark") == 1
    assert trouble == []
    page.context.close()


def test_a_drawing_is_shown(chromium: Any, desk: Desk, session: Any) -> None:
    page, trouble = opened(
        chromium, f"{desk.base}/console/plans/of?name=quote", storage_state=session
    )
    picture = page.get_by_role("img", name="Drawing of the steps")
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") > 100
    assert trouble == []
    page.context.close()


@pytest.mark.parametrize("look", [DESKTOP, {**PHONE, **DARK}], ids=["light desktop", "dark phone"])
def test_nothing_keeps_anybody_out(chromium: Any, desk: Desk, session: Any, look: Any) -> None:
    page, trouble = opened(chromium, f"{desk.base}/console/login", **look)
    page.get_by_role("heading", name="sms-notify").wait_for()
    found = {"/console/login": findings(page)}
    page.context.close()
    page, trouble = opened(chromium, desk.console, storage_state=session, **look)
    is_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    for path in PAGES:
        page.goto(f"{desk.base}{path}")
        page.locator("main h1").first.wait_for()
        found[path] = findings(page) + (["wider than the screen"] if page.evaluate(is_wide) else [])
    assert {path: told for path, told in found.items() if told} == {}
    assert [line for line in trouble if "404" not in line] == []
    page.context.close()


def test_a_wrong_password_is_locked_out(chromium: Any, desk: Desk) -> None:
    page, _ = opened(chromium, desk.console)
    for _ in range(5):
        log_in(page, desk, "not the password")
        page.get_by_role("alert").get_by_text("do not belong together").wait_for()
    log_in(page, desk)
    page.get_by_role("alert").get_by_text("Too many tries").wait_for()
    assert page.get_by_role("navigation").count() == 0
    page.context.close()
