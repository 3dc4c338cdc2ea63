"""The text of a rule: compiled, and checked for what it could never say or afford."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from smsnotify.base.errors import TemplateError
from smsnotify.model.reading import OPT_OUT_LINK
from smsnotify.rules.digest import JOBS, JOBS_HINT, check_digest_body, lists_of
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import DefaultsKeys, RuleKeys
from smsnotify.rules.vocabulary import CONTACT, Vocabulary
from smsnotify.text.encode import fit
from smsnotify.text.template import Template, compile_template

_PRINTED: Final = re.compile(r"\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)


class Body(msgspec.Struct, frozen=True):
    """A body ready to render, and how its text is finished."""

    template: Template
    source: str
    tracking_link: Literal["append", "inline", "none"]
    encoding: Literal["auto", "gsm7", "ucs2"]
    max_segments: int


def read_body(
    keys: RuleKeys,
    defaults: DefaultsKeys,
    words: Vocabulary,
    report: Reporter,
    path: Path,
) -> Body | None:
    """Compile the body of a rule; None when there is none or it cannot be."""
    source = keys.body
    if source is None:
        return None
    at = (*path, "body")
    try:
        template = compile_template(
            source,
            fields=words.printable | {OPT_OUT_LINK},
            lists=lists_of(keys, words),
            namespaces=CONTACT,
        )
    except TemplateError as error:
        hint = error.hint
        if words.fields.get(error.name) == "list" and error.name != "items":
            hint = f"{error.name} is a list, which a text cannot print"
        if error.name == JOBS and keys.digest is None and JOBS not in words.fields:
            hint = JOBS_HINT
        report.error_in_text(at, error.line, error.name, "bad_template", error.message, hint)
        return None
    check_digest_body(keys, template, report, at)
    encoding = keys.encoding if "encoding" in keys.model_fields_set else defaults.encoding
    body = Body(
        template=template,
        source=source,
        tracking_link=_link(keys, defaults, template, report, path),
        encoding=encoding,
        max_segments=keys.max_segments or defaults.max_segments or 3,
    )
    longest = body.max_segments if "sms" in keys.channel else None
    check_length(body.source, body.encoding, longest, report, at)
    return body


def no_body() -> Body:
    """Return the body of a rule that texts nobody itself."""
    return Body(
        template=compile_template("", fields=()),
        source="",
        tracking_link="none",
        encoding="auto",
        max_segments=1,
    )


def _link(
    keys: RuleKeys, defaults: DefaultsKeys, template: Template, report: Reporter, path: Path
) -> Literal["append", "inline", "none"]:
    """Return where the link goes. A body that has the tag is inline, whatever the defaults say.

    A digest has no link of its own: nothing is appended, but each job may bring its own in.
    """
    own = "tracking_link" in keys.model_fields_set
    chosen = keys.tracking_link if own else defaults.tracking_link
    tagged = "tracking_link" in template.fields | template.entries.get(JOBS, frozenset())
    if keys.digest is not None and chosen == "append":
        if own:
            report.error(
                (*path, "tracking_link"),
                "digest",
                "a digest tells of several jobs: there is no one link to append",
                "print each job's: {% for job in jobs %}{{ job.tracking_link }} {% endfor %}",
            )
        return "inline" if tagged else "none"
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
            report.error(at, "blank_body", f"the {at[-1]} renders to nothing")
        return
    if max_segments is None:
        return
    size = fit(fixed, encoding).size
    if size.segments > max_segments:
        report.warn(
            at,
            "too_long",
            f"the {at[-1]} takes {size.segments} segments before any field is filled in, and "
            f"max_segments is {max_segments}: it would always be stopped",
            "shorten it, or raise max_segments",
        )
