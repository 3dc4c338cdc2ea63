"""`sandbox --demo`: a desk in a temporary folder, the example played through the local provider."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from smsnotify.base.clock import Clock
from smsnotify.cli.demo import AS_OF, EVENTS, prepare
from smsnotify.cli.desk import Desk
from smsnotify.cli.sandboxing import (
    Wishes,
    address_of,
    exchange_for,
    greet,
    known_accounts,
    own_names,
    settled,
)
from smsnotify.cli.show import emit_json
from smsnotify.engine.loop import run as run_loop
from smsnotify.sandbox.exchange import Exchange
from smsnotify.sandbox.server import run_exchange
from smsnotify.web.server import open_socket, serve
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load
from smsnotify.wiring.models import SandboxSettings

USER: Final = "clerk"
SETTINGS: Final = """\
# Live, and yet nobody is texted: both accounts' base_url is the sandbox.
mode = "live"
database = "sqlite:///demo.db"
rules = ["rules.yaml"]
country = "SG"
countries = ["SG", "MY"]
timezone = "Asia/Singapore"
public_url = "{desk}"
volume_guard = false

[accounts.main]
provider = "8x8"
api_key = "demo-key"
subaccount_id = "demo"
sender = "+6531580000"
webhook_token = "demo-webhook"
base_url = "{sandbox}"

[accounts.backup]
provider = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = "demo-token"
sender = "+6531590000"
base_url = "{sandbox}"

[routes]
default = [["main", "backup"]]
conversation = ["backup"]

[tracking]
enabled = true
brand = "Acme Logistics"
colour = "#0b6e4f"
contact = "mailto:help@acme.example"
fields = ["do_number", "deliver_to_collect_from", "time_window", "live_eta"]
driver_name = true
"""
STAFF: Final = "+6591230000"
"""Whom the example's rule `low-rating` alarms."""

_LINK: Final = re.compile(rb',"tracking_link":"[^"]*"')


def run_demo(asked: Desk, wishes: Wishes) -> int:
    """Play the example until told to stop; nothing is left behind.

    Raises:
        StoppedError: the port is taken.
    """
    plan = settled(wishes, SandboxSettings())
    with tempfile.TemporaryDirectory(
        prefix="sms-notify-sandbox-", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        sandbox = open_socket(plan.host, plan.port)
        hooks = open_socket("127.0.0.1", 0)
        url, desk_url = address_of(sandbox.getsockname()), address_of(hooks.getsockname())
        reached = f"http://127.0.0.1:{sandbox.getsockname()[1]}" if "0.0.0.0" in url else url  # noqa: S104
        prepare(folder, SETTINGS.format(sandbox=reached, desk=desk_url))
        _lead_to_own_pages(folder / EVENTS)
        desk = Desk()
        desk.config = folder / "sms-notify.toml"
        desk.json, desk.quiet, desk.clock = asked.json, True, demo_clock()
        try:
            _play(desk, folder)
            accounts = known_accounts(desk.settings, reached)
            exchange = exchange_for(plan, accounts, clock=desk.clock)
            greet(asked, url, plan, accounts)
            asked.note(f"the example's desk takes receipts and answers at {desk_url}")
            _tell_of_pages(asked, desk_url)
            _open_console(asked, desk, desk_url)
            _run(desk, exchange, sandbox, hooks, own_names(plan.host))
        finally:
            desk.close()
            sandbox.close()
            hooks.close()
    asked.note("stopped, and nothing is left")
    return 0


def demo_clock() -> Clock:
    """Return a clock that says the example's afternoon, and goes on from there."""
    began, started = datetime.fromisoformat(AS_OF).astimezone(UTC), time.monotonic()
    return lambda: began + timedelta(seconds=time.monotonic() - started)


def _lead_to_own_pages(events: Path) -> None:
    """Take the example's links out: they lead nowhere, and the desk has tracking pages itself."""
    events.write_bytes(_LINK.sub(b"", events.read_bytes()))


def _tell_of_pages(asked: Desk, desk_url: str) -> None:
    if asked.json:
        emit_json({"type": "tracking", "url": f"{desk_url}/t/", "staff": STAFF})
    asked.note("tracking pages: open a phone and tap the link in its text")
    asked.note(f"rate one with two stars, and the phone {STAFF} is alarmed")


def _play(desk: Desk, folder: Path) -> None:
    """Decide on the example's events; the desk sends what they ask for when it serves."""
    from smsnotify.engine.intake import Intake
    from smsnotify.engine.keep import Ticket
    from smsnotify.engine.process import take_all
    from smsnotify.engine.tally import Tally
    from smsnotify.events.read import read_chunks
    from smsnotify.wiring import build

    intake = Intake(
        desk.rules, build.policy(desk.settings), desk.store, source=EVENTS, ticket=Ticket()
    )
    chunks = read_chunks(str(folder / EVENTS))
    take_all(intake.take, chunks, desk.clock, Tally(), show=lambda taken: None)


def _open_console(asked: Desk, desk: Desk, desk_url: str) -> None:
    """Make a user of the console, and say how to log in."""
    from smsnotify.engine.auditing import CLI, Actor
    from smsnotify.engine.logins import add_user
    from smsnotify.model.user import Role

    password = secrets.token_urlsafe(12)
    add_user(desk.store, USER, Role.CLERK, password, Actor(USER, CLI), desk.clock())
    url = f"{desk_url}/console"
    if asked.json:
        emit_json({"type": "console", "url": url, "name": USER, "password": password})
    asked.note(f"console: {url}   (name {USER}, password {password})")


def _run(
    desk: Desk,
    exchange: Exchange,
    sandbox: socket.socket,
    hooks: socket.socket,
    hosts: frozenset[str],
) -> None:
    sources = Sources(config=desk.config)
    zone = desk.settings.timezone
    serving = Serving(desk.store, load(desk.settings, sources), clock=desk.clock)

    async def until_told() -> None:
        stop, ended = asyncio.Event(), asyncio.Event()
        provider = asyncio.create_task(
            run_exchange(exchange, sandbox, ended, hosts=hosts, zone=zone)
        )
        try:
            await serve(serving, sources, hooks, stop=stop)
        finally:
            # Last, so that what the desk has in flight still gets its answer.
            ended.set()
            await provider

    try:
        run_loop(until_told())
    finally:
        serving.close()
