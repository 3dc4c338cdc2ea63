"""What the commands that decide and send have in common: a run, its books, its tally.

`process`, `pull`, `prejob` and `tick` differ in what they take in; how a run is guarded, delivered,
shown and ended is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from smsnotify.base.clock import Clock, fixed_clock
from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.decided import decision_line, summary_table
from smsnotify.cli.desk import Desk
from smsnotify.engine.intake import Intake, Taken
from smsnotify.engine.process import Lines, take_all
from smsnotify.engine.rejects import RejectFile, rejects_path
from smsnotify.engine.reminders import PlannedJob
from smsnotify.engine.runs import Run
from smsnotify.engine.tally import Tally
from smsnotify.engine.ticking import REMINDED, remind, stored_jobs
from smsnotify.model.decision import Decision
from smsnotify.wiring import build


def read_as_of(written: str, clock: Clock, timezone: str) -> Clock:
    """Return the clock of a run: `--as-of` if it was given, else the machine's.

    Raises:
        UsageError: not an instant.
    """
    if not written:
        return clock
    from smsnotify.gates.zones import known_zone

    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise UsageError(
            f"--as-of {written!r} is no time", hint="write 2026-03-02T18:00:00+08:00"
        ) from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=known_zone(timezone))
    return fixed_clock(at)


class Working:
    """One run of a command that decides, from its first chunk to its exit code."""

    def __init__(
        self,
        desk: Desk,
        command: str,
        *,
        dry_run: bool = False,
        as_of: str = "",
        guarded: bool = True,
    ) -> None:
        """Open what the run needs; a dry run never makes or changes a database."""
        self.desk = desk
        self.dry_run = dry_run
        self.clock = read_as_of(as_of, desk.clock, desk.settings.timezone)
        self.rules = desk.rules
        self.policy = build.policy(desk.settings)
        self.tally = Tally()
        self.memory, self.store = _books(desk, dry_run, with_jobs=command == "prejob")
        limit = build.volume_limit(desk.settings) if guarded and not dry_run else None
        self.run = Run(command, self.store, limit, self.clock())
        self.released = 0
        self.ended = 0

    def take(
        self,
        source: str,
        chunks: Iterable[Lines],
        *,
        format: str = "auto",
        deliver_each: bool = False,
        jobs_only: bool = False,
    ) -> None:
        """Take one input in; its rejected lines go to a file beside it.

        With `jobs_only` nobody is texted about what it says: it tells of jobs for reminders.
        """
        intake = Intake(
            self.rules,
            self.policy,
            self.memory,
            source=source,
            format=format,
            ticket=self.run.ticket,
        )
        rejects = None if self.dry_run else RejectFile(rejects_path(source, self.clock()))
        try:
            with show.progress(source, quiet=self.desk.quiet) as bar:
                take_all(
                    intake.take_jobs if jobs_only else intake.take,
                    chunks,
                    self.clock,
                    self.tally,
                    show=self._shown(bar),
                    rejects=rejects,
                    after_chunk=self.deliver if deliver_each else None,
                )
        finally:
            if rejects is not None:
                rejects.close()
        if rejects is not None and rejects.count:
            self.desk.note(f"{rejects.count} lines rejected: see {rejects.path}")

    def remind(self) -> None:
        """Decide, keep and show the reminders that are due."""
        now = self.clock()
        decisions = remind(
            self.planned_jobs(),
            self.store,
            self.memory,
            self.rules,
            self.policy,
            self.run.ticket,
            now,
        )
        if not self.dry_run:
            self.store.set_watermark(REMINDED, now)
        self.tally.add(decisions)
        self._print(decisions)

    def release(self) -> None:
        """Judge held texts again whose time has come, and show what became of them."""
        from smsnotify.engine.release import release_due

        for again in release_due(self.store, self.rules, self.policy, self.clock()):
            self.released += 1
            if again.decision is not None:
                self._print([again.decision])
            elif self.desk.verbosity:
                show.say(f"stop  {again.message.rule}  {again.message.job}  {again.reason}")

    def planned_jobs(self) -> Iterator[PlannedJob]:
        """Yield the jobs that reminders look at."""
        return stored_jobs(self.memory, self.rules, self.clock())

    def pass_guard(self, told_yes: bool) -> None:
        """Let the volume guard have its word.

        Raises:
            VolumeGuardError: more people than usual, and nobody said yes.
        """
        if not self.dry_run:
            self.run.pass_guard(self.clock(), _ask_volume, told_yes=told_yes)

    def deliver(self) -> None:
        """Send what is due: this run's texts, and those that an earlier one could not send."""
        from smsnotify.cli.delivering import deliver

        delivered = deliver(self.desk, self.clock)
        self.tally.sent += delivered.report.sent
        self.tally.failed += delivered.report.failed
        self.tally.unknown += delivered.report.unknown
        self.ended = self.ended or delivered.early_exit

    def finish(self) -> int:
        """Print the summary and return the exit code."""
        if self.desk.json:
            show.emit_json(self.tally.as_json())
        else:
            summary_table(self.tally, dry_run=self.dry_run)
        if self.tally.held and not self.dry_run:
            self.desk.note(
                f"{self.tally.held} texts are held ({_told(self.tally.holds)}): they leave only "
                "if `sms-notify tick` runs"
            )
        if self.dry_run:
            self.memory.close()
        return self.ended or int(self.tally.needs_a_look)

    def _shown(self, bar: show.Bar) -> Callable[[Taken], None]:
        def shown(taken: Taken) -> None:
            self._print(taken.decisions)
            for rejected in taken.rejected:
                if self.desk.json:
                    show.emit_json(rejected.as_json())
                elif not self.desk.quiet:
                    self.desk.note(
                        f"{rejected.source}:{rejected.line}: rejected, {rejected.reason}: "
                        f"{rejected.message}"
                    )
            tally = self.tally
            bar.update(tally.events, texts=tally.queued, held=tally.held, rejected=tally.rejected)

        return shown

    def _print(self, decisions: list[Decision]) -> None:
        if self.desk.json:
            for decision in decisions:
                show.emit_json(decision.as_json())
        elif self.desk.verbosity:
            for decision in decisions:
                show.say(decision_line(decision), show.mark(decision.verdict.value))


def _books(desk: Desk, dry_run: bool, with_jobs: bool) -> tuple[Any, Any]:
    """Return what deciding remembers in, and the store: in a dry run None if there is none."""
    if not dry_run:
        return desk.store, desk.store
    from smsnotify.store.open import open_existing
    from smsnotify.store.rehearsal import Rehearsal

    store = open_existing(build.database_url(desk.settings))
    return Rehearsal(store, with_snapshots=with_jobs), store


def _ask_volume(people: int, allowed: int) -> bool:
    return show.can_ask() and show.confirm(
        f"This run texts {people} people; {allowed} would be usual. Send them?"
    )


def _told(holds: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in holds.items())
