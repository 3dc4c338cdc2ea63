"""Runs the web door from a command, and says what is left at the end."""

from __future__ import annotations

import os
import sys
import threading
from typing import Final, NamedTuple

from smsnotify.cli.desk import Desk
from smsnotify.cli.show import emit_json
from smsnotify.engine.loop import run as run_loop
from smsnotify.web.server import STOP_S, Served, open_socket, serve
from smsnotify.web.state import Serving
from smsnotify.wiring.books import open_books
from smsnotify.wiring.find import find_settings
from smsnotify.wiring.loading import Sources, load, read_settings

_HARD_EXIT_S: Final = STOP_S - 0.5
_CUT_OFF: Final = 3


class Door(NamedTuple):
    """Where to listen, and what a process does besides answering."""

    host: str
    port: int
    delivering: bool = True
    ticking: bool = True
    log_access: bool = False


def run_desk(desk: Desk, door: Door) -> int:
    """Serve until told to stop; return the exit code: 0 when everything ended in order.

    Raises:
        ConfigError, RuleFileError: settings or rules are wrong.
        StoreError: the database cannot be opened.
        StoppedError: the port is taken.
    """
    sources = Sources(
        config=find_settings(desk.config),
        rules=tuple(path.expanduser().absolute() for path in desk.rules_option),
        database=desk.database,
    )
    settings = read_settings(sources)
    loaded = load(settings, sources)
    with open_books(settings) as store:
        listener = open_socket(door.host, door.port)
        serving = Serving(store, loaded, clock=desk.clock)
        serving.access_log = door.log_access
        deadline = threading.Timer(_HARD_EXIT_S, os._exit, (_CUT_OFF,))
        _greet(desk, listener.getsockname(), settings.mode.value, len(loaded.rules.rules))
        try:
            served = run_loop(
                serve(
                    serving,
                    sources,
                    listener,
                    delivering=door.delivering,
                    ticking=door.ticking,
                    stopping=lambda: _stopping(desk, deadline),
                    log_access=_log_access,
                )
            )
        finally:
            serving.close()
            deadline.cancel()
    return _say_goodbye(desk, served)


def _log_access(line: str) -> None:
    """Write a line of the access log; it holds nothing that the log would have to mask."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _greet(desk: Desk, address: tuple[str, int], mode: str, rules: int) -> None:
    host, port = address[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    if desk.json:
        emit_json({"type": "serving", "url": url, "mode": mode, "rules": rules})
    desk.note(f"serving on {url}, mode {mode}, {rules} rules; Ctrl-C ends it")


def _stopping(desk: Desk, deadline: threading.Timer) -> None:
    desk.note("stopping: what is in flight may come back")
    # A database that hangs must not hold the process for longer than was promised. Nothing is
    # lost by it: the next start takes over what was cut off.
    deadline.daemon = True
    deadline.start()


def _say_goodbye(desk: Desk, served: Served) -> int:
    report = served.delivery
    left = 0 if report is None else report.left
    if desk.json:
        emit_json({"type": "served", "left": left})
    if left:
        desk.note(f"{left} texts are still queued; the next start sends them")
    desk.note("stopped")
    return 0
