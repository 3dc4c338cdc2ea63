"""Runs the web door from a command, and says what is left at the end."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import Final, NamedTuple

from smsnotify.base.errors import UsageError
from smsnotify.cli.desk import Desk
from smsnotify.cli.serve_workers import Place, interpreter, reserved, watch
from smsnotify.cli.show import emit_json
from smsnotify.engine.loop import run as run_loop
from smsnotify.web.server import STOP_S, Served, open_socket, serve
from smsnotify.web.shared_figures import SharedFigures
from smsnotify.web.state import Serving
from smsnotify.wiring.books import open_books
from smsnotify.wiring.find import find_settings
from smsnotify.wiring.loading import Loaded, Sources, load, read_settings

_HARD_EXIT_S: Final = STOP_S - 0.5
_LAST_S: Final = 0.3
_CUT_OFF: Final = 3


class Door(NamedTuple):
    """Where to listen, and what a process does besides answering.

    `place` is there in a worker: it got its socket from the process that started it.
    """

    host: str
    port: int
    delivering: bool = True
    ticking: bool = True
    log_access: bool = False
    workers: int = 1
    place: Place | None = None


def run_desk(desk: Desk, door: Door) -> int:
    """Serve until told to stop; return the exit code: 0 when everything ended in order.

    Raises:
        ConfigError, RuleFileError: settings or rules are wrong.
        StoreError: the database cannot be opened.
        StoppedError: the port is taken.
        UsageError: several workers where the system has no way to share a socket with them.
    """
    if door.workers > 1 and os.name == "nt":
        raise UsageError(
            "--workers is not for Windows: its processes cannot share a listening socket",
            hint="run sms-notify serve once; deliver --watch may send in a process of its own",
        )
    sources = Sources(
        config=find_settings(desk.config),
        rules=tuple(path.expanduser().absolute() for path in desk.rules_option),
        database=desk.database,
    )
    settings = read_settings(sources)
    loaded = load(settings, sources)
    if door.workers > 1 and door.place is None:
        with open_books(settings):
            pass  # what would keep every worker from starting is told once, here
        return _run_workers(desk, door, loaded)
    with open_books(settings) as store:
        serving = Serving(store, loaded, clock=desk.clock)
        serving.access_log = door.log_access
        return _run_one(desk, door, sources, serving)


def _run_one(desk: Desk, door: Door, sources: Sources, serving: Serving) -> int:
    place, loaded = door.place, serving.loaded
    if place is None:
        listener = open_socket(door.host, door.port)
        _greet(desk, listener.getsockname(), loaded)
    else:
        listener = place.listen()
        serving.metrics.shared = SharedFigures(Path(place.folder), os.getpid())
    deadline = threading.Timer(_HARD_EXIT_S, os._exit, (_CUT_OFF,))
    leads = place is None or place.leads

    async def until_told() -> Served:
        stop = asyncio.Event()
        if place is not None:
            asyncio.get_running_loop().add_reader(place.life, stop.set)
        return await serve(
            serving,
            sources,
            listener,
            delivering=door.delivering and leads,
            ticking=door.ticking and leads,
            looking_back=leads,
            stop=stop,
            stopping=lambda: _stopping(desk, deadline, alone=place is None),
            log_access=_log_access,
        )

    try:
        served = run_loop(until_told())
    finally:
        serving.close()
        deadline.cancel()
    return _say_goodbye(desk, served, alone=place is None, leads=leads)


def _run_workers(desk: Desk, door: Door, loaded: Loaded) -> int:
    with reserved(door.host, door.port) as listener:
        in_order = watch(
            _worker_command(desk, door),
            door.workers,
            listener,
            stop_s=_HARD_EXIT_S + _LAST_S,
            ready=lambda: _greet(desk, listener.getsockname(), loaded, door.workers),
            note=desk.note,
            warn=desk.warn,
        )
    desk.note("stopped")
    return 0 if in_order else _CUT_OFF


def _worker_command(desk: Desk, door: Door) -> list[str]:
    """Return what starts a worker: this command, as it was said."""
    command = [*interpreter(), "serve", "--workers", str(door.workers)]
    if desk.config is not None:
        command += ["--config", str(desk.config)]
    for path in desk.rules_option:
        command += ["--rules", str(path)]
    if desk.database:
        command += ["--database", desk.database]
    command += ["--json"] * desk.json + ["--quiet"] * desk.quiet + ["-v"] * desk.verbosity
    command += ["--no-deliver"] * (not door.delivering) + ["--no-tick"] * (not door.ticking)
    return command + ["--access-log"] * door.log_access


def _log_access(line: str) -> None:
    """Write a line of the access log; it holds nothing that the log would have to mask."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _greet(desk: Desk, address: tuple[str, int], loaded: Loaded, workers: int = 1) -> None:
    host, port = address[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    mode, rules = loaded.settings.mode.value, len(loaded.rules.rules)
    if desk.json:
        told = {"type": "serving", "url": url, "mode": mode, "rules": rules}
        emit_json(told | ({"workers": workers} if workers > 1 else {}))
    more = f", {workers} workers" if workers > 1 else ""
    desk.note(f"serving on {url}, mode {mode}, {rules} rules{more}; Ctrl-C ends it")
    if loaded.settings.console.enabled:
        desk.note(f"console: {url}/console; sms-notify users add NAME lets somebody in")


def _stopping(desk: Desk, deadline: threading.Timer, *, alone: bool) -> None:
    if alone:
        desk.note("stopping: what is in flight may come back")
    # A database that hangs must not hold the process for longer than was promised. Nothing is
    # lost by it: the next start takes over what was cut off.
    deadline.daemon = True
    deadline.start()


def _say_goodbye(desk: Desk, served: Served, *, alone: bool, leads: bool) -> int:
    report = served.delivery
    left = 0 if report is None else report.left
    if desk.json and leads:
        emit_json({"type": "served", "left": left})
    if left:
        desk.note(f"{left} texts are still queued; the next start sends them")
    if alone:
        desk.note("stopped")
    return 0
