"""Is this process alive, can it work, and how much is there: for monitors, not for people."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from smsnotify.base.errors import StoreError
from smsnotify.engine.counting import standing
from smsnotify.engine.ticking import TICKED
from smsnotify.model.caps import Cap
from smsnotify.store.gauges import Gauges
from smsnotify.web.answers import json_answer
from smsnotify.web.exposition import CONTENT_TYPE
from smsnotify.web.state import Serving


async def healthz(request: Request) -> Response:
    """Say that the process is alive; the database is not asked."""
    return json_answer({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Say whether calls can be stored and events decided: 200, else 503 with the reason."""
    serving: Serving = request.app.state.serving
    checks = {"rules": "ok", "database": "ok"}
    if serving.is_stopping:
        checks["process"] = "stopping"
    try:
        await serving.threads.short(serving.store.check_schema)
    except StoreError as error:
        checks["database"] = error.code
    ready = set(checks.values()) == {"ok"}
    body = {"status": "ok" if ready else "unavailable", "checks": checks}
    return json_answer(body, 200 if ready else 503)


async def metrics(request: Request) -> Response:
    """Return the figures for Prometheus; they hold no number and no text of anybody."""
    serving: Serving = request.app.state.serving
    now = serving.clock()
    mode = serving.loaded.settings.mode.value

    policy = serving.loaded.policy

    def ask() -> tuple[Gauges, datetime | None, list[tuple[Cap, int]]]:
        store = serving.store
        ticked_at = store.get_watermark(TICKED)
        return store.gauges(mode, now), ticked_at, standing(policy, store, now)

    figures: Gauges | None = None
    ticked_at: datetime | None = None
    caps: list[tuple[Cap, int]] = []
    with suppress(StoreError):  # the counters are told all the same, and that it is away
        figures, ticked_at, caps = await serving.threads.short(ask)
    body = serving.metrics.exposed(figures, ticked_at, now, caps)
    return Response(body, headers={"Content-Type": CONTENT_TYPE})
