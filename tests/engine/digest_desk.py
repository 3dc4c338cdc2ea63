"""A desk whose rules make digests, on a clock that tests move."""

from __future__ import annotations

import asyncio
import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from smsnotify.engine.accounts import Account
from smsnotify.engine.delivery import drain
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.engine.release import Again, release_due
from smsnotify.engine.ticking import tick
from smsnotify.model.decision import Decision, Mode
from smsnotify.model.facts import Policy
from smsnotify.model.message import Message, MessageState
from smsnotify.providers.sandbox import Sandbox, SandboxSettings
from smsnotify.rules.load import load_rules
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MEI, ALI = "+6591230000", "+6591230001"
POLICY = Policy(
    mode=Mode.LIVE, country="SG", countries=frozenset({"SG"}), timezone="Asia/Singapore"
)
LOADED = """
rules:
  - name: loaded
    events: [out_for_delivery]
    digest: {by: [phone_number, date], wait: 10m}
    where: {status: {ne: cancelled}}
    to: {fields: [phone_number]}
    body: "On the van: {{ jobs | join(', ', attribute='do_number') }}"
"""


class DigestDesk:
    """Takes events and ticks at `now`; remembers what left, in order."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        now: datetime,
        rules: str = LOADED,
        policy: Policy = POLICY,
    ) -> None:
        """Read the rules."""
        self.store = store
        self.now = now
        self.policy = policy
        (folder / "rules.yaml").write_text(rules, encoding="utf-8")
        self.rules = load_rules([folder / "rules.yaml"], country="SG")

    def of(self, store: Store) -> DigestDesk:
        """Return another worker with the same rules and clock, on a connection of its own."""
        other = copy.copy(self)
        other.store = store
        return other

    def intake(self, ticket: Ticket = Ticket()) -> Intake:
        return Intake(self.rules, self.policy, self.store, ticket=ticket)

    def loaded(self, *numbers: int, ticket: Ticket = Ticket(), **job: Any) -> list[Decision]:
        """Let jobs be loaded, all at once."""
        return self.intake(ticket).take(1, [line(n, **job) for n in numbers], self.now).decisions

    def changed(self, number: int, **job: Any) -> None:
        """Let a newer snapshot of a job come in."""
        self.intake().take_jobs(1, [line(number, **job)], self.now)

    def wait(self, minutes: float) -> list[Again]:
        """Let time pass, then tick."""
        self.now += timedelta(minutes=minutes)
        return self.release()

    def release(self) -> list[Again]:
        return release_due(self.store, self.rules, self.policy, self.now)

    def tick(self) -> None:
        tick(self.store, self.rules, self.policy, self.now)

    def deliver(self) -> int:
        """Send what is queued; return how many texts."""
        box = Account(name="box", provider=Sandbox(SandboxSettings(sender="ACME")))
        ways = {"default": (("box",),)}
        done = drain(self.store, {"box": box}, ways, mode=Mode.LIVE, clock=lambda: self.now)
        return asyncio.run(done).sent

    def messages(self, *states: MessageState) -> list[Message]:
        wanted = Wanted(states=frozenset(state.value for state in states))
        return self.store.list_messages(wanted, None)[::-1]

    def bodies(self) -> list[str]:
        """Return the texts that may leave, oldest message first."""
        return [message.body for message in self.messages(MessageState.QUEUED)]

    def reasons(self) -> list[str]:
        """Return state or reason of each message by arrival: `DO-1 queued`."""
        return [f"{one.job} {one.reason or one.state.value}" for one in self.messages()]


def line(number: int, event: str = "out_for_delivery", **job: Any) -> bytes:
    told = {
        "id": f"j{number:04}",
        "do_number": f"DO-{number}",
        "date": "2026-03-03",
        "phone_number": MEI,
    }
    return json.dumps({"event": event, "job": told | job}).encode()
