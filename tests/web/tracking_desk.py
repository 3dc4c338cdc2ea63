"""A desk with a tracking page: rules, a job's life, and its links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from web_desk import PUBLIC, SETTINGS, Caller, rows, write_desk

from smsnotify.base.clock import Clock
from smsnotify.store.store import Store
from smsnotify.web.app import create_app
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load, read_settings

MEI = "+6591230000"
STAFF = "+6598765432"

RULES = """
version: 1
rules:
  - name: outcome
    events: [out_for_delivery, completed, failed]
    max_age: none
    to: {fields: [phone_number], fixed: ["+6598765432"]}
    body: "Order {{ do_number }}"
  - name: alarm
    events: [feedback]
    where: {goods_service_rating: {lte: 2}}
    to: {fixed: ["+6598765432"]}
    tracking_link: none
    body: "{{ do_number }}: {{ goods_service_rating }} stars. {{ customer_feedback | default('') }}"
"""

TRACKED = """
[tracking]
enabled = true
brand = "Acme <Logistics>"
contact = "tel:+6561234567"
"""


def job(number: str = "DO-1", **fields: Any) -> dict[str, Any]:
    """Return a delivery."""
    return {
        "do_number": number,
        "date": "2026-03-02",
        "phone_number": MEI,
        "time_zone": "Asia/Singapore",
        **fields,
    }


class Desk:
    """A served desk, its caller, and what went out."""

    def __init__(self, store: Store, serving: Serving, key: str, client: Caller) -> None:
        self.store, self.serving, self.key, self.client = store, serving, key, client

    def happens(self, name: str, **fields: Any) -> dict[str, Any]:
        """Post an event; return the answer."""
        told = {"event": name, "job": job(**fields)}
        answer = self.client.post("/v1/events", json=told, headers={"X-API-Key": self.key})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def texts(self) -> list[str]:
        """Return the bodies that were queued, the oldest first."""
        return [row["body"] for row in sorted(rows(self.store, "messages"), key=lambda r: r["id"])]

    def page(self, to: str = MEI) -> str:
        """Return the path of the newest link that somebody got."""
        found = [row for row in rows(self.store, "messages") if row["recipient"] == to]
        body = max(found, key=lambda row: row["id"])["body"]
        match = re.search(rf"{PUBLIC}(/t/[0-9A-Za-z]{{22}})$", body)
        assert match, body
        return match[1]

    def proof(self, page: str) -> str:
        """Return what the page's own form carries."""
        found = re.search(r'name="proof" value="([^"]+)"', self.client.get(page).text)
        assert found
        return found[1]

    def rate(self, page: str, **form: Any) -> Any:
        """Send the page's form."""
        return self.client.post(page, data={"proof": self.proof(page), **form})


@contextmanager
def desk(
    store: Store,
    sources: Sources,
    clock: Clock,
    key: str,
    *,
    settings: str = SETTINGS,
    tracked: str = TRACKED,
    rules: str = RULES,
) -> Iterator[Desk]:
    """Serve a desk with tracking pages; both numbers are really texted."""
    assert sources.config is not None
    settings = settings.replace('allow = ["+6591230000"]', f'allow = ["{MEI}", "{STAFF}"]')
    write_desk(sources.config.parent, settings + tracked, rules)
    serving = Serving(store, load(read_settings(sources), sources), clock=clock)
    client = Caller(create_app(serving))
    try:
        yield Desk(store, serving, key, client)
    finally:
        client.close()
        serving.close()
