"""Walks an enrolment from step to step until it waits or is over.

A walk is short-lived and changes in place; what comes out of it is frozen. Every step that is
entered is one transition, and so is the end; nothing is rendered twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from smsnotify.base.errors import MissingValueError
from smsnotify.model.contact import Contact
from smsnotify.model.enrolment import (
    Advance,
    Enrolment,
    Errand,
    PlanText,
    Transition,
    Waiting,
)
from smsnotify.model.job import Job
from smsnotify.model.plan import Other, Outcome, Plan, Step, Words
from smsnotify.model.rule import SMS
from smsnotify.plans.deadlines import bounded, until_local
from smsnotify.plans.view import PlanView

END: Final = "end"
MISSING: Final = "missing_value"
_OUTCOMES: Final = frozenset(Outcome)
_TICK: Final = timedelta(microseconds=1)


class Walk:
    """One input on its way through a plan."""

    def __init__(
        self,
        plan: Plan,
        enrolment: Enrolment,
        contact: Contact,
        job: Job | None,
        now: datetime,
        *,
        cause: str,
        ref: str = "",
        seen: datetime | None = None,
        timezone: str = "UTC",
        opt_out_link: str = "",
    ) -> None:
        """Begin where the enrolment stands.

        `seen` is when the reply or event came that moves it: the next wait begins behind that.
        `timezone` is for people of whom none is known.
        """
        self.opt_out_link = opt_out_link
        self.plan = plan
        self.was = enrolment
        self.contact = contact
        self.job = job
        self.now = now
        self.cause = cause
        self.ref = ref
        self.seen = seen
        self.version = enrolment.version
        self.timezone = timezone
        self.step = enrolment.step
        self.turn = enrolment.turn
        self.steps_taken = enrolment.steps_taken
        self.visits = dict(enrolment.visits)
        self.answers = dict(enrolment.answers)
        self.goal_value = enrolment.goal_value
        self.transitions: list[Transition] = []
        self.texts: list[PlanText] = []
        self.facets: dict[str, Any] = {}
        self.tags: list[str] = []
        self.goals: list[tuple[str, float | None]] = []
        self.errands: list[Errand] = []
        self._burst = 0

    # The way.

    def go(self, target: str, path: str, *, end: Outcome) -> Advance:
        """Go to a step or an end, and on from there until the person waits or is out.

        `end` is the outcome that the target `end` means where it stands.
        """
        while True:
            if target == END:
                return self.over(end, path)
            if target in _OUTCOMES:
                return self.over(Outcome(target), path)
            step = self.plan.steps.get(target)
            if step is None:
                return self.over(Outcome.FAILED, "no_such_step")
            if self._burst >= self.plan.max_burst or self.steps_taken >= self.plan.max_steps:
                return self.over(Outcome.FAILED, "budget")
            waits = step.wait is not None or step.listen is not None or step.delay is not None
            if waits and self.now >= self.was.expires_at:
                return self.over(Outcome.EXPIRED, "max_life")
            self._enter(step, path)
            self._do(step)
            text = self._say(step)
            if step.start_plan:
                self._errand(step, "start_plan", {"plan": step.start_plan, "ref": self._ref(step)})
            if step.wait is not None:
                if text is not None and text.missing:
                    self.cause, self.ref = "not_delivered", MISSING
                    target, path, end = step.wait.not_delivered, "not_delivered", Outcome.EXITED
                    continue
                asked = text.occasion if text is not None else ""
                return self._wait(Waiting.REPLY, step.wait.lasting, message_id=asked)
            if step.listen is not None:
                return self._wait(Waiting.EVENT, step.listen.lasting)
            if step.delay is not None:
                return self._wait_until(self._delayed(step))
            if step.move_to:
                moved = {"plan": step.move_to, "ref": self._ref(step), "moved": True}
                self._errand(step, "start_plan", moved, key="move_to")
                return self.over(Outcome.FINISHED, "move_to")
            if step.end is not None:
                return self.over(step.end, "end")
            target, path = self.onward(step)
            end = Outcome.FINISHED

    def onward(self, step: Step) -> tuple[str, str]:
        """Return where a step leads by itself, and the path's name."""
        if step.decide:
            view = self.view
            for number, choice in enumerate(step.decide, 1):
                if not choice.tests:
                    return choice.target, "else"
                if all(test(view) for test in choice.tests):
                    return choice.target, f"if/{number}"
        if step.then:
            return step.then, "then"
        return self.plan.after(step.name), "next"

    def _enter(self, step: Step, path: str) -> None:
        name = step.name
        self._record(name, path)
        self.step = name
        self.visits[name] = self.visits.get(name, 0) + 1
        self.steps_taken += 1
        self._burst += 1

    def _record(self, to: str, path: str) -> None:
        self.turn += 1
        self.transitions.append(
            Transition(
                enrolment_id=self.was.id,
                turn=self.turn,
                from_step=self.step,
                to_step=to,
                path=path,
                cause=self.cause,
                ref=self.ref,
                at=self.now,
            )
        )

    # What a step does.

    @property
    def view(self) -> PlanView:
        """What texts and conditions read at this moment."""
        return PlanView(self.contact, self.answers, self.job, self.opt_out_link)

    def _do(self, step: Step) -> None:
        if step.set:
            self._set(step.set)
        if step.tag:
            self.tags += step.tag
            tags = self.contact.tags.union(step.tag)
            self.contact = msgspec.structs.replace(self.contact, tags=tags)
        if step.goal:
            self.goals.append((step.goal, step.value))
            self.goal_value += step.value or 0.0
        if step.emit:
            self._errand(step, "emit", {"event": step.emit})
        if step.action:
            view = self.view
            row = {key: _rendered(words, view)[0] for key, words in step.action.items()}
            self._errand(step, "action", {"row": row})
        if step.webhook:
            self._errand(step, "webhook", {"url": step.webhook, "answers": dict(self.answers)})
        if step.alert is not None:
            text, missing = _rendered(step.alert, self.view)
            told = step.alert_source if text is None else text  # an alarm is told with gaps too
            self._errand(step, "alert", {"text": told, "missing": missing})

    def _set(self, written: Mapping[str, Any]) -> None:
        view = self.view
        for name, value in written.items():
            if callable(value):
                text, _ = _rendered(value, view)
                if text is None:
                    continue  # what is not known stays as it is
                self.facets[name] = text
            else:
                self.facets[name] = value
        facets = {**self.contact.facets, **self.facets}
        self.contact = msgspec.structs.replace(self.contact, facets=facets)

    def _say(self, step: Step) -> PlanText | None:
        if step.send is None:
            return None
        return self._text(step, step.send, self._ref(step), channel=step.channel, title=step.title)

    def _text(
        self,
        step: Step,
        words: Words,
        occasion: str,
        *,
        channel: str = SMS,
        title: Words | None = None,
    ) -> PlanText:
        body, missing = _rendered(words, self.view)
        heading: str | None = ""
        if title is not None and not missing:
            heading, missing = _rendered(title, self.view)
        text = PlanText(
            step=step.name,
            occasion=occasion,
            body="" if missing else body or "",
            missing=missing,
            route=step.route if channel == step.channel else "",
            asks=step.wait is not None and not missing,
            channel=channel,
            title=heading or "",
        )
        self.texts.append(text)
        return text

    def _errand(self, step: Step, kind: str, data: dict[str, Any], key: str = "") -> None:
        key = f"{self.was.id}/{self._ref(step)}/{key or kind}"
        said = {"plan_name": self.plan.name, "step": step.name, **data}
        self.errands.append(Errand(kind=kind, key=key, data=said))

    def _ref(self, step: Step) -> str:
        return f"{step.name}/{self.visits[step.name]}"

    # Where it ends for now.

    def over(self, outcome: Outcome, path: str) -> Advance:
        """The person is out, with this outcome."""
        self._record(outcome.value, path)
        return self._done(outcome.value, Waiting.NOTHING, None, None, 0, "")

    def ask_again(self, step: Step, other: Other, lasting: timedelta) -> Advance:
        """Answer a text that no branch knows; the person has the whole time again."""
        if self.now >= self.was.expires_at:
            return self.over(Outcome.EXPIRED, "max_life")
        times = self.was.others + 1
        self._record(self.step, "again")
        said = ""
        if other.send is not None:
            said = self._text(step, other.send, f"{self._ref(step)}/other/{times}").occasion
        due_at = bounded(self.now, lasting, self.was.expires_at)
        # The same wait goes on: whatever came behind this very text still counts.
        since = self._since() if self.seen is None else self.seen + _TICK
        return self._done("waiting", Waiting.REPLY, since, due_at, times, said)

    def _wait(self, waiting: Waiting, lasting: timedelta, message_id: str = "") -> Advance:
        due_at = bounded(self.now, lasting, self.was.expires_at)
        return self._done("waiting", waiting, self._since(), due_at, 0, message_id)

    def _wait_until(self, due_at: datetime) -> Advance:
        return self._done("waiting", Waiting.DELAY, self._since(), due_at, 0, "")

    def _delayed(self, step: Step) -> datetime:
        delay, expires_at = step.delay, self.was.expires_at
        if delay is not None and delay.until is not None:
            return until_local(
                delay.until,
                self.now,
                expires_at,
                zones=(self.contact.time_zone, self.job.time_zone if self.job else ""),
                number=self.was.number,
                timezone=self.timezone,
            )
        lasting = delay.lasting if delay is not None else None
        return bounded(self.now, lasting or timedelta(), expires_at)

    def _since(self) -> datetime:
        """Return when the new wait begins: now, and behind all that the old one may have seen."""
        since = self.now
        if self.seen is not None and self.seen >= since:
            since = self.seen + _TICK
        before = self.was.waits_since
        return since if before is None or before < since else before

    def _done(
        self,
        state: str,
        waiting: Waiting,
        since: datetime | None,
        due_at: datetime | None,
        others: int,
        message_id: str,
    ) -> Advance:
        is_over = waiting is Waiting.NOTHING
        return Advance(
            enrolment=msgspec.structs.replace(
                self.was,
                version=self.version,
                state=state,
                step=self.step,
                visits=self.visits,
                turn=self.turn,
                steps_taken=self.steps_taken,
                waiting=waiting,
                waits_since=since,
                due_at=due_at,
                others=others,
                answers=self.answers,
                message_id=message_id,
                goal_value=self.goal_value,
                ended_at=self.now if is_over else None,
            ),
            transitions=tuple(self.transitions),
            texts=tuple(self.texts),
            facets=self.facets,
            tags=frozenset(self.tags),
            goals=tuple(self.goals),
            errands=tuple(self.errands),
        )


def _rendered(words: Words, view: PlanView) -> tuple[str | None, str]:
    """Return the text, or None and the name of the field that has no value."""
    try:
        return words(view), ""
    except MissingValueError as missing:
        return None, missing.field
