"""The page about the HTTP API names everything that there is."""

from __future__ import annotations

import re
from pathlib import Path

from smsnotify.model.caps import Cap
from smsnotify.store.receipt_stats import Lag, ReceiptStats
from smsnotify.web.app import ROUTES
from smsnotify.web.events_api import TYPES
from smsnotify.web.metrics import Metrics
from smsnotify.web.refusals import Refusal
from smsnotify.web.state import Serving

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "http-api.md"


def test_every_figure_is_told(serving: Serving) -> None:
    metrics = Metrics()
    metrics.past = ReceiptStats(
        tried=1,
        doubted=1,
        doubts={"receipt": 1},
        words={},
        undocumented={},
        outcomes={},
        lags={"main": Lag(1, 1.0, 1.0)},
        no_word=0,
    )
    now = serving.clock()
    caps = [(Cap(span="day", hard=5, where="[caps]"), 2)]
    written = metrics.exposed(serving.store.gauges("test", now), now, now, caps).decode()
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", written, re.MULTILINE))
    told = dict(
        re.findall(r"^\| `(smsnotify_\w+)` \| (\w+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    )
    assert told == kinds


def test_every_address_type_and_word_is_told() -> None:
    page = PAGE.read_text(encoding="utf-8")
    # Pages for people are told as one: what they read and post is nobody else's interface.
    paths = {
        "/console" if route.path.startswith("/console/") else route.path.replace(":path", "")
        for route in ROUTES
    }
    words = {*paths, *TYPES, *map(str, Refusal)} - {"application/ndjson"}
    assert {word for word in words if f"`{word}`" not in page} == set()
