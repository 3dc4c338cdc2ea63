"""Makes a rule out of its keys, and says everything that is wrong with what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from smsnotify.base.redact import mask_number
from smsnotify.model.job import JOB_FIELDS, PHONE_FIELDS
from smsnotify.model.reading import OPT_OUT_LINK, of_person
from smsnotify.model.rule import (
    Bounds,
    MarketingHours,
    PreJob,
    Priority,
    Purpose,
    QuietHours,
    RuleTerms,
)
from smsnotify.rules.ages import DAY, Limit, read_ages
from smsnotify.rules.body import Body, no_body, read_body
from smsnotify.rules.bounds import read_bounds
from smsnotify.rules.compile import CompiledRule
from smsnotify.rules.conditions import Condition
from smsnotify.rules.digest import read_digest
from smsnotify.rules.mail import (
    check_channel,
    check_mail_field,
    fixed_address,
    is_mail_field,
    mail_terms,
    mails,
    read_mail,
    texts,
)
from smsnotify.rules.marketing import check_offer, marketing_hours
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.quiet import is_quiet_at, read_quiet_hours
from smsnotify.rules.scalars import did_you_mean
from smsnotify.rules.schema import REQUIRED, DefaultsKeys, RuleKeys
from smsnotify.rules.vocabulary import CONTACT, Vocabulary
from smsnotify.rules.where import read_conditions, unknown_field
from smsnotify.rules.wordings import read_speech, spoken
from smsnotify.rules.yaml_nodes import MapNode, find

_OF_TEXTS: Final = (
    *("route", "tracking_link", "encoding", "max_segments", "expires", "on_unknown"),
    *("language", "language_field"),
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
    check_channel(keys, _written(report, path), report, path)
    fields, fixed, mail_fields, mail_fixed = _recipients(keys, words, report, path)
    hours = marketing_hours(keys, defaults, pre_job, report, path)
    ages = read_ages(keys, defaults, words, report, path)
    digest = read_digest(keys, words, ages, report, path)
    bounds = read_bounds(keys, digest, words, report, path)
    conditions = read_conditions(keys.where, words, report, (*path, "where"), CONTACT)
    speech = read_speech(keys, defaults, words, report, path)
    body = no_body() if keys.start_plan else read_body(keys, defaults, speech, words, report, path)
    mail = read_mail(keys, speech, words, report, path)
    check_offer(keys, report, path)
    if body is None or keys.name is None or report.errors > before:
        return None
    line, _ = report.place(path)
    terms = _terms(keys, defaults, body, conditions, quiet, hours, pre_job, bounds, ages, fixed)

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

    read = body.read.union(() if digest is None else digest.by)
    if mail is None:
        return compiled(terms, fields, fixed, template_fields=read)
    of_mail = mail_terms(terms, mail, speech, mail_fixed, quiet if _keeps_hours(keys) else None)
    mailing = compiled(of_mail, mail_fields, mail_fixed, template_fields=mail.fields | read)
    if not texts(keys):
        return mailing
    instead = keys.fallback is not None
    return compiled(terms, fields, fixed, template_fields=read, mail=mailing, mail_instead=instead)


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
    terms = RuleTerms(
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
    return spoken(terms, body.speech, lambda tag: {"body": body.wordings[tag].render})


def _written(report: Reporter, path: Path) -> Mapping[str, Any]:
    node = find(report.root, path)
    return node.values if isinstance(node, MapNode) else {}


def _check_required(keys: RuleKeys, report: Reporter, path: Path) -> None:
    written = _written(report, path)
    name = f"rule {keys.name!r}" if keys.name else "the rule"
    for key in REQUIRED:
        if key not in written and not (key == "body" and "start_plan" in written):
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
    staff_alone = keys.to is not None and keys.to.fixed and not keys.to.fields
    if quiet is not None and is_quiet_at(chosen.at, quiet) and not staff_alone:
        report.error(
            (*path, "pre_job", "at"),
            "pre_job_in_quiet_hours",
            f"{chosen.at:%H:%M} is inside the quiet hours {quiet.start:%H:%M} to "
            f"{quiet.end:%H:%M}: the reminder could never leave at its time",
            "choose another time, or quiet_hours: none for this rule",
        )
    return PreJob(chosen.days_before, chosen.at, chosen.late)


def _recipients(
    keys: RuleKeys, words: Vocabulary, report: Reporter, path: Path
) -> tuple[list[str], list[str], list[str], list[str]]:
    """Return fields and fixed numbers for texts, then fields and fixed addresses for mails."""
    to = keys.to
    if to is None:
        return [], [], [], []
    at = (*path, "to")
    if not to.fields and not to.fixed and not _reported_below(report, at):
        report.error(at, "missing_key", "to names nobody", "to: {fields: [phone_number]}")
    fields: tuple[list[str], list[str]] = ([], [])
    for index, field in enumerate(to.fields):
        place = (*at, "fields", index)
        mailed = _is_mailed(keys, is_mail_field(field))
        if mailed and field in words.fields:
            check_mail_field(field, words, report, place)
        else:
            _check_recipient(field, words, report, place)
        if field in to.fields[:index]:
            report.error(place, "doubled", f"the field {field!r} is in the list twice")
        fields[mailed].append(field)
    fixed: tuple[list[str], list[str]] = ([], [])
    for index, raw in enumerate(to.fixed):
        place = (*at, "fixed", index)
        mailed = _is_mailed(keys, "@" in raw)
        if mailed:
            address = fixed_address(raw, report, place)
        else:
            address = _fixed_number(raw, words.country, report, place)
        if address in fixed[mailed]:
            what = "address" if mailed else "number"
            report.error(place, "doubled", f"this {what} is in the list twice")
        fixed[mailed].append(address)
    if mails(keys) and texts(keys) and (to.fields or to.fixed):
        _check_both(fields, fixed, report, at)
    return fields[False], fixed[False], fields[True], fixed[True]


def _is_mailed(keys: RuleKeys, looks_like_mail: bool) -> bool:
    """Say whether a recipient is for mails; of a rule of both channels, by what it looks like."""
    return looks_like_mail if mails(keys) and texts(keys) else mails(keys)


def _check_both(
    fields: tuple[list[str], list[str]],
    fixed: tuple[list[str], list[str]],
    report: Reporter,
    path: Path,
) -> None:
    """A rule of both channels must name somebody for each."""
    for mailed, what, hint in (
        (False, "texts", "to: {fields: [phone_number, notify_email]}"),
        (True, "mails", "to: {fields: [phone_number, notify_email]}"),
    ):
        if not fields[mailed] and not fixed[mailed]:
            report.error(path, "missing_key", f"to names nobody who gets the {what}", hint)


def _reported_below(report: Reporter, path: Path) -> bool:
    node = find(report.root, path)
    assert isinstance(node, MapNode), "its shape was checked before"
    below = [*node.keys.values(), *node.values.values()]
    places = {(child.line, child.column) for child in below}
    return any((known.line, known.column) in places for known in report.problems)


def _check_recipient(field: str, words: Vocabulary, report: Reporter, path: Path) -> None:
    kind = words.fields.get(field)
    if kind is None:
        unknown_field(field, words, report, path)
    elif kind not in ("text", "list") or field in ("items", "milestones"):
        report.error(
            path,
            "not_a_phone_field",
            f"the field {field!r} cannot hold phone numbers",
            "Detrack's are " + ", ".join(PHONE_FIELDS),
        )
    elif field in JOB_FIELDS and field not in PHONE_FIELDS:
        report.warn(
            path,
            "not_a_phone_field",
            f"the field {field!r} does not usually hold phone numbers",
            "Detrack's are " + ", ".join(PHONE_FIELDS),
        )


def _fixed_number(raw: str, country: str, report: Reporter, path: Path) -> str:
    from smsnotify.text.phone import read_number

    number = read_number(raw, "", country)
    if not number.reason:
        return number.e164
    shown = mask_number(raw)
    what = {
        "landline": f"the fixed number {shown} is a landline, which gets no texts",
        "doubtful_number": f"the fixed number {shown} could be read in two ways",
    }.get(number.reason, f"the fixed number {shown} is no phone number")
    if number.reason == "landline":
        report.error(path, number.reason, what, "give a mobile number")
        return raw
    hint = 'write it with + and the country code, in quotes: "+65…"'
    if not country and not raw.strip().startswith("+"):
        hint += "; or set country in the settings"
    report.error(path, number.reason, what, hint)
    return raw
