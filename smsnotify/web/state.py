"""What the doors of one process share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from smsnotify.base.clock import Clock, system_clock
from smsnotify.engine.conversing_events import PlanTeller
from smsnotify.engine.inbox import Heard, Kept, keep_calls
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.store.store import Store
from smsnotify.web.in_call import Waiting
from smsnotify.web.keeper import Keeper
from smsnotify.web.metrics import Metrics
from smsnotify.web.pace import MOST_MISSES, SPAN_S, Pace
from smsnotify.web.page_reader import PageReader
from smsnotify.web.refusals import Refusals
from smsnotify.web.threads import Threads
from smsnotify.wiring.conversations import desk
from smsnotify.wiring.loading import Loaded


class Serving:
    """The books, the rules and settings that count now, the counters, and who works for them."""

    def __init__(self, store: Store, loaded: Loaded, *, clock: Clock = system_clock) -> None:
        """Nothing is started yet."""
        self.store = store
        self.clock = clock
        self.metrics = Metrics()
        self.refusals = Refusals(self.metrics)
        self.threads = Threads()
        self.keeper = Keeper(self.threads, self._keep, self._kept)
        self.swapped = asyncio.Event()
        self.wake = asyncio.Event()
        self.errand = asyncio.Event()
        self.in_call = Waiting()
        self.pages = PageReader(self.threads, store.find_tracked)
        self.misses = Pace(MOST_MISSES, SPAN_S)
        self.access_log = False  # True: wanted by the command line, whatever the settings say
        self._loaded = loaded
        self._stopping = threading.Event()
        self._intakes: tuple[Loaded, dict[str, Intake]] = (loaded, {})

    @property
    def loaded(self) -> Loaded:
        """The settings and rules that count now; whoever works takes them once, at the start."""
        return self._loaded

    def swap(self, loaded: Loaded, *, settings_too: bool) -> None:
        """Put new settings and rules in place of the old, all at once.

        `settings_too`: delivery must begin anew with them.
        """
        self._loaded = loaded
        if settings_too:
            self.swapped.set()

    @property
    def is_stopping(self) -> bool:
        """True once this process was told to end."""
        return self._stopping.is_set()

    def go_on(self) -> bool:
        """Say whether long work may take its next step; asked in threads."""
        return not self._stopping.is_set()

    def stop(self) -> None:
        """Make long work end at its next step."""
        self._stopping.set()

    def intake(self, format: str) -> Intake:
        """Return the intake of the rules that count now; only for the intake thread."""
        loaded = self._loaded
        if self._intakes[0] is not loaded:
            self._intakes = (loaded, {})
        made = self._intakes[1]
        if format not in made:
            made[format] = Intake(
                loaded.rules,
                loaded.policy,
                self.store,
                source="http",
                format=format,
                ticket=Ticket(),  # nobody guards what comes by HTTP: it takes nothing over
                plans=PlanTeller(desk(loaded.settings, self.store, loaded.book)),
            )
        return made[format]

    def _keep(self, calls: Sequence[Heard]) -> list[Kept]:
        return keep_calls(self.store, calls, self.clock())

    def _kept(self, kept: Kept) -> None:
        self.metrics.note_kept(kept)
        if kept.new_replies:
            self.wake.set()

    def close(self) -> None:
        """End the threads; the books are closed by who opened them."""
        self.stop()
        self.threads.close()
