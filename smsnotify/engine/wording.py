"""The words of a draft that may leave: in the reader's language, fitted to segments. Pure."""

from __future__ import annotations

from smsnotify.base.errors import MissingValueError
from smsnotify.engine.first_texts import for_first_text
from smsnotify.engine.page_links import with_pages
from smsnotify.gates.ruling import Ruling
from smsnotify.model.contact import NOBODY_KNOWN
from smsnotify.model.decision import Decision, Draft, Verdict
from smsnotify.model.facts import Facts
from smsnotify.model.reading import Reading
from smsnotify.model.rule import SMS, Languages, RuleTerms
from smsnotify.model.size import Encoding
from smsnotify.text.encode import fit
from smsnotify.text.markdown import link_to, plain_text
from smsnotify.text.size import measure
from smsnotify.text.speaking import language_for

NOTHING_SWAPPED: tuple[tuple[str, str], ...] = ()
GSM7 = Encoding.GSM7
SEND, HOLD, STOP = Verdict.SEND, Verdict.HOLD, Verdict.STOP


def sent_at_a_glance(draft: Draft) -> Decision | None:
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


def reading_of(draft: Draft, facts: Facts, to: str = "") -> Reading:
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
    told = draft if facts.tracking_link is None else with_pages(draft, facts.tracking_link, to)
    reads_more = draft.terms.reads_person or terms.bounds is not None  # the others of a digest
    reading = reading_of(told, facts, to) if reads_more else None
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
