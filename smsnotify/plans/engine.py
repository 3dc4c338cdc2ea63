"""The plan engine: one input to one enrolment, and what it comes to. Pure and total.

Nothing here reads a clock, a file or the books, and nothing raises: what an input cannot move
comes back unchanged, with `consumed` False. A reply counts when it was received while the wait
was open, however late it is worked; the same input a second time finds the wait closed.

Names of `Transition.path` besides the keys of branches: `start`, `next`, `then`, `else`, `if/N`
(the N-th line of a decision), `other`, `again` (the question was asked again), `no_reply`,
`not_delivered`, `heard`, `end`, `move_to`, `moved` (by a clerk), `max_life`, `budget`,
`no_such_step`, and the reason of an Ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from smsnotify.model.contact import Contact
from smsnotify.model.enrolment import (
    Advance,
    Ended,
    Enrolment,
    Happened,
    Input,
    MovedTo,
    NotDelivered,
    Replied,
    Started,
    TimeUp,
    Waiting,
)
from smsnotify.model.job import Job
from smsnotify.model.plan import Other, Outcome, Plan, Step
from smsnotify.plans.deadlines import life_end
from smsnotify.plans.walk import Walk
from smsnotify.plans.words import LONGEST, matcher

_TAGS: Final[dict[type, str]] = {
    kind: str(kind.__struct_config__.tag)
    for kind in (Started, Replied, Happened, TimeUp, NotDelivered, Ended, MovedTo)
}


def enrol(
    plan: Plan,
    *,
    id: str,
    contact: Contact,
    number: str,
    mode: str,
    source: str,
    now: datetime,
    job: Job | None = None,
    subject: str = "",
    account: str = "",
    ours: str = "",
) -> Enrolment:
    """Return a person at the door of a plan; `advance` with `Started` takes the first step.

    `job` is what it is about, `subject` its key in the books.
    """
    return Enrolment(
        id=id,
        plan=plan.name,
        version=plan.version,
        contact_id=contact.id,
        number=number,
        mode=mode,
        account=account,
        ours=ours,
        subject=subject,
        job=job.number if job is not None else "",
        source=source,
        entered_at=now,
        expires_at=life_end(now, plan.max_life),
    )


def advance(
    plan: Plan,
    enrolment: Enrolment,
    input: Input,
    *,
    contact: Contact,
    job: Job | None = None,
    now: datetime,
    timezone: str = "UTC",
    opt_out_link: str = "",
) -> Advance:
    """Return what an input does to an enrolment.

    `plan` is the version that the enrolment is on; only MovedTo may come with another one, and
    puts it there. `timezone` is the settings' own, for `until` of people whose zone nobody knows.
    `opt_out_link` is what texts print for it, `''` where there is none.
    A NotDelivered is about the last question when its `message_id` is the enrolment's: until the
    caller has put a message's id there, that is the occasion of the text.
    """
    if enrolment.is_over:
        return _unmoved(enrolment)
    walk = Walk(
        plan,
        enrolment,
        contact,
        job,
        now,
        timezone=timezone,
        cause=_TAGS[type(input)],
        opt_out_link=opt_out_link,
    )
    if isinstance(input, Replied):
        return _reply(walk, input)
    if isinstance(input, TimeUp):
        return _time_up(walk)
    if isinstance(input, Started):
        return _start(walk, input)
    if isinstance(input, Happened):
        return _happened(walk, input)
    if isinstance(input, NotDelivered):
        return _not_delivered(walk, input)
    if isinstance(input, Ended):
        walk.ref = input.reason
        return walk.over(Outcome.EXITED, input.reason)
    return _moved(walk, input)


def _unmoved(enrolment: Enrolment, *, to_inbox: bool = False) -> Advance:
    return Advance(enrolment=enrolment, consumed=False, to_inbox=to_inbox)


def _start(walk: Walk, started: Started) -> Advance:
    if walk.step or walk.turn:
        return _unmoved(walk.was)
    walk.ref = started.ref
    return walk.go(walk.plan.first.name, "start", end=Outcome.FINISHED)


def is_open(enrolment: Enrolment, at: datetime) -> bool:
    """Tell whether a wait sees what came in at an instant."""
    since, due_at = enrolment.waits_since, enrolment.due_at
    return since is not None and due_at is not None and since <= at <= due_at


def awaits_reply(enrolment: Enrolment, received_at: datetime) -> bool:
    """Tell whether an enrolment waits for a reply that was received at an instant."""
    return enrolment.waiting is Waiting.REPLY and is_open(enrolment, received_at)


def answer_of(plan: Plan, enrolment: Enrolment, body: str) -> str | None:
    """Return the key of the branch that a text fits at the step where a person waits."""
    step = plan.steps.get(enrolment.step)
    if step is None or step.wait is None:
        return None
    return matcher(step.wait.branches, step.wait.match)(body)


def _reply(walk: Walk, reply: Replied) -> Advance:
    was, step = walk.was, walk.plan.steps.get(walk.step)
    if not awaits_reply(was, reply.received_at):
        return _unmoved(was)
    walk.ref, walk.seen = reply.id, reply.received_at
    if step is None or step.wait is None:
        return walk.over(Outcome.FAILED, "no_such_step")
    wait, key = step.wait, answer_of(walk.plan, was, reply.body)
    if key is not None:
        walk.answers[step.name] = _kept(reply.body)
        target = next(branch.target for branch in wait.branches if branch.key == key)
        return walk.go(target, key, end=Outcome.EXITED)
    if wait.other is None:
        return _unmoved(was, to_inbox=True)
    if isinstance(wait.other, Other):
        if wait.other.send is not None and was.others < wait.other.times:
            return walk.ask_again(step, wait.other, wait.lasting)
        target = wait.other.then
    else:
        target = wait.other
    walk.answers[step.name] = _kept(reply.body)
    return walk.go(target, "other", end=Outcome.EXITED)


def _kept(body: str) -> str:
    return body[:LONGEST].strip()


def _time_up(walk: Walk) -> Advance:
    was, step = walk.was, walk.plan.steps.get(walk.step)
    if was.due_at is None or walk.now < was.due_at:
        return _unmoved(was)
    if was.due_at >= was.expires_at or walk.now >= was.expires_at:
        return walk.over(Outcome.EXPIRED, "max_life")
    if was.waiting is Waiting.REPLY and step is not None and step.wait is not None:
        return walk.go(step.wait.no_reply, "no_reply", end=Outcome.EXPIRED)
    if was.waiting is Waiting.EVENT and step is not None and step.listen is not None:
        return walk.go(step.listen.otherwise, "else", end=Outcome.EXPIRED)
    if was.waiting is Waiting.DELAY and step is not None and step.delay is not None:
        target, path = walk.onward(step)
        return walk.go(target, path, end=Outcome.FINISHED)
    return walk.over(Outcome.FAILED, "no_such_step")


def _happened(walk: Walk, event: Happened) -> Advance:
    was, step = walk.was, walk.plan.steps.get(walk.step)
    if was.waiting is not Waiting.EVENT or not is_open(was, event.at):
        return _unmoved(was)
    if step is None or step.listen is None or event.name not in step.listen.events:
        return _unmoved(was)
    walk.ref, walk.seen = event.id, event.at
    return walk.go(step.listen.then, "heard", end=Outcome.FINISHED)


def _not_delivered(walk: Walk, failure: NotDelivered) -> Advance:
    was, step = walk.was, walk.plan.steps.get(walk.step)
    asked = was.waiting is Waiting.REPLY and was.message_id == failure.message_id
    if not (asked and failure.message_id) or step is None or step.wait is None:
        return _unmoved(was)
    walk.ref = failure.reason
    return walk.go(step.wait.not_delivered, "not_delivered", end=Outcome.EXITED)


def _moved(walk: Walk, moved: MovedTo) -> Advance:
    if moved.step not in walk.plan.steps:
        return _unmoved(walk.was)
    walk.version = walk.plan.version
    walk.ref = moved.step
    return walk.go(moved.step, "moved", end=Outcome.FINISHED)


def paths_of(step: Step) -> Iterator[str]:
    """Yield the names of the ways that lead on from a step: what a test can cover."""
    if step.wait is not None:
        for branch in step.wait.branches:
            yield branch.key
        if isinstance(step.wait.other, Other) and step.wait.other.send is not None:
            yield "again"
        if step.wait.other is not None:
            yield "other"
        yield "no_reply"
        if step.send is not None:
            yield "not_delivered"
    elif step.listen is not None:
        yield from ("heard", "else")
    elif step.move_to:
        yield "move_to"
    elif step.end is not None:
        yield "end"
    elif step.decide:
        for number, choice in enumerate(step.decide, 1):
            yield f"if/{number}" if choice.tests else "else"
    else:
        yield "then" if step.then else "next"
