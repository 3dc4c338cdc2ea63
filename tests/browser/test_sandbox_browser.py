"""The phone pages in a real browser: see a text, answer as the customer, say STOP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from chromium import DARK, DESKTOP, PHONE, browser, findings, opened
from demo_desk import running_demo


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser, or a skipped test."""
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def sandbox(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `sms-notify sandbox --demo`, with a desk of its own behind it."""
    with running_demo(tmp_path_factory.mktemp("demo")) as told:
        yield str(told["sandbox"]["url"])


def test_a_customer_reads_answers_and_says_stop(chromium: Any, sandbox: str) -> None:
    page, trouble = opened(chromium, f"{sandbox}/")
    page.get_by_role("link", name="+6591230001").click()
    thread = page.get_by_role("log")
    thread.get_by_text("order DO-1001 has arrived").wait_for()
    thread.get_by_text("delivered").first.wait_for()
    assert "segment" in thread.inner_text()

    page.get_by_label("Your answer").fill("Thank you <b>very</b> much 😀")
    page.get_by_role("button", name="Send").click()
    thread.get_by_text("Thank you <b>very</b> much 😀").wait_for()

    page.get_by_role("button", name="STOP", exact=True).click()
    thread.get_by_text("STOP", exact=True).wait_for()

    # The desk took every call: it checked the signature or the token, and kept what it was told.
    page.get_by_role("link", name="Bad day").click()
    rows = page.locator("#calls tr", has_text="text from a person")
    rows.nth(1).wait_for()
    rows.filter(has_text="answered 200").nth(1).wait_for()
    assert rows.filter(has_not_text="answered 200").count() == 0
    assert trouble == []
    page.context.close()


def test_the_desk_answers_a_customer(chromium: Any, sandbox: str) -> None:
    page, trouble = opened(chromium, f"{sandbox}/phones/6591230009")
    page.get_by_role("log").get_by_text("We have collected DO-1009").wait_for()
    page.get_by_label("Your answer").fill("HELP")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("log").get_by_text("our people read it here").wait_for()
    assert trouble == []
    page.context.close()


def test_a_plan_is_walked_by_typing_on_the_phone(chromium: Any, sandbox: str) -> None:
    page, trouble = opened(chromium, f"{sandbox}/phones/6591230010")
    thread = page.get_by_role("log")
    thread.get_by_text("DO-1010").first.wait_for()
    for typed, answered in (
        ("Hello!", "Reply QUOTE for 10 % off"),
        ("quote please", "Your code is TEN. Reply BUY to order."),
        ("BUY", "Thank you!"),
    ):
        page.get_by_label("Your answer").fill(typed)
        page.get_by_role("button", name="Send").click()
        thread.get_by_text(answered, exact=False).last.wait_for()
    assert trouble == []
    page.context.close()


def test_from_the_text_to_the_rating_to_the_alarm(chromium: Any, sandbox: str) -> None:
    """A rule's text on the phone, its link, two stars, and the alarm on the staff's phone."""
    phone, trouble = opened(chromium, f"{sandbox}/phones/6591230001", **PHONE)
    text = phone.get_by_role("log").locator("article", has_text="order DO-1001 has arrived")
    link = text.get_by_role("link")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/t/\w{22}", link.get_attribute("href"))
    link.click()  # as a customer taps it: the page takes the place of the text
    trouble.clear()  # another address than the sandbox's: that of the desk
    phone.get_by_role("heading", name="Delivered").wait_for()
    assert "Acme Logistics" in phone.inner_text("header")
    assert "Mei Tan" in phone.inner_text("main")
    goods = phone.get_by_role("group", name="The goods and the service")
    goods.get_by_role("radio", name="2 of 5 stars").check()
    phone.get_by_label("Anything to add?").fill("A dent <here>")
    phone.get_by_role("button", name="Send the rating").click()
    phone.get_by_text("Thank you for your rating").wait_for()

    staff, _ = opened(chromium, f"{sandbox}/phones/6591230000")
    staff.get_by_role("log").get_by_text("Rating 2 for DO-1001: A dent <here>").wait_for()
    for page in (phone, staff):
        page.context.close()


def test_a_page_follows_what_happens_elsewhere(chromium: Any, sandbox: str) -> None:
    watching, trouble = opened(chromium, f"{sandbox}/phones/6591230002")
    watching.get_by_role("log").get_by_text("DO-1002").wait_for()
    watching.get_by_label("Your answer").fill("half a sentence")
    acting, _ = opened(chromium, f"{sandbox}/phones/6591230002")
    acting.get_by_label("Your answer").fill("Is anybody there?")
    acting.get_by_role("button", name="Send").click()
    watching.get_by_role("log").get_by_text("Is anybody there?").wait_for()
    # What somebody is typing stays as it is.
    assert watching.get_by_label("Your answer").input_value() == "half a sentence"
    acting.get_by_role("button", name="Phone off").click()
    watching.locator("#status").get_by_text("off", exact=True).wait_for()
    assert trouble == []
    watching.context.close()
    acting.context.close()


def test_everything_works_without_javascript(chromium: Any, sandbox: str) -> None:
    page, trouble = opened(chromium, f"{sandbox}/phones/6591230003", java_script_enabled=False)
    page.get_by_label("Your answer").fill("no script here")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("log").get_by_text("no script here").wait_for()
    page.get_by_role("button", name="Number gone").click()
    page.get_by_role("button", name="Number is back").click()
    page.goto(f"{sandbox}/faults")
    share = page.get_by_role("spinbutton", name="429")
    share.fill("10")
    share.press("Enter")
    assert share.input_value() == "10"
    page.get_by_role("button", name="End the bad day").click()
    assert share.input_value() == "0"
    assert trouble == []
    page.context.close()


@pytest.mark.parametrize("path", ["/", "/phones/6591230001", "/faults", "/phones/nobody"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", [{}, DARK], ids=["light", "dark"])
def test_nothing_keeps_anybody_out(
    chromium: Any, sandbox: str, path: str, width: Any, scheme: Any
) -> None:
    page, _ = opened(chromium, f"{sandbox}{path}", **width, **scheme)
    page.locator("main h1").wait_for()
    assert findings(page) == []
    is_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(is_wide), "the page is wider than the screen"
    page.context.close()
