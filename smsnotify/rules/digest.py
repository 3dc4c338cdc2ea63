"""What a rule says of digests: which jobs share a text, and what that text may name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from smsnotify.base.durations import format_duration
from smsnotify.model.job import ITEM_FIELDS
from smsnotify.model.reading import of_person
from smsnotify.model.rule import Digest
from smsnotify.rules.ages import Limit
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import RuleKeys
from smsnotify.rules.vocabulary import Vocabulary
from smsnotify.rules.where import unknown_field
from smsnotify.text.template import Template

JOBS: Final = "jobs"
"""The list of a digest's jobs, in templates."""

JOBS_HINT: Final = "jobs goes with digest: {by: [phone_number, date], wait: 10m}"


def read_digest(
    keys: RuleKeys,
    words: Vocabulary,
    ages: tuple[Limit, Mapping[str, Limit]],
    report: Reporter,
    path: Path,
) -> Digest | None:
    """Return how a rule puts its texts together, None for the many that do not."""
    digest = keys.digest
    if digest is None:
        return None
    at = (*path, "digest")
    if keys.start_plan is not None:
        report.error(
            at,
            "digest",
            "the rule starts a plan, and everybody talks with a plan alone",
            "take digest out",
            key=True,
        )
    if "reply" in keys.events:
        report.error(
            (*path, "events", keys.events.index("reply")),
            "digest",
            "a reply is about a person and not about a job: there is nothing to put together",
            "take reply or digest out",
        )
    for key, waits in (("after", keys.after), ("for", keys.unchanged)):
        if waits is not None:
            report.error(
                at,
                "digest",
                f"a text waits for others or for its own time: digest does not go with {key}",
                f"take digest or {key} out",
                key=True,
            )
    if not digest.by:
        told = "digest.by names no field: every job of a recipient would be alike"
        report.error((*at, "by"), "digest", told, "by: [phone_number, date]")
    seen: set[str] = set()
    for index, field in enumerate(digest.by):
        place = (*at, "by", index)
        kind = words.fields.get(field)
        if kind is None:
            unknown_field(field, words, report, place)
        elif kind == "list":
            told = f"{field} is a list, and jobs cannot be alike in one"
            report.error(place, "digest", told, "name a field with one value, such as date")
        elif field in seen:
            report.error(place, "doubled", f"the field {field!r} is in the list twice")
        seen.add(field)
    made = Digest(tuple(digest.by), digest.wait)
    _check_ages(keys, made, ages, report, (*at, "wait"))
    return made


def _check_ages(
    keys: RuleKeys,
    digest: Digest,
    ages: tuple[Limit, Mapping[str, Limit]],
    report: Reporter,
    path: Path,
) -> None:
    """Freshness counts when the text leaves: what waits longer than its news lasts never does."""
    for event in keys.events:
        limit = ages[1].get(event, ages[0])
        if limit is not None and event != "pre_job" and digest.wait >= limit:
            told, lasts = format_duration(digest.wait), format_duration(limit)
            report.error(
                path,
                "digest",
                f"a text waits {told} for others, and {event} is stale after {lasts} (max_age)",
                "let it wait for less, or raise max_age",
            )
            return


def lists_of(keys: RuleKeys, words: Vocabulary) -> dict[str, Collection[str]]:
    """Return the lists that a rule's templates may loop over."""
    lists: dict[str, Collection[str]] = {"items": ITEM_FIELDS}
    return lists if keys.digest is None else lists | {JOBS: words.printable}


def read_of_job(template: Template) -> frozenset[str]:
    """Return everything that a template reads of jobs, its own and others'."""
    return template.fields | template.loops - {JOBS} | template.entries.get(JOBS, frozenset())


def check_digest_body(keys: RuleKeys, template: Template, report: Reporter, path: Path) -> None:
    """Look at what a digest's text says of one job alone."""
    if keys.digest is None:
        return
    if "tracking_link" in template.fields:
        report.error_in_text(
            path,
            1,
            "tracking_link",
            "digest",
            "a digest tells of several jobs, and {{ tracking_link }} is of the first alone",
            "print each job's: {% for job in jobs %}{{ job.tracking_link }} {% endfor %}",
        )
    alone = {one for one in template.fields if not of_person(one)}.difference(
        keys.digest.by, ("tracking_link",)
    )
    if JOBS not in template.loops and alone:
        named = ", ".join(sorted(alone))
        report.warn(
            path,
            "digest",
            f"the text goes out for several jobs, and tells of the first one alone: {named}",
            "{% for job in jobs %}{{ job.do_number }} {% endfor %}, or {{ jobs | length }}",
        )
