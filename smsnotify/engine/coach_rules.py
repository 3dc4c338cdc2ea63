"""What the coach says of a rule before it has seen an event: its senders, numbers and languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smsnotify.base.errors import MissingValueError
from smsnotify.base.redact import mask_number
from smsnotify.engine.samples import SAMPLE_NUMBER, sample_contacts
from smsnotify.model.job import Job
from smsnotify.model.problem import Problem
from smsnotify.model.reading import Reading
from smsnotify.model.rule import SMS
from smsnotify.rules.compile import CompiledRule
from smsnotify.text.encode import fit

DeafSender = Callable[[str], str]
"""The sender of a route that nobody can answer, `''` when there is none."""


def about_settings(
    rule: CompiledRule, countries: frozenset[str] | None, deaf_sender: DeafSender
) -> Iterator[Problem]:
    """Say what does not go together with the settings; `countries` None: any destination."""
    if rule.terms.channel != SMS:
        return
    deaf = deaf_sender(rule.terms.route)
    if deaf and rule.recipient_fields and not rule.terms.has_opt_out_link:
        yield doubt(
            rule,
            "no_opt_out",
            f"its sender {deaf!r} is a word: nobody can answer STOP, and the text has no link",
            "put {{ opt_out_link }} into the body, or send from a number",
        )
    if rule.fixed and countries is not None:
        yield from _foreign_numbers(rule, countries)


def _foreign_numbers(rule: CompiledRule, countries: frozenset[str]) -> Iterator[Problem]:
    from smsnotify.text.phone import country_of  # most rules name no number

    for number in rule.fixed:
        country = country_of(number)
        if country not in countries:
            yield doubt(
                rule,
                "foreign_number",
                f"the fixed number {mask_number(number)} is in {country or 'no country'}, "
                f"and countries of the settings are {', '.join(sorted(countries))}",
                "its texts stop with country_not_allowed; mend the number, or the countries",
            )


def about_languages(rule: CompiledRule, job: Job) -> Iterator[Problem]:
    """Say what an invented job's text costs in each language, where that is not the same."""
    languages = rule.terms.languages
    if languages is None or rule.terms.channel != SMS:
        return
    told = []
    for tag in languages.offered:
        contact = sample_contacts([SAMPLE_NUMBER], tag)[SAMPLE_NUMBER]
        try:
            text = languages.terms[tag].body(Reading(job, contact, "https://example.com/o/sample"))
        except MissingValueError:
            continue
        size = fit(text, rule.terms.encoding).size
        told.append((size.segments, f"{size.segments} in {tag} ({size.encoding})"))
    if len({segments for segments, _ in told}) > 1:
        yield doubt(
            rule,
            "language_cost",
            f"segments of a sample text, by language: {', '.join(words for _, words in told)}",
            "shorten the dear ones; other alphabets take 70 characters a segment",
        )


def doubt(rule: CompiledRule, code: str, message: str, hint: str) -> Problem:
    """Make a piece of advice about a rule."""
    return Problem(
        severity="warning",
        file=rule.file,
        line=rule.line,
        column=1,
        code=code,
        message=f"rule {rule.terms.name!r}: {message}",
        hint=hint,
    )
