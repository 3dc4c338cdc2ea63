"""One run of a command that queues texts, and the volume guard's word on it.

In live mode everything that a run queues waits in the outbox, held by the guard, until the run
has counted whom it wants to text. A run that dies in between leaves them held; the next run of
the same input takes their place.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from smsnotify.base.errors import VolumeGuardError
from smsnotify.base.ids import new_id
from smsnotify.engine.keep import Ticket
from smsnotify.gates.volume_guard import VolumeLimit, volume_allowed

if TYPE_CHECKING:
    from smsnotify.store.store import Store

_REMEMBERED_RUNS = 20

Confirm = Callable[[int, int], bool]
"""Asked with (people, allowed); False when nobody can answer."""


class Run:
    """A run with its id, its guard, and the store that it writes to."""

    def __init__(
        self,
        command: str,
        store: Store | None,
        limit: VolumeLimit | None,
        now: datetime,
        *,
        adopts: bool = True,
    ) -> None:
        """`limit` None switches the guard off, and without a store there is nothing to guard.

        `adopts` is False for a run that has no guard by its nature, such as one that follows.
        """
        self.command = command
        self.id = new_id(now)
        self.limit = limit
        self._adopts = adopts
        self._store = store

    @property
    def ticket(self) -> Ticket:
        """Under which name the run's texts go into the outbox, and whether they wait there."""
        return Ticket(self.id, guarded=self.limit is not None, adopts=self._adopts)

    def pass_guard(self, now: datetime, confirm: Confirm, *, told_yes: bool = False) -> int:
        """Let the run's texts go and return how many people they are for.

        Raises:
            VolumeGuardError: more people than usual and nobody said yes; nothing was sent and
                everything stays held.
        """
        if self.limit is None or self._store is None:
            return 0
        people = self._store.people_of_run(self.id)
        usual = self._usual(self._store)
        allowed = volume_allowed(self.limit, usual)
        if people > allowed and not told_yes and not confirm(people, allowed):
            raise VolumeGuardError(
                f"this run would text {people} people, {allowed} are usual; nothing was sent",
                hint="look at `sms-notify outbox list --state held`, then repeat the command "
                "with --yes-volume",
            )
        if people:
            runs = [*usual, people][-_REMEMBERED_RUNS:]
            self._store.set_meta(self._name, json.dumps(runs))
        self._store.release_run(self.id, now)
        return people

    @property
    def _name(self) -> str:
        return f"live_runs:{self.command}"

    def _usual(self, store: Store) -> list[int]:
        written = store.get_meta(self._name)
        return [int(people) for people in json.loads(written)] if written else []
