"""Held texts, judged again when their time has come.

What was held last night is measured against today's rules, the newest snapshot of its job and
what the person said meanwhile: it leaves, waits longer, or is cancelled with a reason. Those in one
window of a digest are judged one by one, and then leave as one text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from smsnotify.base.errors import OvertakenError
from smsnotify.engine.conversing_release import (
    Known,
    enrolments_of,
    is_conversation,
    judge_held,
)
from smsnotify.engine.conversing_texts import plain_terms
from smsnotify.engine.counting import Asked, learn_counts
from smsnotify.engine.decide import judge
from smsnotify.engine.digesting import by_door, longest_hold, shares
from smsnotify.engine.drafting import drafts_for
from smsnotify.engine.first_texts import forget_first_text
from smsnotify.engine.keep import (
    Memory,
    concerned,
    opt_out_link,
    opt_out_pages,
    tracking_link,
    tracking_pages,
)
from smsnotify.engine.reminders import PRE_JOB
from smsnotify.engine.snapshots import ReadJob, closed_as_told, snapshot_reader
from smsnotify.gates.begun import begun_gate, closed_gate, is_of_the_way
from smsnotify.gates.caps import capped, caps_gate
from smsnotify.gates.digest import NAME as DIGEST
from smsnotify.gates.digest import digest_gate
from smsnotify.gates.duplicate import duplicate_gate
from smsnotify.gates.pipeline import ORDER
from smsnotify.model.counts import Charge
from smsnotify.model.decision import Decision, Draft, Verdict
from smsnotify.model.event import Event, Happening
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import Job
from smsnotify.model.message import Message
from smsnotify.model.rule import EMAIL
from smsnotify.plans.book import PlanSet
from smsnotify.rules.compile import RuleSet
from smsnotify.store.digests import MERGED, Window
from smsnotify.store.held import HeldMessage, Resolution
from smsnotify.store.store import Store
from smsnotify.text.phone import country_of

AT_ONCE = 500

NO_PLANS = PlanSet()

# It has its key, and its digest's window is over; but its job may be over too by now.
_AT_FIRST = tuple(gate for gate in ORDER if gate not in (duplicate_gate, digest_gate))
_AFTER_BEGUN = _AT_FIRST.index(begun_gate) + 1
_ORDER = (*_AT_FIRST[:_AFTER_BEGUN], closed_gate, *_AT_FIRST[_AFTER_BEGUN:])
# A text of several is counted once, when it is put together.
_ORDER_OF_PARTS = tuple(gate for gate in _ORDER if gate is not caps_gate)

_TRIES = 50


class Again(msgspec.Struct, frozen=True, gc=False):
    """The second judgement of a held message: a decision, or why there is none any more.

    `carried_by` is the message that tells of its job too: the reason is `merged` then.
    `expires_at` is when one that tells of several is given up, if that is not its own time.
    """

    message: Message
    decision: Decision | None
    reason: str = ""
    carried_by: str = ""
    expires_at: datetime | None = None


def judge_again(
    message: Message,
    job: Job | None,
    rules: RuleSet,
    policy: Policy,
    facts: Facts,
    now: datetime,
    *,
    phase: str = "",
) -> Again:
    """Judge one held message as if its event had come now; it keeps the key that it has.

    `phase` is where a snapshot that came after the event says that the job is.
    Reasons without a decision: `rule_gone`, `job_gone`, `no_longer_matches`.
    """
    written = rules.by_id.get(message.rule)
    if written is None or not written.enabled:
        return Again(message, None, "rule_gone")
    if job is None:
        return Again(message, None, "job_gone")
    candidates = rules.listening(message.event, job)
    rule = next((one for one in candidates if one.id == message.rule), None)
    if rule is None or not rule.matches(job):
        return Again(message, None, "no_longer_matches")
    event = Event(
        message.event,
        job,
        message.subject,
        "",
        message.event_time,
        came_at=message.created_at,
        phase=phase,
    )
    drafts = [
        draft
        for draft in drafts_for(rule, message.channel, event, policy, now)
        if draft.recipient == message.intended
    ]
    if not drafts or _is_other_news(message, drafts[0]):
        return Again(message, None, "no_longer_matches")
    order = _ORDER_OF_PARTS if message.digest else _ORDER
    decisions = judge([_with_key(drafts[0], message)], facts, policy, now, order)
    # The rule may have asked for something of the person that is not so any more.
    return Again(message, decisions[0]) if decisions else Again(message, None, "no_longer_matches")


def _later_phase(held: HeldMessage) -> str:
    if held.job is None or held.job.seen_at <= held.message.created_at:
        return ""
    return held.job.state.phase


def _is_other_news(message: Message, draft: Draft) -> bool:
    """Say whether a reminder is of a date that the job has no more: there is another one then."""
    return message.event == PRE_JOB and draft.key.occasion != message.occasion


def facts_of_held(
    held: Sequence[HeldMessage], memory: Memory, rules: RuleSet, policy: Policy, now: datetime
) -> Facts:
    """Fetch what is known of those whom held texts are for, and what is silenced."""
    intended = {one.message.intended for one in held}
    facts = Facts({}, memory.people(concerned(intended, policy)), silences=memory.silences(now))
    facts.tracking_link = tracking_link(memory, policy)
    if any(rule.terms.reads_person for rule in rules.rules):
        facts.contacts = memory.contacts_of(intended)
        facts.opt_out_link = opt_out_link(memory, policy)
    facts.happened = _what_happened(held, memory, rules)
    if any(rule.terms.countries is not None for rule in rules.rules):
        facts.greeted = memory.greeted(intended, policy.mode, "")
    count_held(facts, held, memory, rules, policy, now)
    return facts


def count_held(
    facts: Facts,
    held: Sequence[HeldMessage],
    memory: Memory,
    rules: RuleSet,
    policy: Policy,
    now: datetime,
) -> None:
    """Fetch the counters of caps on held texts into the facts, as they stand at `now`."""
    learn_counts(facts, list(_asked(held, rules)), memory, policy, now)


def _what_happened(
    held: Sequence[HeldMessage], memory: Memory, rules: RuleSet
) -> Mapping[str, Sequence[Happening]]:
    """Fetch what happened to the jobs of texts whose rules look back at it."""
    bounds = {rule.id: rule.terms.bounds for rule in rules.rules if rule.terms.bounds is not None}
    subjects = {
        one.message.subject
        for one in held
        if (bound := bounds.get(one.message.rule)) is not None and bound.asks
    }
    return memory.happened(subjects, rules.asks) if subjects else {}


def _asked(held: Sequence[HeldMessage], rules: RuleSet) -> Iterator[Asked]:
    """Give for whom counters are wanted: by the rule as it is now, if there is one."""
    for one in held:
        message = one.message
        rule = rules.by_id.get(message.rule)
        if is_conversation(message) or rule is None:
            terms = plain_terms(message.rule, "", message.route)
        else:
            terms = rule.terms
        country = country_of(message.intended) if message.channel != EMAIL else ""
        yield Asked(terms, message.intended, country)


def _with_key(draft: Draft, message: Message) -> Draft:
    """The message keeps its place in the books, whatever today's snapshot would call it."""
    key = draft.key._replace(
        subject=message.subject, kind=message.kind, occasion=message.occasion, mode=message.mode
    )
    return msgspec.structs.replace(draft, key=key)


def release_due(
    store: Store,
    rules: RuleSet,
    policy: Policy,
    now: datetime,
    *,
    plans: PlanSet = NO_PLANS,
    go_on: Callable[[], bool] = lambda: True,
) -> list[Again]:
    """Judge every held text whose time has come, and write down what becomes of it.

    Returns those that this call really changed; another process may have been faster with some.
    `go_on` is asked between two portions of AT_ONCE.
    """
    read_job = snapshot_reader(rules.job_type)

    def read(one: HeldMessage) -> Job | None:
        job, rule = read_job(one.job), rules.by_id.get(one.message.rule)
        if job is None or one.job is None or rule is None:
            return job
        event = one.message.event
        if event != PRE_JOB and not is_of_the_way(event, rule.terms):
            return job
        return closed_as_told(job, one.job.state)

    changed: list[Again] = []
    overtaken = 0
    while go_on() and (held := whole_windows(store.held_due(policy.mode, now, AT_ONCE), store)):
        facts = facts_of_held(held, store, rules, policy, now)
        talks = enrolments_of([one.message for one in held], store)
        jobs = _jobs_of(talks, store, read_job)
        judged = []
        for one in held:
            message = one.message
            if is_conversation(message):
                job = jobs.get(message.subject)
                said = judge_held(message, job, talks, plans, policy, facts, now, _ORDER)
                gone = Again(message, None, "plan_moved_on")
                judged.append(gone if said is None else Again(message, said))
            else:
                phase = _later_phase(one)
                judged.append(
                    judge_again(message, read(one), rules, policy, facts, now, phase=phase)
                )
        decisions = [again.decision for again in judged if again.decision is not None]
        pages = opt_out_pages(decisions, store) + tracking_pages(decisions, store, policy)
        if pages:
            store.add_links(pages, now)
        judged, windows = one_text_each(judged, facts, policy, now)
        leaving = _charges(judged, facts)
        try:
            done = store.resolve_held(
                [resolution(again) for again in judged], now, windows, leaving
            )
        except OvertakenError:  # others have reached a cap: they are all still held
            overtaken += 1
            if overtaken == _TRIES:
                raise
            continue
        changed += [again for again in judged if again.message.id in done]
        if len(done) < len(held):
            break  # somebody else is at it; what is left is theirs
    return changed


def whole_windows(held: Sequence[HeldMessage], store: Store) -> Sequence[HeldMessage]:
    """Add to messages that are due whoever waits with them: a digest leaves as a whole."""
    windows = {one.message.digest for one in held} - {""}
    if not windows:
        return held
    return [one for one in held if not one.message.digest] + store.held_together(windows)


def one_text_each(
    judged: list[Again], facts: Facts, policy: Policy, now: datetime
) -> tuple[list[Again], list[Window]]:
    """Put what leaves with one window into one text; what must wait makes the others wait too.

    Returns what becomes of every message, and the windows that it is about.
    """
    together: defaultdict[str, list[Again]] = defaultdict(list)
    for again in judged:
        together[again.message.digest].append(again)
    settled, windows = together.pop("", []), []
    for window, group in together.items():
        settled_of_it = _one_text(group, facts, policy, now)
        waits = any(_verdict(again) is Verdict.HOLD for again in settled_of_it)
        members = frozenset([again.message.id for again in group])
        windows.append(Window(window, members, ends=not waits))
        settled += settled_of_it
    return settled, windows


def _verdict(again: Again) -> Verdict:
    return Verdict.STOP if again.decision is None else again.decision.verdict


def _one_text(group: Sequence[Again], facts: Facts, policy: Policy, now: datetime) -> list[Again]:
    stopped = [again for again in group if _verdict(again) is Verdict.STOP]
    going = {
        again.decision.draft.key: again
        for again in group
        if again.decision is not None and again.decision.verdict is not Verdict.STOP
    }
    decisions = [again.decision for again in going.values() if again.decision is not None]
    hold = longest_hold(decisions)
    if hold is not None:
        for decision in decisions:
            forget_first_text(decision, facts)
        waiting = [msgspec.structs.replace(one, **hold) for one in decisions]
        return stopped + [Again(going[one.draft.key].message, one) for one in waiting]
    settled = stopped
    for alike in by_door(decisions, policy):
        for share in shares(alike, facts):
            first, *others = [going[one.draft.key].message for one in share.of]
            text = capped(share.text, facts, policy, now)
            latest = max(
                [one.expires_at for one in (first, *others) if one.expires_at is not None],
                default=None,
            )
            settled.append(Again(first, text, expires_at=latest))
            if text.verdict is not Verdict.STOP:
                settled += [Again(one, None, MERGED, first.id) for one in others]
                continue
            forget_first_text(share.text, facts)
            for one, other in zip(others, share.of[1:], strict=True):
                settled.append(Again(one, msgspec.structs.replace(text, draft=other.draft)))
    return settled


def _charges(judged: Sequence[Again], facts: Facts) -> dict[str, tuple[Charge, ...]]:
    """Return what those that leave add to counters, by their ids."""
    if facts.counts is None:
        return {}
    charges = facts.counts.charges
    return {
        one.message.id: charges[one.decision.draft.key]
        for one in judged
        if one.decision is not None and one.decision.draft.key in charges
    }


def _jobs_of(talks: Known, store: Store, read_job: ReadJob) -> dict[str, Job | None]:
    """Read the jobs that enrolments are about, by the enrolment's id."""
    subjects = {one.subject for one in talks.values() if one.subject}
    found = store.jobs_by_subject(subjects) if subjects else {}
    return {one.id: read_job(found.get(one.subject)) for one in talks.values()}


def resolution(again: Again) -> Resolution:
    """Return what the books shall say of a message that was judged again."""
    message, decision = again.message, again.decision
    if decision is None:
        return Resolution(
            id=message.id,
            state="cancelled",
            gate=DIGEST if again.carried_by else "release",
            reason=again.reason,
            carried_by=again.carried_by,
        )
    if decision.verdict is Verdict.STOP:
        return Resolution(
            id=message.id,
            state="cancelled",
            gate=decision.gate,
            reason=decision.reason,
            error_text=decision.detail,
        )
    held = decision.verdict is Verdict.HOLD
    terms = decision.draft.terms
    return Resolution(
        id=message.id,
        state="held" if held else "queued",
        gate=decision.gate if held else "",
        reason=decision.reason if held else "",
        recipient=decision.to,
        country=country_of(decision.to),
        body=decision.body,
        title=decision.title,
        markup=decision.markup,
        encoding=decision.encoding or "",
        segments=decision.segments,
        not_before=decision.not_before,
        expires_at=decision.not_before + terms.expires if decision.not_before else again.expires_at,
        first_text=decision.first_text,
    )
