"""The tracking page in a real browser: rate by mouse, by keyboard, without a script."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import DARK, DESKTOP, PHONE, browser, findings, opened

import smsnotify
from smsnotify.base.clock import system_clock
from smsnotify.engine.api_keys import hash_key, make_key
from smsnotify.store.open import open_store

ROOT = Path(smsnotify.__file__).parent.parent
RULES = """
version: 1
rules:
  - name: done
    events: [out_for_delivery, completed]
    to: {fields: [phone_number]}
    body: "{{ do_number }}"
  - name: alarm
    events: [feedback]
    where: {goods_service_rating: {lte: 2}}
    to: {fixed: ["+6598765432"]}
    tracking_link: none
    body: "{{ do_number }}: {{ goods_service_rating }}. {{ customer_feedback | default('-') }}"
"""
SETTINGS = """
country = "SG"
timezone = "Asia/Singapore"
public_url = "https://notify.example.test"
database = "sqlite:///desk.db"

[tracking]
enabled = true
brand = "Acme"
contact = "tel:+6561234567"
fields = ["do_number", "deliver_to_collect_from", "time_window", "live_eta"]
driver_name = true
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser, or a skipped test."""
    with browser() as started:
        yield started


class Desk:
    """A running `serve`."""

    def __init__(self, url: str, database: str, key: str) -> None:
        self.url, self.database, self.key = url, database, key

    def happens(self, number: str, name: str, **more: Any) -> str:
        """Post an event; return the page's address."""
        today = system_clock().date().isoformat()
        job = {
            "do_number": number,
            "date": today,
            "phone_number": "+6591230000",
            "deliver_to_collect_from": "محمد",
            "time_window": "10:00 to 12:00",
            "assign_to": "Tan",
            **more,
        }
        told = json.dumps({"event": name, "job": job}).encode()
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self.url}/v1/events", told, headers)
        with urllib.request.urlopen(asked, timeout=20) as answer:
            assert answer.status == 200
        found = [body for body in self.bodies() if body.startswith(f"{number}\n")]
        match = re.search(r"/t/\w{22}$", found[-1])
        assert match
        return f"{self.url}{match[0]}"

    def bodies(self) -> list[str]:
        """Return the texts so far, the oldest first."""
        from smsnotify.store.outbox import Wanted

        with open_store(self.database) as store:
            return [one.body for one in reversed(store.list_messages(Wanted(), None))]


@pytest.fixture(scope="module")
def desk(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk that is served."""
    folder = tmp_path_factory.mktemp("tracked")
    (folder / "sms-notify.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "sms-notify.toml").chmod(0o600)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    database, key = f"sqlite:///{folder / 'desk.db'}", make_key()
    with open_store(database) as store:
        store.add_key("test", hash_key(key), system_clock())
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    env.pop("SMS_NOTIFY_CONFIG", None)
    command = [sys.executable, "-m", "smsnotify", "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as started:
        assert started.stdout is not None
        url = ""
        for line in started.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                url = found[0]
                break
        assert url
        yield Desk(url, database, key)
        started.terminate()
        assert started.wait(20) == 0


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_two_stars_alarm_the_staff(chromium: Any, desk: Desk, script: bool) -> None:
    number = f"DO-{int(script)}"
    page, trouble = opened(
        chromium, desk.happens(number, "completed"), java_script_enabled=script, **PHONE
    )
    goods = page.get_by_role("group", name="The goods and the service")
    goods.get_by_role("radio", name="2 of 5 stars").check()
    page.get_by_label("Anything to add?").fill("It <b>leaks</b>")
    page.get_by_role("button", name="Send the rating").click()
    page.get_by_text("Thank you for your rating").wait_for()
    page.get_by_role("blockquote").get_by_text("It <b>leaks</b>").wait_for()
    assert f"{number}: 2. It <b>leaks</b>" in desk.bodies()
    assert trouble == []
    page.context.close()


def test_the_status_follows(chromium: Any, desk: Desk) -> None:
    url = desk.happens("DO-7", "out_for_delivery")
    page, trouble = opened(chromium, url)
    page.get_by_role("heading", name="On the vehicle").wait_for()
    assert desk.happens("DO-7", "completed") == url
    # Looking at it again asks at once.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.get_by_role("heading", name="Delivered").wait_for()
    page.get_by_role("button", name="Send the rating").wait_for()
    assert trouble == []
    page.context.close()


@pytest.mark.parametrize("path", ["on the way", "over", "gone"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", [{}, DARK], ids=["light", "dark"])
def test_nothing_keeps_anybody_out(
    chromium: Any, desk: Desk, path: str, width: Any, scheme: Any
) -> None:
    if path == "gone":
        url = f"{desk.url}/t/{'A' * 22}"
    else:
        name = "completed" if path == "over" else "out_for_delivery"
        url = desk.happens(f"DO-{name}", name)
    page, _ = opened(chromium, url, **width, **scheme)
    page.locator("main h1").wait_for()
    assert findings(page) == []
    is_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(is_wide), "the page is wider than the screen"
    page.context.close()


@pytest.mark.parametrize("scheme", [{}, DARK], ids=["light", "dark"])
def test_a_page_from_right_to_left(chromium: Any, desk: Desk, scheme: Any) -> None:
    number = "+6591230077"
    with open_store(desk.database) as store:
        store.set_contact(number, system_clock(), language="ar")
    page, trouble = opened(
        chromium, desk.happens("DO-77", "completed", phone_number=number), **PHONE, **scheme
    )
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert page.locator("html").get_attribute("lang") == "ar"
    # The page begins at the right edge, and what is written from left to right stays so.
    heading = page.locator("main h1").bounding_box()
    assert heading["x"] + heading["width"] > 300
    assert page.locator("dd", has_text="DO-77").get_attribute("dir") == "auto"
    assert findings(page) == []
    page.get_by_role("radio").nth(4).check()
    page.get_by_role("button").click()
    page.locator("#rated").wait_for()
    assert findings(page) == []
    assert trouble == []
    page.context.close()


def test_the_first_view_is_small_and_quick(chromium: Any, desk: Desk) -> None:
    """Under 30 kB, and under a second of server and transfer on a 3G line.

    300 ms there and back and 1.6 Mbit/s: what https://docs.webpagetest.org calls 3G.
    """
    url = desk.happens("DO-3G", "completed")
    context = chromium.new_context(**PHONE)
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    slow = {"latency": 300, "downloadThroughput": 200_000, "uploadThroughput": 96_000}
    line.send("Network.emulateNetworkConditions", {"offline": False, **slow})
    received: list[float] = []
    line.on("Network.loadingFinished", lambda told: received.append(told["encodedDataLength"]))
    page.goto(url, wait_until="networkidle")
    assert 0 < sum(received) < 30_000
    ends = "performance.getEntries().map(entry => entry.responseEnd || 0)"
    assert 300 < max(page.evaluate(ends)) < 1000
    context.close()
