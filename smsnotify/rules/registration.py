"""Registered texts: what is seen of a template that its text would not be the registered one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from smsnotify.model.rule import CountryTerms
from smsnotify.rules.body import Body
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import RuleKeys
from smsnotify.rules.wordings import ONLY, check_same_languages, check_texts, wordings
from smsnotify.text.encode import fit
from smsnotify.text.registered import Registered

_PRINTED: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_COMMENT: Final = re.compile(r"\{#(?!\s*[A-Za-z0-9_ -]*#\}).*?#\}", re.DOTALL)
_LINK: Final = "https://example.com/t/0000000000000000000000"

Departs = Callable[[str], str]


def read_registered(
    keys: RuleKeys,
    body: Body,
    countries: Mapping[str, CountryTerms] | None,
    report: Reporter,
    path: Path,
) -> dict[str, Departs]:
    """Return what holds a text against the registered one, by language as the body's wordings.

    Empty where nothing is registered. What can be seen without a job goes to the report.
    """
    at = (*path, "registered_text")
    if keys.registered_text is None or not check_texts(keys.registered_text, report, at):
        return {}
    if not check_same_languages(keys.registered_text, body.speech.tags, report, at):
        return {}
    if isinstance(keys.registered_text, dict) and not body.speech.tags:
        told = "the registered text has languages, and the body has none"
        report.error(at, "missing_language", told, "body: {en: …, hi: …}, with the same languages")
        return {}
    written = wordings(keys.registered_text, at)
    found: dict[str, Departs] = {}
    for tag, (source, place) in wordings(keys.body or "", ()).items():
        registered, where = written.get(tag) or written[ONLY]
        against = Registered(registered)
        found[tag] = against.fault
        if "{%" not in source:  # which branch is taken is known only with a job
            _check(_sample(source), against, body, countries, report, (where, place))
    return found


def _sample(source: str) -> str:
    """Return the text of a body in which every field has one letter."""
    return _PRINTED.sub("x", _COMMENT.sub("", source)).removesuffix("\n")


def _check(
    sample: str,
    against: Registered,
    body: Body,
    countries: Mapping[str, CountryTerms] | None,
    report: Reporter,
    places: tuple[Path, Path],
) -> None:
    """Report the first thing that parts a body from the registered text."""
    at = places[0]
    departs = against.fault(sample)
    if departs:
        hint = "write the body as it was registered, with a field where {#var#} stands"
        report.error(at, "not_registered", f"the body is not the registered text: {departs}", hint)
        return
    fitted = fit(sample, body.encoding)
    departs = against.fault(fitted.text)
    if departs:
        swapped = ", ".join(f"{was} for {now}" for was, now in fitted.swapped)
        told = f"encoding: {body.encoding} changes the registered text ({swapped}): {departs}"
        report.error(at, "not_registered", told, "encoding: ucs2 leaves it as it is")
        return
    if body.tracking_link == "append" and against.fault(f"{sample}\n{_LINK}"):
        told = "the tracking link that comes below the text is not in the registered one"
        hint = "tracking_link: none, or {{ tracking_link }} in the body where {#var#} stands"
        report.error(at, "not_registered", told, hint)
        return
    for country, own in (countries or {}).items():
        words = own.first_text_suffix
        added = f"{sample}\n{words}"
        if words and words.casefold() not in sample.casefold() and against.fault(added):
            told = f"the first_text_suffix of {country} is not in the registered text"
            hint = f"countries: {{{country}: {{first_text_suffix: none}}}} in this rule"
            report.error(at, "not_registered", told, hint)
            return
