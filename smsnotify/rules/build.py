"""Makes a rule out of its keys, and says everything that is wrong with what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from smsnotify.model.reading import OPT_OUT_LINK, of_person
from smsnotify.model.rule import (
    Bounds,
    CountryTerms,
    MarketingHours,
    PreJob,
    Priority,
    Purpose,
    QuietHours,
    RuleTerms,
)
from smsnotify.rules.ages import DAY, Limit, read_ages
from smsnotify.rules.alarm import (
    alarm_terms,
    alarms,
    check_alarm,
    read_heading,
    read_words,
    route_of,
)
from smsnotify.rules.body import Body, no_body, read_body
from smsnotify.rules.bounds import read_bounds
from smsnotify.rules.compile import CompiledRule
from smsnotify.rules.conditions import Condition
from smsnotify.rules.digest import read_digest
from smsnotify.rules.mail import (
    check_channel,
    mail_terms,
    read_mail,
    texts,
)
from smsnotify.rules.marketing import check_hours_meet, check_offer, marketing_hours
from smsnotify.rules.per_country import read_countries
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.quiet import is_quiet_at, read_quiet_hours
from smsnotify.rules.recipients import read_recipients
from smsnotify.rules.registration import Departs, read_registered
from smsnotify.rules.scalars import did_you_mean
from smsnotify.rules.schema import REQUIRED, DefaultsKeys, RuleKeys
from smsnotify.rules.vocabulary import CONTACT, Vocabulary
from smsnotify.rules.where import read_conditions
from smsnotify.rules.wordings import ONLY, read_speech, spoken
from smsnotify.rules.yaml_nodes import MapNode, find
from smsnotify.text.template import Template

_OF_TEXTS: Final = (
    *("route", "tracking_link", "encoding", "max_segments", "expires", "on_unknown"),
    *("language", "language_field", "countries", "registered_text", "caps"),
)
_ALWAYS_NEWS: Final = frozenset({"feedback", "reply"})
"""Events that are news each time they happen: `repeat: each` adds nothing to them."""


def build_rule(
    keys: RuleKeys, defaults: DefaultsKeys, words: Vocabulary, report: Reporter, path: Path
) -> CompiledRule | None:
    """Check what a rule's keys mean and compile it; None when anything was wrong with it.

    `path` is where the rule stands in the file; every problem goes to `report`.
    """
    before = report.errors
    _check_required(keys, report, path)
    _check_events(keys, words, report, path)
    _check_pairs(keys, report, path)
    quiet = read_quiet_hours(keys, defaults, words, report, path)
    pre_job = _pre_job(keys, quiet, report, path)
    alarm = alarms(keys)
    if not alarm:
        check_channel(keys, _written(report, path), report, path)
    fields, fixed, mail_fields, mail_fixed = read_recipients(keys, words, report, path)
    hours = marketing_hours(keys, defaults, pre_job, report, path)
    if keys.purpose == "marketing":
        check_hours_meet(hours, quiet, report, (*path, "purpose"))
    ages = read_ages(keys, defaults, words, report, path)
    digest = read_digest(keys, words, ages, report, path)
    bounds = read_bounds(keys, defaults, digest, words, report, path)
    conditions = read_conditions(keys.where, words, report, (*path, "where"), CONTACT)
    speech = read_speech(keys, defaults, words, report, path)
    body = no_body() if keys.start_plan else read_body(keys, defaults, speech, words, report, path)
    mail = None if alarm else read_mail(keys, speech, words, report, path)
    if alarm:
        fixed = [route_of(keys, defaults)]
        heading = read_heading(keys, speech, words, report, path)
        read_by_alarm = _read_by(body, heading, conditions)
        check_alarm(keys, _written(report, path), report, path, read_by_alarm)
    check_offer(keys, report, path)
    countries = read_countries(keys, defaults, report, path)
    registered = {} if body is None else read_registered(keys, body, countries, report, path)
    if body is None or keys.name is None or report.errors > before:
        return None
    line, _ = report.place(path)
    terms = _terms(keys, defaults, body, conditions, quiet, hours, pre_job, bounds, ages, fixed)
    terms = _told_apart(terms, body, countries, registered)

    def compiled(
        terms: RuleTerms, fields: list[str], fixed: list[str], **more: Any
    ) -> CompiledRule:
        return CompiledRule(
            terms,
            enabled=keys.enabled,
            events=keys.events,
            job_type=keys.job_type,
            groups=keys.groups,
            reasons=keys.reasons,
            conditions=conditions,
            recipient_fields=fields,
            fixed=fixed,
            source=body.source,
            file=report.file,
            line=line,
            **more,
        )

    if alarm:
        said = read_words(keys, speech, words, report, path)
        terms = alarm_terms(keys, terms, heading, said)
        return compiled(terms, [], fixed, template_fields=read_by_alarm)
    read = body.read.union(() if digest is None else digest.by)
    if mail is None:
        return compiled(terms, fields, fixed, template_fields=read)
    of_mail = mail_terms(terms, mail, speech, mail_fixed, quiet if _keeps_hours(keys) else None)
    mailing = compiled(of_mail, mail_fields, mail_fixed, template_fields=mail.fields | read)
    if not texts(keys):
        return mailing
    instead = keys.fallback is not None
    return compiled(terms, fields, fixed, template_fields=read, mail=mailing, mail_instead=instead)


def _read_by(
    body: Body | None, heading: Template | None, conditions: Sequence[Condition]
) -> frozenset[str]:
    """Return every field that an alarm's words and conditions look at."""
    read = (one.field for one in conditions)
    return frozenset().union(
        *(part.read if isinstance(part, Body) else part.fields for part in (body, heading) if part),
        read,
    )


def _keeps_hours(keys: RuleKeys) -> bool:
    """Say whether the rule itself asks for quiet hours: those of `defaults` are for texts."""
    return "quiet_hours" in keys.model_fields_set


def _terms(
    keys: RuleKeys,
    defaults: DefaultsKeys,
    body: Body,
    conditions: Sequence[Condition],
    quiet: QuietHours | None,
    hours: MarketingHours,
    pre_job: PreJob | None,
    bounds: Bounds | None,
    ages: tuple[Limit, Mapping[str, Limit]],
    fixed: Sequence[str],
) -> RuleTerms:
    tests = tuple(one.test for one in conditions if of_person(one.field))
    priorities = {event: Priority(keys.priority) for event in keys.events} if keys.priority else {}
    return RuleTerms(
        id=keys.id or keys.name or "",
        name=keys.name or "",
        body=body.template.render,
        route=keys.route or defaults.route or "default",
        tracking_link=body.tracking_link,
        encoding=body.encoding,
        max_segments=body.max_segments,
        quiet_hours=quiet,
        fixed=frozenset(fixed),
        purpose=Purpose(keys.purpose),
        marketing_hours=hours,
        max_age=ages[0],
        max_ages=ages[1],
        expires=keys.expires or defaults.expires or DAY,
        pre_job=pre_job,
        repeat_each=keys.repeat == "each",
        on_unknown=keys.on_unknown,
        priorities=priorities,
        start_plan=keys.start_plan or "",
        reads_person=bool(tests) or any(map(of_person, body.fields)),
        has_opt_out_link=OPT_OUT_LINK in body.fields,
        contact_tests=tests,
        bounds=bounds,
    )


def _told_apart(
    terms: RuleTerms,
    body: Body,
    countries: Mapping[str, CountryTerms] | None,
    registered: Mapping[str, Departs],
) -> RuleTerms:
    """Return terms with what differs by country and by language."""

    def word(tag: str) -> dict[str, Any]:
        return {"body": body.wordings[tag].render, "registered": registered.get(tag)}

    plain = word(body.speech.fallback if body.speech.tags else ONLY)
    return spoken(msgspec.structs.replace(terms, countries=countries, **plain), body.speech, word)


def _written(report: Reporter, path: Path) -> Mapping[str, Any]:
    node = find(report.root, path)
    return node.values if isinstance(node, MapNode) else {}


def _check_required(keys: RuleKeys, report: Reporter, path: Path) -> None:
    written = _written(report, path)
    name = f"rule {keys.name!r}" if keys.name else "the rule"
    for key in REQUIRED:
        instead = (key == "body" and "start_plan" in written) or (key == "to" and alarms(keys))
        if key not in written and not instead:
            hint = {
                "to": "to: {fields: [phone_number]}",
                "events": "events: [completed]",
                "body": 'body: "Order {{ do_number }} has arrived."',
            }.get(key, "")
            report.error(path, "missing_key", f"{name} needs the key {key!r}", hint)
    events = (*path, "events")
    if "events" in written and not keys.events and not _reported(report, events):
        report.error(events, "missing_key", f"{name} listens to no event", "events: [completed]")


def _reported(report: Reporter, path: Path) -> bool:
    line, column = report.place(path)
    return any(known.line == line and known.column == column for known in report.problems)


def _check_events(keys: RuleKeys, words: Vocabulary, report: Reporter, path: Path) -> None:
    seen: set[str] = set()
    for index, event in enumerate(keys.events):
        place = (*path, "events", index)
        if event not in words.events:
            report.error(
                place,
                "unknown_event",
                f"unknown event {event!r}",
                did_you_mean(event, words.events)
                or "an event of your own goes under custom_events at the top of the file",
            )
        elif event in seen:
            report.error(place, "doubled", f"the event {event!r} is in the list twice")
        seen.add(event)


def _check_pairs(keys: RuleKeys, report: Reporter, path: Path) -> None:
    """Check keys that mean something only beside another one."""
    written = _written(report, path)
    if keys.reasons and "failed" not in keys.events and keys.events:
        report.error(
            (*path, "reasons"),
            "reasons_without_failed",
            "reasons go with the event 'failed', and this rule does not listen to it",
            "add failed to events, or take reasons out",
            key=True,
        )
    if "pre_job" in written and "pre_job" not in keys.events and keys.events:
        report.error(
            (*path, "pre_job"),
            "pre_job_without_event",
            "the key pre_job goes with the event 'pre_job', and this rule does not listen to it",
            "events: [pre_job]",
            key=True,
        )
    if "pre_job" in keys.events and "pre_job" not in written:
        report.error(
            (*path, "events", keys.events.index("pre_job")),
            "missing_key",
            "the event 'pre_job' needs the key 'pre_job'",
            'pre_job: {days_before: 1, at: "18:00"}',
        )
    if "start_plan" in written:
        _check_start(written, report, path)
    if keys.repeat and keys.events and _ALWAYS_NEWS.issuperset(keys.events):
        report.warn(
            (*path, "repeat"),
            "no_effect",
            "repeat changes nothing for these events: each time they happen is news already",
            "take it out",
            key=True,
        )
    if "max_age" in keys.model_fields_set and keys.events == ["pre_job"]:
        report.warn(
            (*path, "max_age"),
            "no_effect",
            "max_age changes nothing for a reminder",
            "pre_job: {late: drop} drops late ones",
            key=True,
        )


def _check_start(written: Mapping[str, Any], report: Reporter, path: Path) -> None:
    """Look at what a rule that starts a plan says about a text of its own."""
    if "body" in written:
        report.error(
            (*path, "start_plan"),
            "start_plan",
            "the rule has a body and start_plan: it texts, or it starts a plan",
            "let the plan's first step send the text, or write two rules",
            key=True,
        )
    for key in _OF_TEXTS:
        if key in written:
            report.warn(
                (*path, key),
                "no_effect",
                f"{key} changes nothing for a rule that starts a plan",
                "say it in the plan",
                key=True,
            )


def _pre_job(
    keys: RuleKeys, quiet: QuietHours | None, report: Reporter, path: Path
) -> PreJob | None:
    chosen = keys.pre_job
    if chosen is None:
        return None
    staff_alone = alarms(keys) or (keys.to is not None and keys.to.fixed and not keys.to.fields)
    if quiet is not None and is_quiet_at(chosen.at, quiet) and not staff_alone:
        report.error(
            (*path, "pre_job", "at"),
            "pre_job_in_quiet_hours",
            f"{chosen.at:%H:%M} is inside the quiet hours {quiet.start:%H:%M} to "
            f"{quiet.end:%H:%M}: the reminder could never leave at its time",
            "choose another time, or quiet_hours: none for this rule",
        )
    return PreJob(chosen.days_before, chosen.at, chosen.late)
