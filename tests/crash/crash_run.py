"""One crash run: workers are killed at seeded random moments and restarted until all is done.

What counts is the provider's own log. Who must get what is made up here and never read back from
the database, which is only asked what it says of those that were in flight at a kill.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
from crash_stage import CONCURRENCY, Script, Stage, Text
from sqlalchemy import text

_IDLE_LIFE_S = 0.5
_LONGEST_LIFE_S = 5.0
_POLL_S = 0.05
_PATIENCE_S = 90.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do. `workers`: how many at once; the first of them also takes the events in."""

    name: str
    database: str
    messages: int
    kills: int
    workers: int
    seed: int
    factor: float = 40.0


class Report(msgspec.Struct, kw_only=True):
    """What came of it; the lists name what must not be.

    `received`: texts that the provider took, of `messages`; `twice`: those that it took more often
    than they were owed; `adopted`: in doubt after a kill, found by a look-up; `resent`: in doubt,
    surely not there, sent then; `in_flight`: in flight at some kill, by the database.
    """

    name: str
    messages: int
    kills: int
    received: int = 0
    twice: int = 0
    adopted: int = 0
    resent: int = 0
    in_flight: int = 0
    missed: int = 0
    lookups: int = 0
    seconds: float = 0.0
    faults: list[str] = []

    def line(self) -> str:
        """The counts, for people."""
        counts = (
            f"received {self.received:,} of {self.messages:,}   twice {self.twice}   "
            f"adopted {self.adopted:,}   sent after look-up {self.resent:,}"
        )
        return (
            f"{self.name:<28} {self.kills:>4} kills   {counts}   "
            f"(in flight at a kill {self.in_flight:,}, {self.seconds:.0f} s)"
        )


class CrashRun:
    """The stage, the killings, the verdict."""

    def __init__(self, plan: Plan, folder: Path, nursery: Script) -> None:
        """`folder` is empty; `nursery` may serve several runs after each other."""
        self._plan = plan
        self._random = random.Random(plan.seed)
        self._stage = Stage(
            folder,
            nursery,
            database=plan.database,
            messages=plan.messages,
            seed=plan.seed,
            factor=plan.factor,
        )
        self._log = self._stage.log
        self._pids: list[int] = []
        self._taken_in = False
        self._polled_at = 0.0
        self._cut_off: set[str] = set()
        self.report = Report(name=plan.name, messages=plan.messages, kills=plan.kills)

    def run(self) -> Report:
        """Do it all; faults are in the report."""
        began = time.monotonic()
        with self._stage:
            self._pids = [self._start(slot) for slot in range(self._plan.workers)]
            for _ in range(self._plan.kills):
                self._one_kill()
            self._until(self._is_done, "everything is sent and nothing in doubt")
            self._send_all_workers_home()
            self._check_that_a_second_run_sends_nothing()
            self._judge()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _start(self, slot: int) -> int:
        """Start a worker: `process` in the first slot until all events are in, else `deliver`."""
        return self._stage.start(take_in=not slot and not self._taken_in)

    # The killings.

    def _one_kill(self) -> None:
        self._wait_for_the_moment()
        slot = self._victim()
        pid = self._pids[slot]
        code = self._stage.kill(pid)
        came_to_its_end = code == 0 and slot == 0
        if code != -9 and not came_to_its_end:
            self._fault(f"a worker had ended with {code} when it was to be killed")
        self._note_who_was_in_flight(pid)
        # `process` is repeated a few times even when all of it is stored: that must do no harm.
        self._taken_in = self._taken_in or (self._is_stored() and self._random.random() < 0.3)
        self._pids[slot] = self._start(slot)

    def _wait_for_the_moment(self) -> None:
        """Some kills come soon after a start, most in the middle of sending."""
        if self._random.random() < 0.2:
            self._pause(self._random.uniform(0, _IDLE_LIFE_S / 2))
            return
        began = time.monotonic()
        idle_at, bored_at = began + _IDLE_LIFE_S, began + _LONGEST_LIFE_S
        usual = max(self._plan.messages // self._plan.kills, 1)
        wanted = self._log.counts["request"] + self._random.randint(1, 2 * usual)
        while self._log.counts["request"] < wanted and time.monotonic() < bored_at:
            self._pause(0.003)
            if time.monotonic() > idle_at:
                if not self._count("state IN ('held', 'queued')") and self._is_stored():
                    break
                idle_at = time.monotonic() + 0.1
        self._pause(self._random.uniform(0, 0.02))

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)
        self._log.read()
        self._replace_those_that_ended()

    def _replace_those_that_ended(self) -> None:
        """A `process` that came to its end goes home; `deliver` takes its place."""
        if self._taken_in or time.monotonic() < self._polled_at + _POLL_S:
            return
        self._polled_at = time.monotonic()
        code = self._stage.poll(self._pids[0])
        if code is None:
            return
        if code:
            self._fault(f"`process` ended with {code}")
        self._taken_in = True
        self._pids[0] = self._start(0)

    def _victim(self) -> int:
        """Mostly one of those who have requests in flight, else anyone."""
        busy = {pid for _, pid in self._in_flight()}
        slots = [slot for slot, pid in enumerate(self._pids) if pid in busy]
        if slots and self._random.random() < 0.8:
            return self._random.choice(slots)
        return self._random.randrange(len(self._pids))

    def _in_flight(self) -> list[tuple[str, int]]:
        """Ids of messages in flight, each with the process that holds its lease."""
        with self._stage.store.read() as connection:
            rows = connection.execute(
                text("SELECT id, lease_owner FROM messages WHERE state = 'sending'")
            )
            return [(row[0], int(row[1].split(":")[-2])) for row in rows]

    def _note_who_was_in_flight(self, pid: int) -> None:
        """At most as many as may be in flight are left as `sending` by one who was killed."""
        left = {one for one, owner in self._in_flight() if owner == pid}
        if len(left) > CONCURRENCY:
            self._fault(f"a killed worker left {len(left)} in flight")
        self._cut_off |= left

    def _is_stored(self) -> bool:
        """True when all events are taken in and the volume guard has let the texts go."""
        return self._count("state <> 'held'") == self._plan.messages

    def _count(self, condition: str) -> int:
        with self._stage.store.read() as connection:
            counted = connection.execute(text(f"SELECT count(*) FROM messages WHERE {condition}"))
            return int(counted.scalar_one())

    # The end.

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                self._fault(f"not within {_PATIENCE_S:.0f} s: {what}")
                return
            self._pause(0.05)

    def _is_done(self) -> bool:
        unsettled = "state IN ('held', 'queued', 'sending', 'unknown')"
        return self._count("true") == self._plan.messages and not self._count(unsettled)

    def _send_all_workers_home(self) -> None:
        for pid in self._pids:
            code = self._stage.stop(pid)
            # SIGTERM ends one that is still starting, before it has heard of signals.
            if code not in (0, -15):
                self._fault(f"a worker that was told to stop ended with {code}")

    def _check_that_a_second_run_sends_nothing(self) -> None:
        self._log.read()
        before, self._taken_in = self._log.counts["request"], False
        pid = self._start(0)
        codes: list[int | None] = []

        def is_over() -> bool:
            codes.append(self._stage.poll(pid))
            return codes[-1] is not None

        self._until(is_over, "the same events once more")
        if codes[-1]:
            self._fault(f"`process` of the same events ended with {codes[-1]}")
        self._log.read()
        if self._log.counts["request"] != before:
            self._fault("the same events, taken in again, were sent again")

    # The verdict.

    def _judge(self) -> None:
        report, log = self.report, self._log
        taken = [line for line in log.lines if line["what"] == "taken"]
        had = Counter((line["to"], line["body"]) for line in taken)
        report.received = sum((had & self._stage.owed).values())
        report.twice = sum((had - self._stage.owed).values())
        report.in_flight, report.missed = len(self._cut_off), log.counts["missed"]
        report.lookups = log.counts["list"]
        for what, strangers in (
            ("never received", self._stage.owed - had),
            ("too often", had - self._stage.owed),
        ):
            if strangers:
                self._fault(f"{what}: {dict(strangers)}")
        tries = self._tries()
        doubted = {one for one, results in tries.items() if "unknown" in results}
        if missing := self._cut_off - doubted:
            self._fault(f"in flight at a kill and never unknown: {sorted(missing)}")
        resent = {one for one in doubted if tries[one][-1] == "accepted"}
        report.resent = len(resent)
        if rash := resent - self._looked_up_before_the_last_request():
            self._fault(f"sent again without a look-up: {sorted(rash)}")
        report.adopted = self._adopted()
        self._check_the_ids({line["sid"]: (line["to"], line["body"]) for line in taken})
        if open_ones := self._count("state NOT IN ('accepted', 'sent', 'delivered')"):
            self._fault(f"{open_ones} are not accepted at the end")

    def _tries(self) -> dict[str, list[str]]:
        """Every message that was tried, with the results of its tries in order."""
        found: dict[str, list[str]] = {}
        with self._stage.store.read() as connection:
            rows = connection.execute(
                text("SELECT message_id, result FROM attempts ORDER BY message_id, number")
            )
            for message_id, result in rows:
                found.setdefault(message_id, []).append(result)
        return found

    def _looked_up_before_the_last_request(self) -> set[str]:
        """Messages whose number the provider was asked about before it saw them last."""
        asked: set[str] = set()
        found: set[str] = set()
        for line in self._log.lines:
            if line["what"] == "list":
                asked.add(line["to"])
            elif line["what"] == "request":
                (found.add if line["to"] in asked else found.discard)(line["id"])
        return found

    def _adopted(self) -> int:
        return self._count(
            "doubt_ended_by = 'lookup' AND (SELECT result FROM attempts WHERE "
            "message_id = messages.id ORDER BY number DESC LIMIT 1) = 'unknown'"
        )

    def _check_the_ids(self, by_sid: dict[str, Text]) -> None:
        """Each text at the provider is linked to one message of ours, with the same words."""
        with self._stage.store.read() as connection:
            rows = list(
                connection.execute(
                    text("SELECT provider_message_id, recipient, body FROM messages")
                )
            )
        ours = {row[0]: (row[1], row[2]) for row in rows}
        if len(ours) != len(rows):
            self._fault("two messages share a provider's id")
        if ours != by_sid:
            self._fault("our books and the provider's do not agree on who has which id")

    def _fault(self, told: str) -> None:
        self.report.faults.append(f"{self._plan.name}: {told}")
