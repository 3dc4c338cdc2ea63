"""From an event to drafts: what the rules want to say, and to whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from smsnotify.gates.occasion import STAMPED, occasion
from smsnotify.model.decision import Draft, MessageKey
from smsnotify.model.event import Event
from smsnotify.model.facts import Policy
from smsnotify.model.job import Job
from smsnotify.model.rule import EMAIL
from smsnotify.rules.compile import CompiledRule, RuleSet
from smsnotify.text.address import NOT_AN_ADDRESS, read_email
from smsnotify.text.phone import country_of, read_at_a_glance, read_number, split_numbers

NO_RECIPIENT = "no_recipient"


def match(event: Event, rules: RuleSet, policy: Policy, now: datetime) -> list[Draft]:
    """Return one draft per matched rule and recipient, rules in file order.

    A number that several fields hold gets one draft; a number that cannot be read gets one too,
    with its refusal; a rule that finds nobody gets a draft without a recipient.
    """
    drafts: list[Draft] = []
    for rule in rules.matching(event.name, event.job):
        drafts += drafts_of(rule, event, policy, now)
    return drafts


def drafts_of(rule: CompiledRule, event: Event, policy: Policy, now: datetime) -> list[Draft]:
    """Return what one matched rule wants to say, to each of its recipients.

    With `fallback: email` mails are added where the job has no number that can be texted.
    """
    if rule.sole_field:
        draft = _draft_at_a_glance(rule, event, policy, now)
        if draft is not None:
            return [draft]
    drafts = _drafts_on_channel(rule, event, policy, now)
    mail = rule.mail
    if mail is None:
        return drafts
    if not rule.mail_instead:
        return drafts + _drafts_on_channel(mail, event, policy, now)
    if all(_cannot_be_texted(draft, policy) for draft in drafts):
        mailed = _drafts_on_channel(mail, event, policy, now)
        drafts += [draft for draft in mailed if draft.refusal != NO_RECIPIENT]
    return drafts


def drafts_for(
    rule: CompiledRule, channel: str, event: Event, policy: Policy, now: datetime
) -> list[Draft]:
    """Return what a matched rule says on one channel, whatever becomes of the other."""
    if rule.terms.channel == channel:
        return _drafts_on_channel(rule, event, policy, now)
    return [] if rule.mail is None else _drafts_on_channel(rule.mail, event, policy, now)


def _cannot_be_texted(draft: Draft, policy: Policy) -> bool:
    if draft.refusal:
        return True
    return policy.countries is not None and draft.country not in policy.countries


def _draft_at_a_glance(
    rule: CompiledRule, event: Event, policy: Policy, now: datetime
) -> Draft | None:
    """Return the one draft of a rule whose only field is one number that needs no second look.

    It is the one that `_drafts_on_channel` comes to; None says nothing: ask that.
    """
    terms, job, name = rule.terms, event.job, event.name
    value, country = getattr(job, rule.sole_field), job.country
    if type(value) is not str:
        return None
    found = read_at_a_glance(value, country if type(country) is str else "", policy.country)
    if found is None:
        return None
    if job.attempt == 1 and name not in STAMPED and not terms.repeat_each:
        when = "1"  # as `occasion` says of nearly every event
    else:
        when = occasion(event, policy, now, each=terms.repeat_each)
    recipient, country, refusal = found
    key = (event.subject, policy.mode, name, terms.id, when, terms.channel, recipient)
    return Draft(terms, event, recipient, _new_key(MessageKey, key), refusal, country)


def _drafts_on_channel(
    rule: CompiledRule, event: Event, policy: Policy, now: datetime
) -> list[Draft]:
    terms, job, name = rule.terms, event.job, event.name
    when = occasion(event, policy, now, each=terms.repeat_each)
    subject, mode, own, channel = event.subject, policy.mode, terms.id, terms.channel
    drafts = []
    found = _addresses(rule, job) if channel == EMAIL else _recipients(rule, job, policy.country)
    for recipient, country, refusal in found:
        key = _new_key(MessageKey, (subject, mode, name, own, when, channel, recipient))
        drafts.append(Draft(terms, event, recipient, key, refusal, country))
    return drafts


_new_key = tuple.__new__  # half the price of calling the class; one key a draft


def _recipients(rule: CompiledRule, job: Job, home: str) -> Iterable[tuple[str, str, str]]:
    """Return (recipient, country, refusal), in the order of the rule's fields, then fixed."""
    job_country = job.country
    if type(job_country) is not str:
        job_country = ""
    written: list[str] = []
    for field in rule.recipient_fields:
        value = getattr(job, field)
        if type(value) is str:
            written += split_numbers(value)
        elif value is not None:
            written += _written_numbers(value)
    if len(written) == 1 and not rule.fixed:
        raw = written[0]
        read = read_number(raw, job_country, home)
        return (read if read.e164 else (raw, read.country, read.reason),)
    found: dict[str, tuple[str, str, str]] = {}
    for raw in written:
        e164, country, refusal = read_number(raw, job_country, home)
        recipient = e164 or raw
        found[recipient] = (recipient, country, refusal)
    for fixed in rule.fixed:
        found[fixed] = (fixed, country_of(fixed), "")
    return found.values() or (("", "", NO_RECIPIENT),)


def _addresses(rule: CompiledRule, job: Job) -> Iterable[tuple[str, str, str]]:
    """Return (address, no country, refusal) of whoever gets a mail; fixed ones come last."""
    found: dict[str, tuple[str, str, str]] = {}
    for field in rule.recipient_fields:
        value = getattr(job, field)
        for raw in () if value is None else _written_numbers(value):
            address = read_email(raw)
            found[address or raw] = (address or raw, "", "" if address else NOT_AN_ADDRESS)
    for fixed in rule.fixed:
        found[fixed] = (fixed, "", "")
    return found.values() or (("", "", NO_RECIPIENT),)


def _written_numbers(value: object) -> list[str]:
    if isinstance(value, list):
        return [number for entry in value if entry for number in _written_numbers(entry)]
    return split_numbers(str(value))
