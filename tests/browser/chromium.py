"""The system's Chromium for tests of pages; where something is missing, they are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
"""Whose first one on the PATH counts; `$SMS_NOTIFY_CHROMIUM` names another."""

DARK = {"color_scheme": "dark"}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 900}}

_WAIT_MS = 15_000
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def chromium_path() -> str:
    """Return the browser's path, or skip the test."""
    found = os.environ.get("SMS_NOTIFY_CHROMIUM") or next(
        filter(None, map(shutil.which, _NAMES)), ""
    )
    if not found:
        pytest.skip("there is no Chromium here: pages are not looked at in a browser")
    return found


@contextmanager
def browser() -> Iterator[Any]:
    """Start Chromium; it ends with the block."""
    sync_api = pytest.importorskip(
        "playwright.sync_api",
        reason="playwright is not installed: pages are not looked at in a browser",
    )
    path = chromium_path()
    # Root in a container has no sandbox of the kernel's; the pages are our own.
    options = ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"]
    with sync_api.sync_playwright() as player:
        started = player.chromium.launch(executable_path=path, args=options)
        try:
            yield started
        finally:
            started.close()


def opened(chromium: Any, url: str, **options: Any) -> tuple[Any, list[str]]:
    """Open a page; return it and what goes wrong on it: errors, refusals, foreign requests."""
    context = chromium.new_context(**options)
    context.set_default_timeout(_WAIT_MS)
    page = context.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on(
        "console",
        lambda line: trouble.append(line.text) if line.type in ("error", "warning") else None,
    )
    own = ("/".join(url.split("/")[:3]), "data:,")
    page.on(
        "request",
        lambda asked: None if asked.url.startswith(own) else trouble.append(asked.url),
    )
    page.goto(url)
    return page, trouble


def findings(page: Any) -> list[str]:
    """Return what axe-core finds on a page, one line a rule."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="axe-core is not installed: pages are not checked for accessibility",
    )
    options = {"runOnly": {"type": "tag", "values": _RULES}}
    found = axe.Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {one['help']} at {[node['target'] for node in one['nodes']][:3]}"
        for one in found
    ]
