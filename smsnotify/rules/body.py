"""The text of a rule: compiled, and checked for what it could never say or afford."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from smsnotify.base.errors import TemplateError
from smsnotify.model.reading import OPT_OUT_LINK
from smsnotify.rules.digest import JOBS, JOBS_HINT, check_digest_body, lists_of, read_of_job
from smsnotify.rules.letters import check_letters
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import DefaultsKeys, RuleKeys
from smsnotify.rules.vocabulary import CONTACT, Vocabulary
from smsnotify.rules.wordings import (
    ONLY,
    Speech,
    all_in_one,
    called,
    check_same_fields,
    check_texts,
    wordings,
)
from smsnotify.text.encode import fit
from smsnotify.text.languages import ENGLISH
from smsnotify.text.template import Template, compile_template

_PRINTED: Final = re.compile(r"\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)


class Body(msgspec.Struct, frozen=True):
    """A body ready to render, and how its text is finished.

    `wordings` has a template for each language, or one under ONLY; `source` is what was written,
    of several languages each with its tag.
    """

    wordings: Mapping[str, Template]
    speech: Speech
    source: str
    tracking_link: Literal["append", "inline", "none"]
    encoding: Literal["auto", "gsm7", "ucs2"]
    max_segments: int

    @property
    def template(self) -> Template:
        """The one template, or that of the language for whom no other suits."""
        return self.wordings[self.speech.fallback if self.speech.tags else ONLY]

    @property
    def fields(self) -> frozenset[str]:
        """What it prints of the job and the recipient, in any language."""
        return frozenset().union(*(one.fields for one in self.wordings.values()))

    @property
    def read(self) -> frozenset[str]:
        """What it reads: what it prints, and the lists that it loops over."""
        return frozenset().union(*(read_of_job(one) for one in self.wordings.values()))


def read_body(
    keys: RuleKeys,
    defaults: DefaultsKeys,
    speech: Speech,
    words: Vocabulary,
    report: Reporter,
    path: Path,
) -> Body | None:
    """Compile the body of a rule; None when there is none or it cannot be."""
    at = (*path, "body")
    if keys.body is None or not check_texts(keys.body, report, at):
        return None
    written = wordings(keys.body, at)
    made = {
        tag: _compiled(source, tag or speech.fallback, keys, words, report, place)
        for tag, (source, place) in written.items()
    }
    templates = {tag: one for tag, one in made.items() if one is not None}
    if len(templates) < len(made):
        return None
    encoding = keys.encoding if "encoding" in keys.model_fields_set else defaults.encoding
    body = Body(
        wordings=templates,
        speech=speech,
        source=all_in_one(keys.body),
        tracking_link=_link(keys, defaults, templates, report, path),
        encoding=encoding,
        max_segments=keys.max_segments or defaults.max_segments or 3,
    )
    longest = body.max_segments if "sms" in keys.channel else None
    for tag, (source, place) in written.items():
        check_digest_body(keys, templates[tag], report, place)
        check_length(source, body.encoding, longest, report, place)
        if longest is not None:
            check_letters(source, body.encoding, report, place)
    check_same_fields(templates, report, at)
    if not speech.tags and "language" in keys.model_fields_set and not body.template.speaks:
        told = "language changes nothing: the body prints no day, time or amount"
        report.warn((*path, "language"), "no_effect", told, "take it out", key=True)
    return body


def _compiled(
    source: str,
    language: str,
    keys: RuleKeys,
    words: Vocabulary,
    report: Reporter,
    path: Path,
) -> Template | None:
    try:
        return compile_template(
            source,
            fields=words.printable | {OPT_OUT_LINK},
            lists=lists_of(keys, words),
            namespaces=CONTACT,
            language=language,
        )
    except TemplateError as error:
        hint = error.hint
        if words.fields.get(error.name) == "list" and error.name != "items":
            hint = f"{error.name} is a list, which a text cannot print"
        if error.name == JOBS and keys.digest is None and JOBS not in words.fields:
            hint = JOBS_HINT
        report.error_in_text(path, error.line, error.name, "bad_template", error.message, hint)
        return None


def no_body() -> Body:
    """Return the body of a rule that texts nobody itself."""
    return Body(
        wordings={ONLY: compile_template("", fields=())},
        speech=Speech((), ENGLISH, ""),
        source="",
        tracking_link="none",
        encoding="auto",
        max_segments=1,
    )


def _link(
    keys: RuleKeys,
    defaults: DefaultsKeys,
    templates: Mapping[str, Template],
    report: Reporter,
    path: Path,
) -> Literal["append", "inline", "none"]:
    """Return where the link goes. A body that has the tag is inline, whatever the defaults say.

    A digest has no link of its own: nothing is appended, but each job may bring its own in.
    """
    own = "tracking_link" in keys.model_fields_set
    chosen = keys.tracking_link if own else defaults.tracking_link
    having = [tag for tag, one in templates.items() if _has_link(one)]
    tagged = bool(having)
    if keys.digest is not None and chosen == "append":
        if own:
            report.error(
                (*path, "tracking_link"),
                "digest",
                "a digest tells of several jobs: there is no one link to append",
                "print each job's: {% for job in jobs %}{{ job.tracking_link }} {% endfor %}",
            )
        return "inline" if tagged else "none"
    if tagged and len(having) < len(templates):
        without = next(tag for tag in templates if tag not in having)
        report.error(
            (*path, "body", without),
            "tracking_link",
            f"the text in {without!r} has no {{{{ tracking_link }}}}, and the one in {having[0]!r} "
            "has",
            "put the tag into all of them, or into none",
            key=True,
        )
    if tagged and own and chosen != "inline":
        what = "twice in the text" if chosen == "append" else "in the text all the same"
        report.error(
            (*path, "tracking_link"),
            "tracking_link",
            f"tracking_link is {chosen!r}, but the body has {{{{ tracking_link }}}}: "
            f"the link would be {what}",
            "write inline, or take the tag out of the body",
        )
    if chosen == "inline" and not tagged:
        report.error(
            (*path, "tracking_link") if own else (*path, "body"),
            "tracking_link",
            "tracking_link is 'inline', but the body has no {{ tracking_link }}",
            "put the tag into the body, or write append or none",
        )
    return "inline" if tagged else chosen


def _has_link(template: Template) -> bool:
    return "tracking_link" in template.fields | template.entries.get(JOBS, frozenset())


def check_length(
    source: str,
    encoding: Literal["auto", "gsm7", "ucs2"],
    max_segments: int | None,
    report: Reporter,
    at: Path,
) -> None:
    """Look at what is left of a text when every field is empty; None: any length will do."""
    if "{%" in source:
        return  # which branch is taken is known only with a job
    fixed = _PRINTED.sub("", source)
    if not fixed.strip():
        if "{{" not in source:
            report.error(at, "blank_body", f"{called(at)} renders to nothing")
        return
    if max_segments is None:
        return
    size = fit(fixed, encoding).size
    if size.segments > max_segments:
        report.warn(
            at,
            "too_long",
            f"{called(at)} takes {size.segments} segments before any field is filled in, and "
            f"max_segments is {max_segments}: it would always be stopped",
            "shorten it, or raise max_segments",
        )
