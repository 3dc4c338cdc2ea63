"""The form of `rules add`: the trigger first, then the text, then how it looks."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from smsnotify.base.errors import ConfigError, RuleFileError, UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.engine.decide import judge
from smsnotify.engine.samples import sample_contacts, sample_drafts
from smsnotify.model.decision import Decision
from smsnotify.model.event import EVENT_NAMES
from smsnotify.model.facts import Facts
from smsnotify.model.job import PHONE_FIELDS
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.load import check_rules
from smsnotify.rules.write import append_rule, rule_yaml
from smsnotify.wiring.build import policy
from smsnotify.wiring.problems import shown_path


class Form(msgspec.Struct, kw_only=True):
    """What was said so far; `''`, `[]` and -1 mean: not yet."""

    name: str = ""
    job_type: str = ""
    events: list[str] = []
    groups: list[str] = []
    reasons: list[str] = []
    days_before: int = -1
    at: str = ""
    to: list[str] = []
    body: str = ""

    def answers(self) -> dict[str, Any]:
        """Return the keys of the rule."""
        pre_job = {"days_before": self.days_before, "at": self.at}
        fixed = [one for one in self.to if one.startswith("+")]
        return {
            "name": self.name,
            "job_type": "" if self.job_type == "job" else self.job_type,
            "events": self.events,
            "groups": self.groups,
            "reasons": self.reasons,
            "pre_job": pre_job if "pre_job" in self.events else {},
            "to": _filled(fields=[one for one in self.to if one not in fixed], fixed=fixed),
            "body": self.body,
        }


def add_rule(desk: Desk, form: Form, file: Path, *, ask: bool) -> None:
    """Complete the form, show the text, and write the rule at the end of the file.

    Raises:
        UsageError: something is missing and nobody is there to ask.
        RuleFileError: the file would be wrong with this rule; nothing was written.
    """
    if ask:
        if not show.can_ask():
            raise UsageError(
                "rules add asks questions, and nobody is there to answer",
                hint="sms-notify rules add --yes --name … --event … --to … --text …",
            )
        _ask(form, desk)
    text = _with_rule(file, form)
    rules = _check(text, file, desk)
    _preview(desk, rules, form.name)
    if ask and not show.confirm(f"Write it into {shown_path(file)}?", default=True):
        desk.note("nothing was written")
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"{shown_path(file)} cannot be written: {error.strerror}") from None
    if desk.json:
        show.emit_json({"type": "rule_added", "rule": form.name, "file": str(file)})
    else:
        show.say(f"wrote the rule {form.name} into {shown_path(file)}")


def _ask(form: Form, desk: Desk) -> None:
    known = sorted({*EVENT_NAMES, *(desk.rules.custom_events if _has_rules(desk) else ())})
    form.job_type = form.job_type or show.ask(
        "Which jobs", default="delivery", choices=("delivery", "collection", "job")
    )
    while not form.events:
        desk.note(f"events: {', '.join(known)}")
        form.events = _listed(show.ask("When (several with commas)", default="completed"))
    if "failed" in form.events and not form.reasons:
        form.reasons = _listed(show.ask("Only these reasons of failure (empty: every one)"))
    if "pre_job" in form.events:
        if form.days_before < 0:
            days = show.ask(
                "Days before the job", default="1", choices=("0", "1", "2", "3", "4", "5")
            )
            form.days_before = int(days)
        form.at = form.at or show.ask("At what time, HH:MM", default="18:00")
    form.groups = form.groups or _listed(show.ask("Only these groups (empty: every one)"))
    desk.note(f"phone fields: {', '.join(PHONE_FIELDS)}; a number with + is always texted")
    form.to = form.to or _listed(show.ask("To whom", default="phone_number"))
    while not form.body:
        form.body = show.ask("The text; {{ do_number }} prints a field of the job")
    form.name = form.name or show.ask("A name for the rule", default=form.events[0])


def _has_rules(desk: Desk) -> bool:
    return all(path.exists() for path in desk.rule_paths)


def _with_rule(file: Path, form: Form) -> str:
    try:
        existing = file.read_bytes().decode("utf-8-sig") if file.exists() else ""
    except OSError as error:
        raise ConfigError(f"{shown_path(file)} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{shown_path(file)} is not UTF-8 text") from None
    return append_rule(existing, rule_yaml(form.answers()))


def _check(text: str, file: Path, desk: Desk) -> RuleSet:
    """Check the new text beside the other rule files, before anything is written."""
    others = [path for path in desk.rule_paths if path != file and path.is_file()]
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / file.name
        draft.write_text(text, encoding="utf-8", newline="")
        rules, found = check_rules([*others, draft], country=desk.country)
        told = [
            msgspec.structs.replace(problem, file=shown_path(file))
            if problem.file == str(draft)
            else problem
            for problem in found
        ]
    if rules is None:
        raise RuleFileError("the rule was not written", problems=tuple(told))
    for problem in told:
        desk.note(f"warning: {problem}")
    return rules


def _preview(desk: Desk, rules: RuleSet, name: str) -> None:
    if desk.json:
        return
    rule = next(rule for rule in rules.all if rule.terms.name == name)
    now = desk.clock()
    firm = policy(desk.settings)
    drafts = sample_drafts(rules, [rule], firm, now)
    facts = Facts({}, {}, sample_contacts(draft.recipient for draft in drafts))
    decisions: Sequence[Decision] = judge(drafts, facts, firm, now)
    for decision in decisions[:1]:
        count = decision.segments
        footer = f"{count} segment{'' if count == 1 else 's'} {decision.encoding or ''}".strip()
        if decision.body:
            show.bubble(decision.body, recipient=decision.draft.recipient, footer=footer)
        else:
            desk.note(f"no text for the sample job: {decision.reason} {decision.detail}")


def _filled(**keys: list[str]) -> dict[str, list[str]]:
    return {key: value for key, value in keys.items() if value}


def _listed(written: str) -> list[str]:
    return [part.strip() for part in written.split(",") if part.strip()]
