"""Makes the pictures of the documentation, so that they show what the program shows.

    python docs/screenshots.py         needs `make browser` and a Chromium

Every picture is taken of `sms-notify sandbox --demo`, which this starts and ends.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

IMAGES: Final = Path(__file__).resolve().parent / "images"
CUSTOMER: Final = "6591230010"
SAYS: Final = (
    ("Hello!", "Reply QUOTE for 10 % off"),
    ("QUOTE", "Your code is TEN. Reply BUY to order."),
)
"""What the customer types, and what the desk answers."""

TRACKED: Final = "6591230001"
"""Whose text leads to the tracking page."""

ASKS: Final = "Can you leave it with the neighbour?"
ANSWERS: Final = "Yes, at number 14. The driver knows."
"""What the customer asks at the end, and what a clerk answers."""

_SIZE: Final = {"width": 1000, "height": 850}
_PHONE_SIZE: Final = {"width": 390, "height": 850}


@contextmanager
def demo() -> Iterator[dict[str, dict[str, Any]]]:
    """Run the demo; gives what it tells when it begins, by type."""
    command = [sys.executable, "-m", "smsnotify", "sandbox", "--demo", "--port", "0", "--json"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as started,
    ):
        assert started.stdout is not None
        try:
            told: dict[str, dict[str, Any]] = {}
            while "console" not in told:
                line = json.loads(started.stdout.readline())
                told[line["type"]] = line
            yield told
        finally:
            started.terminate()
            started.wait(20)


def shoot(browser: Any, url: str) -> None:
    """Take every picture."""
    page = browser.new_page(viewport=_SIZE)
    page.goto(f"{url}/phones/{CUSTOMER}")
    thread = page.get_by_role("log")
    for typed, answered in SAYS:
        page.get_by_label("Your answer").fill(typed)
        page.get_by_role("button", name="Send").click()
        thread.get_by_text(answered).wait_for()
    page.locator(".theirs").last.get_by_text("delivered", exact=True).wait_for()
    page.screenshot(path=IMAGES / "phone-page.png")
    page.goto(f"{url}/faults")
    page.screenshot(path=IMAGES / "bad-day.png")
    shoot_tracking(browser, url)


def shoot_tracking(browser: Any, url: str) -> None:
    """Tap the link in a text, choose stars, and take the picture before they are sent."""
    page = browser.new_page(viewport=_PHONE_SIZE)
    page.goto(f"{url}/phones/{TRACKED}")
    page.get_by_role("log").get_by_role("link").first.click()
    for name, star in (("The goods and the service", 4), ("The driver", 5)):
        group = page.get_by_role("group", name=name)
        group.get_by_role("radio", name=f"{star} of 5 stars").check()
    page.get_by_label("Anything to add?").fill("The driver called first. Thank you!")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.screenshot(path=IMAGES / "tracking-page.png")


def shoot_console(browser: Any, url: str, console: dict[str, Any]) -> None:
    """Write as a customer, log in as a clerk, and look at the day and the talk."""
    phone = browser.new_page(viewport=_SIZE)
    phone.goto(f"{url}/phones/{CUSTOMER}")
    phone.get_by_label("Your answer").fill(ASKS)
    phone.get_by_role("button", name="Send").click()
    phone.get_by_role("log").get_by_text(ASKS).wait_for()
    page = browser.new_page(viewport=_SIZE)
    page.goto(console["url"])
    page.get_by_label("Name").fill(console["name"])
    page.get_by_label("Password").fill(console["password"])
    page.get_by_role("button", name="Log in").click()
    page.get_by_text(ASKS).wait_for()
    page.screenshot(path=IMAGES / "console-today.png")
    page.goto(f"{console['url']}/contacts/of?who=%2B{CUSTOMER}")
    page.get_by_label("Your answer").fill(ANSWERS)
    page.evaluate("document.activeElement.blur()")
    page.screenshot(path=IMAGES / "console-contact.png")


def main() -> int:
    """Write the pictures and return the exit code."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.stderr.write("playwright is not installed: make browser\n")
        return 2
    path = os.environ.get("SMS_NOTIFY_CHROMIUM") or shutil.which("chromium")
    if not path:
        sys.stderr.write("there is no Chromium here\n")
        return 2
    IMAGES.mkdir(exist_ok=True)
    with demo() as told, sync_playwright() as player:
        browser = player.chromium.launch(executable_path=path, args=["--no-sandbox"])
        shoot(browser, told["sandbox"]["url"])
        shoot_console(browser, told["sandbox"]["url"], told["console"])
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
