"""The heart: events to drafts, drafts to decisions. Pure; used by everything that decides.

`match` says what the rules want to say to whom, `judge` what becomes of it. `process`, `--dry-run`,
`preview`, reminders, release and tests all call these two, so that a preview cannot lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from smsnotify.base.errors import MissingValueError
from smsnotify.engine.first_texts import for_first_text, note_first_text
from smsnotify.gates.caps import caps_gate, count
from smsnotify.gates.digest import open_door
from smsnotify.gates.occasion import STAMPED, occasion
from smsnotify.gates.pipeline import (
    ORDER,
    Concern,
    are_usual,
    concern_of,
    gates_for,
    passes_usual,
    run_gates,
)
from smsnotify.gates.ruling import Gate, Ruling
from smsnotify.model.contact import NOBODY_KNOWN
from smsnotify.model.decision import Decision, Draft, Earlier, MessageKey, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import Job
from smsnotify.model.message import MessageState
from smsnotify.model.reading import Reading
from smsnotify.model.rule import EMAIL, SMS, Languages, RuleTerms
from smsnotify.model.size import Encoding
from smsnotify.rules.compile import CompiledRule, RuleSet
from smsnotify.text.address import NOT_AN_ADDRESS, read_email
from smsnotify.text.encode import fit
from smsnotify.text.markdown import link_to, plain_text
from smsnotify.text.phone import country_of, read_at_a_glance, read_number, split_numbers
from smsnotify.text.size import measure
from smsnotify.text.speaking import language_for

NO_RECIPIENT = "no_recipient"
NOTHING_SWAPPED: tuple[tuple[str, str], ...] = ()
GSM7 = Encoding.GSM7
SEND, HOLD, STOP = Verdict.SEND, Verdict.HOLD, Verdict.STOP


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


def judge(
    drafts: Iterable[Draft],
    facts: Facts,
    policy: Policy,
    now: datetime,
    order: tuple[Gate, ...] = ORDER,
) -> list[Decision]:
    """Decide each draft in turn, as if they came one by one.

    A draft that may leave, now or later, takes its key in `facts`, so that the next one with the
    same meaning is a duplicate. A stopped one leaves no key and is judged anew another time.
    Whom the rule's conditions on the contact leave out gets no decision at all.
    """
    decisions = []
    keys = facts.keys
    counts = facts.counts if caps_gate in order else None
    usual = are_usual(facts, policy, order)
    leads_to_page = facts.tracking_link is not None
    concerned: dict[Concern, tuple[Gate, ...]] = {}
    here = now
    for draft in drafts:
        if draft.terms.reads_person and not is_meant(draft, facts):
            continue
        happened_at = draft.event.time
        if happened_at is not None and happened_at.tzinfo is not here.tzinfo:
            here = now.astimezone(happened_at.tzinfo)  # within one zone, ages cost a fifth
        if usual and passes_usual(draft, facts, policy, here):
            ruling = None
            sent = None if leads_to_page else _sent_at_a_glance(draft)
            if sent is not None:
                keys[draft.key] = _QUEUED
                decisions.append(sent)
                continue
        else:
            concern = concern_of(draft)
            gates = concerned.get(concern)
            if gates is None:
                gates = concerned[concern] = gates_for(concern, facts, policy, order)
            ruling = run_gates(draft, facts, policy, now, gates)
        if ruling is not None and ruling.verdict is STOP:
            decision = _stopped(draft, ruling, facts)
        else:
            decision = worded(draft, ruling, facts)
            if counts is not None and decision.verdict is not STOP:
                decision = count(decision, counts, policy)
            if decision.first_text:
                note_first_text(decision, facts)
            if decision.verdict is not STOP:
                keys[draft.key] = _HELD if decision.verdict is HOLD else _QUEUED
                if draft.terms.bounds is not None:
                    open_door(draft, facts, policy, now)
        decisions.append(decision)
    return decisions


_QUEUED = Earlier("", MessageState.QUEUED)
_HELD = Earlier("", MessageState.HELD)


def _sent_at_a_glance(draft: Draft) -> Decision | None:
    """Return what `worded` comes to for a draft that `passes_usual`, if it is short and GSM-7.

    None says nothing: ask that.
    """
    terms, job = draft.terms, draft.event.job
    if terms.countries is not None and draft.country in terms.countries:
        return None
    try:
        text = terms.body(job)
    except MissingValueError:
        return None
    if not text or text.isspace():
        return None
    link = job.tracking_link
    if link and terms.tracking_link == "append":
        text = f"{text}\n{link}"
    size = measure(text)
    if size.encoding is not GSM7 or size.segments > terms.max_segments:
        return None
    return Decision(
        draft=draft,
        verdict=SEND,
        to=draft.recipient,
        body=text,
        encoding=GSM7,
        segments=size.segments,
    )


def _stopped(draft: Draft, ruling: Ruling, facts: Facts) -> Decision:
    earlier = facts.keys.get(draft.key) if ruling.reason == "duplicate" else None
    return Decision(
        draft=draft,
        verdict=Verdict.STOP,
        gate=ruling.gate,
        reason=ruling.reason,
        detail=ruling.detail,
        earlier=earlier,
    )


def is_meant(draft: Draft, facts: Facts) -> bool:
    """Say whether a recipient meets the rule's conditions on the contact."""
    tests = draft.terms.contact_tests
    if not tests:
        return True
    who = _reading(draft, facts)
    return all(test(who) for test in tests)


def _reading(draft: Draft, facts: Facts, to: str = "") -> Reading:
    """Return what a rule reads that asks for the recipient; the link is of who gets the text."""
    contact = facts.contacts.get(draft.recipient, NOBODY_KNOWN)
    link = facts.opt_out_link(to) if to and facts.opt_out_link is not None else ""
    others = {one.subject: one.job for one in draft.others if one.subject != draft.event.subject}
    return Reading(draft.event.job, contact, link, others.values())


def worded(draft: Draft, ruling: Ruling | None, facts: Facts) -> Decision:
    """Write the text of a draft that passed or waits; without its words it cannot go."""
    terms, language, spoken = draft.terms, "", ""
    if terms.languages is not None:
        terms, language, spoken = _in_language(draft, terms.languages, facts)
    to = ruling.to if ruling is not None and ruling.to else draft.recipient
    told = draft if facts.tracking_link is None else _with_pages(draft, facts.tracking_link, to)
    reads_more = draft.terms.reads_person or terms.bounds is not None  # the others of a digest
    reading = _reading(told, facts, to) if reads_more else None
    title = markup = ""
    try:
        if terms.title is not None:
            job = told.event.job if reading is None else reading
            title = " ".join(terms.title(job).split())
            markup = "" if terms.markup is None else _with_tracking(terms.markup(job), told)
            text = wording(told, terms, reading) if terms.markup is None else plain_text(markup)
        else:
            text = wording(told, terms, reading)
    except MissingValueError as missing:
        return Decision(
            draft=draft,
            verdict=Verdict.STOP,
            gate="text",
            reason="missing_value",
            detail=f"{missing.field} has no value",
            language=language,
        )
    if not text or text.isspace():
        return Decision(
            draft=draft,
            verdict=Verdict.STOP,
            gate="text",
            reason="missing_value",
            detail="the text is empty: no branch of the template has anything to say",
        )
    if terms.channel != SMS:
        return _mailed(draft, ruling, to, title, text, markup, language, spoken)
    longest, first_text = terms.max_segments, False
    if terms.countries is not None and (own := terms.countries.get(draft.country)) is not None:
        longest = own.max_segments or longest
        text, first_text = for_first_text(text, own, draft, facts)
    if terms.registered is not None:
        departs = terms.registered(fit(text, terms.encoding).text)
        if departs:
            return Decision(
                draft=draft,
                verdict=STOP,
                gate="text",
                reason="not_registered",
                detail=_joined(departs, spoken),
                language=language,
                body=text,
            )
    if to != draft.recipient:
        text = f"TEST for {draft.recipient}: {text}"
    size, swapped = measure(text), NOTHING_SWAPPED
    if size.encoding is not GSM7 or terms.encoding == "ucs2":  # else `fit` leaves it as it is
        fitted = fit(text, terms.encoding)
        text, size, swapped = fitted.text, fitted.size, fitted.swapped
    if size.segments > longest:
        why = f"{size.segments} segments in {size.encoding}, max_segments is {longest}"
        return Decision(
            draft=draft,
            verdict=Verdict.STOP,
            gate="text",
            reason="too_long",
            detail=_joined(why, spoken),
            language=language,
            body=text,
            encoding=size.encoding,
            segments=size.segments,
            swapped=swapped,
        )
    if ruling is None:
        return Decision(
            draft=draft,
            verdict=SEND,
            detail=spoken,
            language=language,
            first_text=first_text,
            to=to,
            body=text,
            encoding=size.encoding,
            segments=size.segments,
            swapped=swapped,
        )
    return Decision(
        draft=draft,
        verdict=ruling.verdict,
        gate=ruling.gate if ruling.verdict is Verdict.HOLD else "",
        reason=ruling.reason,
        detail=_joined(ruling.detail, spoken),
        language=language,
        first_text=first_text,
        not_before=ruling.not_before,
        to=to,
        body=text,
        encoding=size.encoding,
        segments=size.segments,
        swapped=swapped,
    )


def _joined(detail: str, spoken: str) -> str:
    """Say why it is in this language behind what else there is to say, once."""
    return detail if spoken in detail else f"{detail}; {spoken}" if detail else spoken


def _in_language(draft: Draft, languages: Languages, facts: Facts) -> tuple[RuleTerms, str, str]:
    """Return a rule's terms in the reader's language, which one it is, and why in words."""
    contact = facts.contacts.get(draft.recipient, NOBODY_KNOWN)
    chosen = language_for(languages, contact, draft.event.job, draft.country)
    told = chosen.told(languages, draft.country)
    return languages.terms[chosen.language], chosen.language, told


def _mailed(
    draft: Draft,
    ruling: Ruling | None,
    to: str,
    title: str,
    text: str,
    markup: str,
    language: str,
    spoken: str,
) -> Decision:
    """Return the decision of a mail or an alarm whose words are there."""
    if not title and draft.terms.title is not None:
        return Decision(
            draft=draft,
            verdict=STOP,
            gate="text",
            reason="missing_value",
            detail="the subject line is empty",
            language=language,
        )
    if to != draft.recipient:
        title = f"TEST for {draft.recipient}: {title}"
    held = ruling is not None and ruling.verdict is HOLD
    return Decision(
        draft=draft,
        verdict=SEND if ruling is None else ruling.verdict,
        gate=ruling.gate if ruling is not None and held else "",
        reason="" if ruling is None else ruling.reason,
        detail=_joined("" if ruling is None else ruling.detail, spoken),
        language=language,
        not_before=None if ruling is None else ruling.not_before,
        to=to,
        title=title,
        body=text,
        markup=markup,
    )


def _with_tracking(markup: str, draft: Draft) -> str:
    link = draft.event.job.tracking_link
    if draft.terms.tracking_link == "append" and link:
        return f"{markup}\n\n{link_to(str(link))}"
    return markup


def wants_page(draft: Draft) -> bool:
    """Say whether a text leads to our own tracking page, where there is one.

    It does where the rule wants a link and the job brings none.
    """
    return draft.terms.tracking_link != "none" and _lacks_link(draft.event)


def _lacks_link(event: Event) -> bool:
    return not event.job.tracking_link and event.subject.startswith(_OF_A_JOB)


_OF_A_JOB = ("id:", "do:")  # interactions and replies are about no delivery


def _with_pages(draft: Draft, link_of: Callable[[str, str], str], to: str) -> Draft:
    """Lead to our own page about each job that brings no link, where the rule wants one."""
    if draft.terms.tracking_link == "none":
        return draft
    if draft.others:
        others = tuple([_with_page(event, link_of, to) for event in draft.others])
        draft = msgspec.structs.replace(draft, others=others)
    event = _with_page(draft.event, link_of, to)
    return draft if event is draft.event else msgspec.structs.replace(draft, event=event)


def _with_page(event: Event, link_of: Callable[[str, str], str], to: str) -> Event:
    if not _lacks_link(event):
        return event
    job = msgspec.structs.replace(event.job, tracking_link=link_of(event.subject, to))
    return msgspec.structs.replace(event, job=job)


def wording(draft: Draft, terms: RuleTerms, reading: Reading | None = None) -> str:
    """Return the body of a draft with the tracking link where the rule wants it.

    `terms` are the rule's in the reader's language; `reading` is for rules that say
    `reads_person`.

    Raises:
        MissingValueError: a field of the template has no value and no default.
    """
    job = draft.event.job
    text = terms.body(job if reading is None else reading)
    link = job.tracking_link
    if terms.tracking_link == "append" and link:
        return f"{text}\n{link}"
    return text
