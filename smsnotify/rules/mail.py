"""What a rule says of mails: the subject line, the body as Markdown, and who gets one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from smsnotify.base.errors import TemplateError
from smsnotify.model.job import EMAIL_FIELDS, JOB_FIELDS, PHONE_FIELDS
from smsnotify.model.reading import OPT_OUT_LINK, of_person
from smsnotify.model.rule import EMAIL, QuietHours, RuleTerms
from smsnotify.rules.digest import lists_of, read_of_job
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import RuleKeys
from smsnotify.rules.vocabulary import CONTACT, Vocabulary
from smsnotify.rules.wordings import (
    ONLY,
    Speech,
    check_same_languages,
    check_texts,
    spoken,
    wordings,
)
from smsnotify.text.template import Template, compile_template

_OF_TEXTS: Final = ("encoding", "max_segments", "countries", "registered_text")


class MailWords(msgspec.Struct, frozen=True):
    """The two templates of a mail: a line, and Markdown that escapes what it prints.

    Each by language, or under ONLY: `titles` may have one line for all languages.
    """

    titles: Mapping[str, Template]
    markups: Mapping[str, Template]

    def title(self, language: str) -> Template:
        """Return the line of a language."""
        return self.titles.get(language) or self.titles[ONLY]

    @property
    def fields(self) -> frozenset[str]:
        """What both read of the job and the recipient."""
        parts = (*self.titles.values(), *self.markups.values())
        return frozenset().union(*(read_of_job(part) for part in parts))


def mails(keys: RuleKeys) -> bool:
    """Say whether a rule ever mails."""
    return EMAIL in keys.channel or keys.fallback == EMAIL


def texts(keys: RuleKeys) -> bool:
    """Say whether a rule ever texts."""
    return "sms" in keys.channel


def check_channel(keys: RuleKeys, written: Mapping[str, Any], report: Reporter, path: Path) -> None:
    """Look at what belongs to one channel and stands beside another."""
    name = f"rule {keys.name!r}" if keys.name else "the rule"
    if mails(keys) and "subject" not in written and "start_plan" not in written:
        hint = 'subject: "Order {{ do_number }} delivered"'
        report.error(path, "missing_key", f"{name} mails and needs the key 'subject'", hint)
    if "subject" in written and not mails(keys):
        report.error(
            (*path, "subject"),
            "subject_without_email",
            "a text has no subject line, and this rule does not mail",
            "channel: email, or take subject out",
            key=True,
        )
    if keys.fallback and EMAIL in keys.channel:
        report.error(
            (*path, "fallback"),
            "fallback_without_sms",
            "fallback goes with channel: sms; this rule mails anyway",
            "take fallback out",
            key=True,
        )
    if "start_plan" in written and mails(keys):
        key = "channel" if EMAIL in keys.channel else "fallback"
        report.error(
            (*path, key),
            "start_plan",
            "the rule starts a plan, and plans talk by text",
            f"take {key} out",
            key=True,
        )
    for key in _OF_TEXTS if not texts(keys) else ():
        if key in written:
            report.warn(
                (*path, key),
                "no_effect",
                f"{key} changes nothing for a mail",
                "take it out",
                key=True,
            )


def read_mail(
    keys: RuleKeys, speech: Speech, words: Vocabulary, report: Reporter, path: Path
) -> MailWords | None:
    """Compile what a mail says; None when the rule does not mail, or its words are wrong."""
    if not mails(keys) or keys.body is None or keys.subject is None:
        return None
    at = (*path, "subject")
    if not check_texts(keys.subject, report, at):
        return None
    if not check_same_languages(keys.subject, speech.tags, report, at):
        return None
    from smsnotify.text.markdown import escape_markdown

    lines = {
        tag: compile_title(source, tag or speech.fallback, keys, words, report, place)
        for tag, (source, place) in wordings(keys.subject, at).items()
    }
    titles = {tag: one for tag, one in lines.items() if one is not None}
    try:
        markups = {
            tag: compile_template(
                source,
                fields=words.printable | {OPT_OUT_LINK},
                lists=lists_of(keys, words),
                namespaces=CONTACT,
                escape=escape_markdown,
                language=tag or speech.fallback,
            )
            for tag, (source, _) in wordings(keys.body, ()).items()
        }
    except TemplateError:
        return None  # `read_body` has said it
    return MailWords(titles, markups) if len(titles) == len(lines) else None


def compile_title(
    source: str, language: str, keys: RuleKeys, words: Vocabulary, report: Reporter, at: Path
) -> Template | None:
    """Compile a subject line in one language; None when it is wrong."""
    try:
        return compile_template(
            source,
            fields=words.printable,
            lists=lists_of(keys, words),
            namespaces=CONTACT,
            language=language,
        )
    except TemplateError as error:
        report.error_in_text(at, error.line, error.name, "bad_template", error.message, error.hint)
        return None


def mail_terms(
    terms: RuleTerms,
    words: MailWords,
    speech: Speech,
    fixed: Sequence[str],
    quiet: QuietHours | None,
) -> RuleTerms:
    """Return the terms of a rule's mails; `quiet` are hours that the rule itself asks for."""

    def word(tag: str) -> Mapping[str, Any]:
        return {"title": words.title(tag).render, "markup": words.markups[tag].render}

    mailing = msgspec.structs.replace(
        terms,
        channel=EMAIL,
        **word(speech.fallback if speech.tags else ONLY),
        languages=None,
        countries=None,
        registered=None,
        quiet_hours=quiet,
        fixed=frozenset(fixed),
        reads_person=bool(terms.contact_tests) or any(map(of_person, words.fields)),
    )
    return spoken(mailing, speech, word)


def is_mail_field(field: str) -> bool:
    """Say whether a field's values are email addresses: by Detrack's name for it, or its own."""
    return field in EMAIL_FIELDS or (field not in JOB_FIELDS and "mail" in field.lower())


def check_mail_field(field: str, words: Vocabulary, report: Reporter, path: Path) -> None:
    """Look at a field whose values shall be mailed."""
    hint = "Detrack's is " + ", ".join(EMAIL_FIELDS)
    kind = words.fields.get(field)
    if kind not in ("text", "list") or field in (*PHONE_FIELDS, "items", "milestones"):
        report.error(
            path, "not_an_email_field", f"the field {field!r} cannot hold email addresses", hint
        )
    elif field in JOB_FIELDS and field not in EMAIL_FIELDS:
        told = f"the field {field!r} does not usually hold email addresses"
        report.warn(path, "not_an_email_field", told, hint)


def fixed_address(raw: str, report: Reporter, path: Path) -> str:
    """Return a fixed address, in lower case."""
    from smsnotify.text.address import read_email

    address = read_email(raw)
    if not address:
        told = "this is no email address that a mail can be sent to"
        report.error(path, "not_an_address", told, "ops@example.com")
    return address or raw
