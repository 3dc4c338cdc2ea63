"""The ways that lead from step to step: what drawings show and checks walk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from smsnotify.model.plan import ENDS, Other, Outcome, Plan, Step


class Way(NamedTuple):
    """One way on from a step.

    `path` is the word that transitions are stored with, `key` for a branch of a wait. `target` is
    a step, or an outcome. `pauses`: time passes, or a person does something, before it is taken.
    """

    path: str
    target: str
    pauses: bool = False
    label: str = ""

    @property
    def ends(self) -> bool:
        """True when the plan is over there."""
        return self.target in ENDS


Graph = Mapping[str, Sequence[Way]]
"""The ways on from every step, by its name."""


def ways(plan: Plan, step: Step) -> list[Way]:
    """Return every way on from a step, in the order in which they are looked at.

    `end` is written as the outcome that it means there.
    """
    if step.wait is not None:
        return list(_from_wait(step))
    if step.listen is not None:
        listen = step.listen
        heard = " or ".join(sorted(listen.events))
        return [
            Way("heard", outcome(listen.then, Outcome.FINISHED), pauses=True, label=heard),
            Way("else", outcome(listen.otherwise, Outcome.EXPIRED), pauses=True, label="else"),
        ]
    if step.decide:
        return [
            Way(
                f"if/{number}" if choice.tests else "else",
                outcome(choice.target, Outcome.FINISHED),
                label=" and ".join(choice.asked) or "else",
            )
            for number, choice in enumerate(step.decide, 1)
        ]
    if step.move_to:
        return [Way("move_to", Outcome.FINISHED, label=f"moves to {step.move_to}")]
    if step.end is not None:
        return [Way("end", step.end)]
    target = outcome(step.then, Outcome.FINISHED) if step.then else plan.after(step.name)
    path = "then" if step.then else "next"
    return [Way(path, target, pauses=step.delay is not None)]


def _from_wait(step: Step) -> Iterator[Way]:
    wait = step.wait
    assert wait is not None, "asked for a step that waits"
    for branch in wait.branches:
        yield Way(branch.key, outcome(branch.target, Outcome.EXITED), pauses=True, label=branch.key)
    if wait.other is not None:
        target = wait.other.then if isinstance(wait.other, Other) else wait.other
        yield Way("other", outcome(target, Outcome.EXITED), pauses=True, label="other")
    yield Way("no_reply", outcome(wait.no_reply, Outcome.EXPIRED), pauses=True, label="no reply")
    if step.send is None:
        return
    # What a gate stops is not delivered at once: going round this way takes no time at all.
    yield Way("not_delivered", outcome(wait.not_delivered, Outcome.EXITED), label="not delivered")


def outcome(target: str, of_end: Outcome) -> str:
    """Return a target with `end` as the outcome that it means in its place."""
    return of_end if target == "end" else target


def graph_of(plan: Plan) -> Graph:
    """Return the ways on from every step."""
    return {name: ways(plan, step) for name, step in plan.steps.items()}


def reachable(graph: Graph, start: str) -> set[str]:
    """Return the steps that a person can come to from a step, itself included."""
    found, waiting = {start}, [start]
    while waiting:
        for way in graph[waiting.pop()]:
            if not way.ends and way.target not in found:
                found.add(way.target)
                waiting.append(way.target)
    return found


def way_out(graph: Graph) -> set[str]:
    """Return the steps from which a person can reach an end."""
    leading: dict[str, list[str]] = {}
    for name, found in graph.items():
        for way in found:
            leading.setdefault("" if way.ends else way.target, []).append(name)
    out: set[str] = set()
    waiting = [""]
    while waiting:
        for name in leading.get(waiting.pop(), ()):
            if name not in out:
                out.add(name)
                waiting.append(name)
    return out


def circle(graph: Graph) -> list[str]:
    """Return steps that lead round without a pause, the first one last again; [] for none."""
    done: set[str] = set()
    for start in graph:
        trail: list[str] = []
        at: list[Iterator[str]] = [iter([start])]
        while at:
            name = next(at[-1], None)
            if name is None:
                at.pop()
                if trail:
                    done.add(trail.pop())
            elif name in trail:
                return [*trail[trail.index(name) :], name]
            elif name not in done:
                trail.append(name)
                at.append(way.target for way in graph[name] if not way.pauses and not way.ends)
    return []
