"""The proxies of the guide let through what the outside calls, and nothing of the inside."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from smsnotify.web.app import ROUTES

SERVE = Path(__file__).parents[2] / "docs" / "how-to" / "serve.md"
INSIDE = {"/healthz", "/readyz", "/metrics", "/openapi.json"}
PATHS = sorted({re.sub(r"\{[^}]+\}", "x", route.path) for route in ROUTES})


@pytest.mark.parametrize("path", PATHS)
def test_the_examples_let_the_outside_in(path: str) -> None:
    text = SERVE.read_text(encoding="utf-8")
    caddy = re.search(r"@open path (.+)", text)
    nginx = re.search(r"location ~ (\S+) \{", text)
    assert caddy is not None
    assert nginx is not None
    is_open = path not in INSIDE and not path.startswith("/console")
    assert any(fnmatchcase(path, one) for one in caddy[1].split()) is is_open
    assert (re.search(nginx[1], path) is not None) is is_open
