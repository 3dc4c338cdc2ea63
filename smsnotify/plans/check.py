"""Looks at plans as wholes: does every step lead anywhere, and are the plans they name there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from smsnotify.base.errors import MissingValueError
from smsnotify.model.plan import Other, Plan, Step, Words
from smsnotify.model.reading import OPT_OUT_LINK
from smsnotify.plans.build import PlacedPlan
from smsnotify.plans.check_words import check_claims, check_words
from smsnotify.plans.consent_words import ConsentWords
from smsnotify.plans.scope import shown
from smsnotify.plans.ways import Graph, Way, circle, graph_of, reachable, way_out
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.scalars import did_you_mean


def check_plans(placed: Sequence[PlacedPlan], names: frozenset[str], consent: ConsentWords) -> None:
    """Report what is wrong with plans that are right key by key.

    `names` are those of all plans, also of the ones that could not be compiled. `consent` are the
    words that never reach a plan.
    """
    enabled = {one.plan.name for one in placed if one.plan.enabled}
    broken = names - {one.plan.name for one in placed}
    for one in placed:
        graph = graph_of(one.plan)
        _check_ways(one, graph)
        _check_times(one)
        _check_values(one, graph)
        check_words(one, consent)
        for step in one.plan.steps.values():
            for key, target in (("start_plan", step.start_plan), ("move_to", step.move_to)):
                if target and target not in broken:
                    at = (*one.step(step.name), key)
                    check_start(target, enabled, names, one.report, at, is_on=one.plan.enabled)
    check_claims(placed)
    _check_round_trips(placed)


def check_start(
    name: str,
    enabled: set[str],
    names: frozenset[str],
    report: Reporter,
    path: Path,
    *,
    is_on: bool,
) -> None:
    """Report a plan that is to be started and is not there, or is off while this is on."""
    if name not in names:
        listed = f"the plans are {', '.join(sorted(names))}" if names else "no file has a plan"
        report.error(
            path, "unknown_plan", f"there is no plan {name!r}", did_you_mean(name, names) or listed
        )
    elif is_on and name not in enabled:
        report.warn(
            path,
            "plan_is_off",
            f"the plan {name!r} is off: nobody comes into it",
            "enabled: true in the plan",
        )


def _check_ways(one: PlacedPlan, graph: Graph) -> None:
    """Report steps that nobody comes to, that nobody leaves, and circles without a wait."""
    plan, report = one.plan, one.report
    come_to = reachable(graph, plan.first.name)
    for name in plan.steps:
        if name not in come_to:
            report.warn(
                one.step(name),
                "unreachable_step",
                f"nobody ever comes to the step {name!r}",
                "let a step lead to it, or take it out",
                key=True,
            )
    round_trip = circle(graph)
    if round_trip:
        report.error(
            one.step(round_trip[0]),
            "endless_loop",
            f"these steps lead round without a pause: {' → '.join(round_trip)}",
            "put a wait, a listen or a delay between them, or end somewhere",
            key=True,
        )
        return
    leaves = way_out(graph)
    stuck = [name for name in plan.steps if name in come_to and name not in leaves]
    if stuck:
        report.warn(
            one.step(stuck[0]),
            "dead_end",
            f"whoever comes to the step {stuck[0]!r} leaves the plan only when max_life is over",
            "let one of its ways lead to an end",
            key=True,
        )


def _check_round_trips(placed: Sequence[PlacedPlan]) -> None:
    """Report plans that begin each other, or themselves, without a pause and without an end."""
    by_name = {one.plan.name: one for one in placed}
    graph = {name: _begun_at_once(one.plan, by_name) for name, one in by_name.items()}
    names = circle(graph)
    if names:
        one = by_name[names[0]]
        one.report.error(
            (*one.path, "name"),
            "endless_loop",
            f"these plans begin each other without a pause: {' → '.join(names)}",
            "put a wait, a listen or a delay before it, or re_enter: never",
        )


def _begun_at_once(plan: Plan, by_name: Mapping[str, PlacedPlan]) -> list[Way]:
    """Return the plans that begin before whoever comes into this one has paused."""
    found: dict[str, None] = {}
    graph = graph_of(plan)
    at_once = {name: [way for way in on if not way.pauses] for name, on in graph.items()}
    for name in sorted(reachable(at_once, plan.first.name)):
        step = plan.steps[name]
        begun = [step.start_plan, step.move_to]
        begun += [
            other.plan.name
            for other in by_name.values()
            if step.emit and step.emit in other.plan.entry.events and other.plan.enabled
        ]
        found |= dict.fromkeys(begun)
    return [
        Way("", name)
        for name in found
        if name in by_name and by_name[name].plan.re_enter != "never"
    ]


def _check_times(one: PlacedPlan) -> None:
    """Report waits that the end of the plan's life always cuts short."""
    life = one.plan.max_life
    for name, step in one.plan.steps.items():
        for key, part in (("wait", step.wait), ("listen", step.listen), ("delay", step.delay)):
            if part is not None and part.lasting is not None and part.lasting >= life:
                one.report.warn(
                    (*one.step(name), key, "for"),
                    "longer_than_life",
                    f"this {key} is as long as max_life or longer: the plan is over before it",
                    "shorten it, or give the plan a longer max_life",
                )


def _check_values(one: PlacedPlan, graph: Graph) -> None:
    """Report texts that need what nobody can have there: a field of a job, an answer."""
    plan, entry = one.plan, one.plan.entry
    without_job = entry.keywords or entry.any_text
    way_in = "a keyword" if entry.keywords else "any text"
    of_people = {OPT_OUT_LINK} | {name for name in plan.reads if shown(name) != name}
    behind = {
        f"replies__{asked}": _behind(graph, asked)
        for asked, step in plan.steps.items()
        if step.wait is not None and f"replies__{asked}" in plan.reads
    }
    for name, step in plan.steps.items():
        unanswered = {answer for answer, steps in behind.items() if name not in steps}
        for path, words in _texts(step):
            at = (*one.step(name), *path)
            field = _missing(words, of_people) if without_job else ""
            if field:
                one.report.warn(
                    at,
                    "no_job",
                    f"{{{{ {field} }}}} has no value for whoever came in by {way_in}: there is no "
                    "job, and the text is stopped",
                    f"{{{{ {field} | default('…') }}}}",
                )
            field = _missing(words, plan.reads - unanswered)
            if field:
                one.report.warn(
                    at,
                    "no_answer",
                    f"{{{{ {field} }}}} has no value here: nobody has answered that step before",
                    f"{{{{ {field} | default('…') }}}}",
                )


def _behind(graph: Graph, name: str) -> set[str]:
    """Return the steps that a person can come to after a step."""
    after: set[str] = set()
    for way in graph[name]:
        if not way.ends and way.target not in after:
            after |= reachable(graph, way.target)
    return after


def _texts(step: Step) -> Iterator[tuple[Path, Words]]:
    if step.send is not None:
        yield ("send",), step.send
    if step.title is not None:
        yield ("subject",), step.title
    if step.alert is not None:
        yield ("alert",), step.alert
    if step.wait is not None and isinstance(step.wait.other, Other) and step.wait.other.send:
        yield ("wait", "other", "send"), step.wait.other.send


class _Known:
    """A view in which the named attributes have a value, and nothing else has."""

    def __init__(self, names: Iterable[str]) -> None:
        for name in names:
            setattr(self, name, "x")


def _missing(words: Words, known: Iterable[str]) -> str:
    """Return the first field that a text cannot do without, `''` when all it needs is known."""
    try:
        words(_Known(known))
    except MissingValueError as error:
        return error.field
    return ""
