"""What a rule says that alarms the firm's own people: a text of any length, and no recipient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from smsnotify.base.errors import TemplateError
from smsnotify.model.reading import of_person
from smsnotify.model.rule import APPRISE, RuleTerms
from smsnotify.rules.digest import lists_of
from smsnotify.rules.mail import compile_title
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import DefaultsKeys, RuleKeys
from smsnotify.rules.vocabulary import Vocabulary
from smsnotify.rules.wordings import Speech
from smsnotify.text.mentions import defused
from smsnotify.text.template import Template, compile_template

_NO_EFFECT: Final = (
    *("quiet_hours", "encoding", "max_segments", "countries", "registered_text", "caps"),
)
_FOR_PEOPLE: Final[Mapping[str, tuple[str, str]]] = {
    "to": ("an alarm goes wherever its route's accounts lead", "take to out, and name the route"),
    "fallback": ("fallback goes with channel: sms", "take fallback out"),
    "start_plan": ("the rule starts a plan, and plans talk by text", "take channel out"),
    "digest": ("nobody's jobs are put together for an alarm", "take digest out"),
    "language_field": ("an alarm speaks one language", "take language_field out"),
}


def alarms(keys: RuleKeys) -> bool:
    """Say whether a rule alarms the firm's own people."""
    return APPRISE in keys.channel


def route_of(keys: RuleKeys, defaults: DefaultsKeys) -> str:
    """Return the route of an alarm: it stands for whoever is behind it."""
    return keys.route or defaults.route or "default"


def check_alarm(
    keys: RuleKeys, written: Mapping[str, Any], report: Reporter, path: Path, read: Iterable[str]
) -> None:
    """Look at what an alarm cannot have; `read` is what its conditions and body look at."""
    for key, (message, hint) in _FOR_PEOPLE.items():
        if key in written:
            report.error((*path, key), "not_for_alarms", message, hint, key=True)
    if isinstance(keys.body, dict):
        told = "an alarm speaks one language: nobody's own is known"
        report.error((*path, "body"), "not_for_alarms", told, "write one text", key=True)
    if keys.purpose == "marketing":
        told = "nobody opts in to alarms: purpose: marketing would stop every one"
        report.error((*path, "purpose"), "not_for_alarms", told, "take purpose out", key=True)
    asked = sorted(filter(of_person, read))
    if asked:
        name = asked[0].replace("__", ".", 1)
        report.error(
            (*path, "channel"),
            "not_for_alarms",
            f"the rule reads {name}, and an alarm has no recipient who is in the books",
            "read fields of the job",
        )
    for key in _NO_EFFECT:
        if key in written:
            told = f"{key} changes nothing for an alarm"
            report.warn((*path, key), "no_effect", told, "take it out", key=True)


def read_heading(
    keys: RuleKeys, speech: Speech, words: Vocabulary, report: Reporter, path: Path
) -> Template | None:
    """Compile an alarm's heading; None when it has none, or a wrong one."""
    if not isinstance(keys.subject, str):
        return None
    at = (*path, "subject")
    if not keys.subject.strip():
        report.error(at, "blank_body", "the subject is blank")
        return None
    return compile_title(keys.subject, speech.fallback, keys, words, report, at)


def read_words(
    keys: RuleKeys, speech: Speech, words: Vocabulary, report: Reporter, path: Path
) -> Template | None:
    """Compile an alarm's body so that no value calls a whole chat; None when it is wrong."""
    if not isinstance(keys.body, str):
        return None
    try:
        return compile_template(
            keys.body,
            fields=words.printable,
            lists=lists_of(keys, words),
            escape=defused,
            language=speech.fallback,
        )
    except TemplateError:
        return None  # `read_body` has said it


def alarm_terms(
    keys: RuleKeys, terms: RuleTerms, heading: Template | None, words: Template | None
) -> RuleTerms:
    """Return the terms of an alarm: it may come twice rather than never, and brings a link only
    where the rule itself asks for one."""
    linked = terms.tracking_link == "inline" or "tracking_link" in keys.model_fields_set
    return msgspec.structs.replace(
        terms,
        channel=APPRISE,
        title=None if heading is None else heading.render,
        body=terms.body if words is None else words.render,
        quiet_hours=None,
        countries=None,
        registered=None,
        tracking_link=terms.tracking_link if linked else "none",
        on_unknown=keys.on_unknown if "on_unknown" in keys.model_fields_set else "resend",
    )
