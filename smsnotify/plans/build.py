"""Makes a plan out of its keys, and says everything that is wrong with what they mean."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from smsnotify.base.errors import PlanError
from smsnotify.model.job import Job
from smsnotify.model.plan import Entry, Match, Plan, Step
from smsnotify.model.reading import OPT_OUT_LINK
from smsnotify.model.rule import MARKETING_HOURS, MarketingHours, Purpose
from smsnotify.plans.content import pack, unpack, version_of
from smsnotify.plans.keywords import check_keywords
from smsnotify.plans.read import PlanDraft, read_plan
from smsnotify.plans.scope import Scope
from smsnotify.plans.steps import build_step
from smsnotify.rules.ages import DAY
from smsnotify.rules.marketing import check_hours_meet, check_marketing_hours
from smsnotify.rules.offers import offer_word
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.quiet import check_quiet_hours, quiet_hours_of
from smsnotify.rules.vocabulary import Vocabulary, vocabulary
from smsnotify.rules.wordings import all_in_one, check_language, check_language_field
from smsnotify.rules.yaml_nodes import MapNode, as_node, find

_LIFE: Final = timedelta(days=30)
_SEGMENTS: Final = 3


class PlacedPlan(NamedTuple):
    """A plan that could be compiled, and where it stands: a report, and the path in it."""

    report: Reporter
    path: Path
    plan: Plan
    places: dict[str, Path]

    def step(self, name: str) -> Path:
        """Return where a step stands."""
        return self.places[name]


def build_plan(draft: PlanDraft, words: Vocabulary) -> PlacedPlan | None:
    """Check what a plan's keys mean and compile it; None when anything was wrong with it."""
    keys, report, path = draft.keys, draft.report, draft.path
    before = report.errors
    scope = Scope(
        report=report,
        words=words,
        steps=tuple(step.name for step in draft.steps),
        asks=frozenset(step.name for step in draft.steps if step.keys.wait is not None),
        encoding=keys.encoding,
        max_segments=keys.max_segments or _SEGMENTS,
        language=keys.language or "",
        language_field=keys.language_field or "",
        reads=set(),
        events=set(),
    )
    if keys.language and _is_own(draft, "language"):
        check_language(keys.language, report, (*path, "language"))
    if keys.language_field and _is_own(draft, "language_field"):
        check_language_field(keys.language_field, words, report, (*path, "language_field"))
    entry = _entry(draft, scope)
    if keys.quiet_hours is not None and _is_own(draft, "quiet_hours"):
        check_quiet_hours(keys.quiet_hours, report, (*path, "quiet_hours"))
        if isinstance(keys.quiet_hours.then, dict):
            report.warn(
                (*path, "quiet_hours", "then"),
                "no_effect",
                "then by event changes nothing in a plan: only its default counts",
                "then: hold, or then: drop",
                key=True,
            )
    _check_marketing(draft)
    steps: dict[str, Step] = {step.name: build_step(step, scope) for step in draft.steps}
    if keys.name is None or not steps or not draft.sound or report.errors > before:
        return None
    plan = _plan(draft, scope, entry, steps)
    if keys.purpose == "marketing":
        check_hours_meet(plan.marketing_hours, plan.quiet_hours, report, (*path, "purpose"))
        if report.errors > before:
            return None
    return PlacedPlan(report, path, plan, {step.name: step.path for step in draft.steps})


def _is_own(draft: PlanDraft, key: str) -> bool:
    """Tell whether a key stands in the plan itself, not in the defaults of its file."""
    node = find(draft.report.root, draft.path)
    return isinstance(node, MapNode) and key in node.values


def _check_marketing(draft: PlanDraft) -> None:
    """Check hours for marketing, and that a plan of service offers nothing."""
    keys, report, at = draft.keys, draft.report, (*draft.path, "marketing_hours")
    if keys.marketing_hours is not None and _is_own(draft, "marketing_hours"):
        check_marketing_hours(keys.marketing_hours, report, at)
        if keys.purpose != "marketing":
            report.error(
                at,
                "hours_without_marketing",
                "marketing_hours go with purpose: marketing, and this plan is service",
                "quiet_hours hold service texts back",
                key=True,
            )
    if keys.purpose == "marketing":
        return
    for step in draft.steps:
        word = offer_word(all_in_one(step.keys.send))
        if word:
            report.warn(
                (*step.path, "send"),
                "offer_word",
                f"{word!r} reads like an offer, and the plan's purpose is service",
                "purpose: marketing, if it is one: then only those who asked for it get it",
            )


def _plan(draft: PlanDraft, scope: Scope, entry: Entry, steps: dict[str, Step]) -> Plan:
    keys, words, quiet = draft.keys, scope.words, draft.keys.quiet_hours
    hours = keys.marketing_hours
    facets = {name.partition("__")[2] for name in scope.reads if name.startswith("contact__")}
    set_here = {name for step in steps.values() for name in step.set}
    used = {*scope.reads, *facets, *set_here, keys.language_field or ""}
    content = pack(
        draft.written,
        {name: kind for name, kind in words.custom.items() if name in used},
        scope.events & words.own_events,
    )
    return Plan(
        name=keys.name or "",
        version=version_of(content),
        content=content,
        entry=entry,
        purpose=Purpose(keys.purpose),
        re_enter=keys.re_enter,
        max_life=keys.max_life or _LIFE,
        steps=steps,
        route=keys.route or "",
        encoding=keys.encoding,
        max_segments=scope.max_segments,
        quiet_hours=quiet_hours_of(quiet, ()) if quiet else None,
        marketing_hours=MarketingHours(hours.start, hours.end) if hours else MARKETING_HOURS,
        expires=keys.expires or DAY,
        enabled=keys.enabled,
        max_steps=keys.max_steps,
        max_burst=keys.max_burst,
        reads=frozenset(scope.reads),
        file=draft.report.file,
        line=draft.report.place(draft.path)[0],
    )


def _entry(draft: PlanDraft, scope: Scope) -> Entry:
    keys, path = draft.keys.enter, (*draft.path, "enter")
    if keys is None:
        return Entry()
    match = Match(keys.match)
    check_keywords(keys.keywords, match, scope.report, (*path, "keywords"), listed=True)
    if draft.sound and not (keys.keywords or keys.any_text or keys.events):
        scope.report.error(
            path,
            "missing_key",
            "enter lets nobody in",
            "keywords: [HELLO], or take enter out: rules, plans and clerks can start it always",
        )
    tests = scope.conditions(keys.where, (*path, "where"), answers=False)
    return Entry(
        keywords=tuple(keys.keywords),
        match=match,
        any_text=keys.any_text,
        events=scope.heard(keys.events, (*path, "events")),
        tests=tuple(each.test for each in tests),
    )


def plan_of_content(version: str, content: bytes) -> Plan:
    """Compile a plan from its stored content.

    Raises:
        PlanError: the content is damaged, is not that version's, or is no plan to this program.
    """
    if version_of(content) != version:
        raise PlanError(f"the stored content of plan version {version} is not the one it was")
    read = unpack(content)
    root = MapNode(1, 1, {}, {"plans": as_node([read.plan])})
    report = Reporter(f"version {version}", "", root)
    draft = read_plan(read.plan, {}, report, ("plans", 0))
    placed = build_plan(draft, vocabulary(read.custom_fields, read.custom_events, ""))
    if placed is None:
        told = next(one.message for one in report.problems if one.severity == "error")
        name = read.plan.get("name")
        raise PlanError(
            f"version {version} of the plan {name!r} cannot be used any more: {told}",
            hint="move the people in it, or end their enrolments",
        )
    return placed.plan


def job_fields(plan: Plan) -> frozenset[str]:
    """Return the job fields that a plan reads."""
    spaces = ("contact__", "replies__")
    return frozenset(
        name
        for name in plan.reads
        if not name.startswith(spaces) and name != OPT_OUT_LINK and not hasattr(Job, name)
    )
