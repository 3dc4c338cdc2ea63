"""What the commands that decide and send have in common: a run, its books, its tally.

`process`, `pull`, `prejob` and `tick` differ in what they take in; how a run is guarded, delivered,
shown and ended is the same for all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from smsnotify.base.errors import (
    ConfigError,
    InputError,
    ProviderError,
    SmsNotifyError,
    StoppedError,
    VolumeGuardError,
)
from smsnotify.cli import show
from smsnotify.cli.decided import decision_line, rejected_line, summary_table
from smsnotify.cli.desk import Desk
from smsnotify.cli.inputs import known_format
from smsnotify.cli.instants import read_as_of
from smsnotify.cli.interrupts import Interrupts
from smsnotify.engine.intake import Intake, Rejected, Taken, TellPlans
from smsnotify.engine.process import Lines, take_all
from smsnotify.engine.rejects import RejectFile, rejects_path
from smsnotify.engine.runs import Run
from smsnotify.engine.tally import Tally
from smsnotify.model.decision import Decision
from smsnotify.wiring import build

if TYPE_CHECKING:
    from smsnotify.engine.conversing_portion import Desk as TalkDesk
    from smsnotify.engine.release import Again
    from smsnotify.engine.reminders import PlannedJob

INTERRUPTED: Final = 130

_TOLD_REJECTS: Final = 10
"""So many rejected lines are told one by one; all of them are in the file."""


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
        self.run = Run(command, self.store, limit, self.clock(), adopts=guarded)
        self.released = 0
        self.ended = 0
        self._interrupts = Interrupts()
        self._broken: SmsNotifyError | None = None

    @property
    def is_over(self) -> bool:
        """True once the run was interrupted, or cannot go on."""
        return self.ended == INTERRUPTED or self._broken is not None

    def take(
        self,
        source: str,
        chunks: Iterable[Lines],
        *,
        format: str = "auto",
        deliver_each: bool = False,
        jobs_only: bool = False,
        keep_rejects: bool = True,
        title: str = "",
    ) -> None:
        """Take one input in; its rejected lines go to a file beside it, if they are to be kept.

        With `jobs_only` nobody is texted about what it says: it tells of jobs for reminders. An
        input that breaks in the middle ends the run after what came before is done.

        Raises:
            InputError, ProviderError, ConfigError: nothing of it can be read.
        """
        if self.is_over:
            return
        title = title or source
        intake = Intake(
            self.rules,
            self.policy,
            self.memory,
            source=source,
            format=known_format(format),
            ticket=self.run.ticket,
            plans=self._plans(),
        )
        rejects = None
        if keep_rejects and not self.dry_run:
            rejects = RejectFile(rejects_path(source, self.clock()))
        lines, known = self.tally.lines, self.tally.events + self.tally.rejected
        try:
            with self._interrupts.heard(), show.progress(title, quiet=self.desk.quiet) as bar:
                take_all(
                    intake.take_jobs if jobs_only else intake.take,
                    chunks,
                    self.clock,
                    self.tally,
                    show=self._shown(bar),
                    rejects=rejects,
                    after_chunk=self._deliver_chunk if deliver_each else None,
                    whole=self._interrupts.after,
                )
        except KeyboardInterrupt:
            self._interrupted(f"after line {self.tally.lines - lines:,} of {title}")
        except (InputError, ProviderError, ConfigError) as error:
            if not self.tally.lines:
                raise
            self._broken = StoppedError(error.message, hint=error.hint)
        finally:
            if rejects is not None:
                rejects.close()
        if rejects is not None and rejects.count:
            self.desk.warn(f"{_lines(rejects.count)} rejected: see {rejects.path}")
        if not self.is_over:
            self._say_if_nothing(title, lines, known, jobs_only)

    def _plans(self) -> TellPlans | None:
        """Return who lets people into plans; None in a dry run, and where there are none."""
        if self.dry_run or not (self.desk.plans or self.store.plan_contents()):
            return None
        from smsnotify.engine.conversing_events import PlanTeller

        return PlanTeller(self.talk_desk)

    @property
    def talk_desk(self) -> TalkDesk:
        """What works conversations."""
        from smsnotify.wiring.conversations import desk

        return desk(self.desk.settings, self.store, self.desk.book)

    def talk(self) -> None:
        """Work replies, waits that are over, and what plans want done."""
        if self.is_over or self.dry_run:
            return
        from smsnotify.engine.errands import do_errands
        from smsnotify.engine.ticking import talk
        from smsnotify.wiring.conversations import hands

        try:
            with self._interrupts.heard(), self._interrupts.after():
                now, go_on = self.clock(), self._interrupts.go_on
                desk = self.talk_desk
                done = talk(desk, now, go_on=go_on)
                errands = do_errands(desk, hands(self.desk.settings), now, go_on=go_on)
                self.tally.add_talk(
                    queued=done.queued,
                    held=done.held,
                    held_for=done.held_for,
                    stopped_for=done.stopped_for,
                )
                if errands.failed:
                    told = f"errands of plans could not be done: {errands.failed}; see `doctor`"
                    self.desk.warn(told)
                if errands.again:
                    told = f"errands of plans will be tried again: {errands.again}; see `doctor`"
                    self.desk.warn(told)
        except KeyboardInterrupt:
            self._interrupted("while replies were worked")

    def _say_if_nothing(self, title: str, lines: int, known: int, jobs_only: bool) -> None:
        if self.tally.lines == lines:
            self.desk.note(f"{title} is empty: there is nothing to do")
        elif not jobs_only and self.tally.events + self.tally.rejected == known:
            read = _lines(self.tally.lines - lines)
            self.desk.note(f"{title} tells nothing new: no event in {read}")

    def _deliver_chunk(self) -> None:
        self.deliver()
        if self.ended == INTERRUPTED:
            raise KeyboardInterrupt

    def _interrupted(self, where: str) -> None:
        """Say how far it came and what waits; what was taken in is stored."""
        if self.ended != INTERRUPTED:
            told = f"interrupted {where}; nothing is lost, the same command goes on from there"
            waiting = 0 if self.dry_run else self.tally.queued - self.tally.sent
            if waiting > 0:
                told += f"; {_texts(waiting)} not sent yet"
            self.desk.note(told)
        self.ended = INTERRUPTED

    def remind(self) -> None:
        """Decide, keep and show the reminders that are due."""
        if self.is_over:
            return
        from smsnotify.engine.ticking import REMINDED, remind

        now = self.clock()
        try:
            with self._interrupts.heard(), self._interrupts.after():
                decisions = remind(
                    self._until_asked(self.planned_jobs()),
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
        except KeyboardInterrupt:
            self._interrupted("while reminders were looked for")

    def _until_asked(self, jobs: Iterator[PlannedJob]) -> Iterator[PlannedJob]:
        for job in jobs:
            self._interrupts.between()
            yield job

    def release(self) -> None:
        """Judge held texts again whose time has come, and show what became of them."""
        if self.is_over:
            return
        from smsnotify.engine.release import release_due

        try:
            with self._interrupts.heard(), self._interrupts.after():
                go_on = self._interrupts.go_on
                changed = release_due(
                    self.store,
                    self.rules,
                    self.policy,
                    self.clock(),
                    plans=self.desk.plans,
                    go_on=go_on,
                )
                for again in changed:
                    self._tell_again(again)
        except KeyboardInterrupt:
            self._interrupted("while held texts were judged again")

    def _tell_again(self, again: Again) -> None:
        self.released += 1
        decision, message = again.decision, again.message
        if decision is not None:
            self.tally.note_again(decision)
            self._print([decision])
        elif self.desk.verbosity and not self.desk.json:
            told = "join" if again.carried_by else "stop"
            show.say(f"{told}  {message.rule}  {message.job}  {again.reason}", show.mark("stop"))

    def look_up(self) -> None:
        """Ask about texts whose outcome is unknown; those that are surely not there go again."""
        if self.is_over:
            return
        from smsnotify.cli.delivering import look_up

        try:
            look_up(self.desk, self.clock)
        except KeyboardInterrupt:
            self._interrupted("while providers were asked")

    def planned_jobs(self) -> Iterator[PlannedJob]:
        """Yield the jobs that reminders look at."""
        from smsnotify.engine.ticking import stored_jobs

        return stored_jobs(self.memory, self.rules, self.clock())

    def send(self, told_yes: bool, *, queue_only: bool = False) -> None:
        """Let the volume guard have its word, then send this run's texts and all that is due."""
        if self.dry_run or self.ended == INTERRUPTED:
            return
        try:
            self.run.pass_guard(self.clock(), _ask_volume, told_yes=told_yes)
        except VolumeGuardError as error:
            self._broken = error
            return
        if not queue_only:
            self.deliver()

    def deliver(self) -> None:
        """Send what is due: this run's texts, and those that an earlier one could not send."""
        from smsnotify.cli.delivering import deliver

        delivered = deliver(self.desk, self.clock)
        self.tally.sent += delivered.report.sent
        self.tally.failed += delivered.report.failed
        self.tally.unknown += delivered.report.unknown
        self.ended = delivered.early_exit

    def finish(self) -> int:
        """Print the summary and return the exit code; `--quiet` prints it only for a look at it.

        Raises:
            SmsNotifyError: what ended the run early.
        """
        code = self.ended or int(self.tally.needs_a_look)
        if self.desk.json:
            show.emit_json(self.tally.as_json())
        elif code or not self.desk.quiet:
            released = self.released if self.run.command == "tick" else None
            summary_table(self.tally, dry_run=self.dry_run, released=released)
        self._say_what_waits()
        if self.dry_run:
            self.memory.close()
        if self._broken is not None and self.ended != INTERRUPTED:
            raise self._broken
        return code

    def _say_what_waits(self) -> None:
        tally = self.tally
        for cap, count in tally.beyond.items() if self.dry_run else ():  # else the log says so
            self.desk.warn(f"soft cap passed: {_texts(count)} beyond {cap}")
        if tally.duplicates:
            self.desk.note(f"{_texts(tally.duplicates)} already done: nothing is sent twice")
        if tally.held and not self.dry_run:
            told = ", ".join(f"{reason} {count}" for reason, count in tally.holds.items())
            self.desk.note(
                f"{_texts(tally.held)} held ({told}); held texts leave only if "
                "`sms-notify tick` runs"
            )

    def _shown(self, bar: show.Bar) -> Callable[[Taken], None]:
        def shown(taken: Taken) -> None:
            self._print(taken.decisions)
            self._tell_rejected(taken.rejected)
            sys.stdout.flush()  # whoever reads along with --follow shall not wait for more
            tally = self.tally
            bar.update(tally.events, texts=tally.queued, held=tally.held, rejected=tally.rejected)

        return shown

    def _tell_rejected(self, rejected: list[Rejected]) -> None:
        if self.desk.json:
            for line in rejected:
                show.emit_json(line.as_json())
            return
        before = self.tally.rejected - len(rejected)
        for line in rejected[: max(_TOLD_REJECTS - before, 0)]:
            self.desk.warn(rejected_line(line))
        if before <= _TOLD_REJECTS < self.tally.rejected:
            self.desk.warn("… and more")

    def _print(self, decisions: list[Decision]) -> None:
        if self.desk.json:
            for decision in decisions:
                show.emit_json(decision.as_json())
        elif self.desk.verbosity:
            timezone = self.desk.settings.timezone
            for decision in decisions:
                show.say(decision_line(decision, timezone), show.mark(decision.verdict.value))


def _books(desk: Desk, dry_run: bool, with_jobs: bool) -> tuple[Any, Any]:
    """Return what deciding remembers in, and the store: in a dry run None if there is none."""
    if not dry_run:
        return desk.store, desk.store
    from smsnotify.store.existing import stored_so_far
    from smsnotify.store.rehearsal import Rehearsal

    store = stored_so_far(build.database_url(desk.settings))
    return Rehearsal(store, with_snapshots=with_jobs), store


def _ask_volume(people: int, allowed: int) -> bool:
    try:
        return show.can_ask() and show.confirm(
            f"This run texts {people} people; {allowed} would be usual. Send them?"
        )
    except (KeyboardInterrupt, EOFError):
        return False


def _texts(count: int) -> str:
    return "1 text is" if count == 1 else f"{count:,} texts are"


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"
