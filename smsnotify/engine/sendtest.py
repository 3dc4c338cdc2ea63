"""Save and send a test: one sample text, for real, through one account."""

from __future__ import annotations

from datetime import datetime

import msgspec

from smsnotify.base.ids import new_id
from smsnotify.engine.decide import judge
from smsnotify.engine.drafting import drafts_for
from smsnotify.engine.keep import Judged, Memory, Ticket, keep, known_facts
from smsnotify.engine.samples import sample_contacts
from smsnotify.gates.caps import TEST_KIND as KIND
from smsnotify.gates.number import number_gate
from smsnotify.gates.opted_out import opted_out_gate
from smsnotify.model.decision import Decision, Draft, MessageKey
from smsnotify.model.event import Event
from smsnotify.model.facts import Policy
from smsnotify.model.job import Job
from smsnotify.model.rule import APPRISE, EMAIL, SMS, Priority, RuleTerms
from smsnotify.rules.compile import CompiledRule
from smsnotify.text.markdown import escape_markdown
from smsnotify.text.phone import country_of

ROUTE = "send-test"
TITLE = "A test from sms-notify"
_GATES = (number_gate, opted_out_gate)


def channel_of(recipient: str) -> str:
    """Return how a recipient is reached: an address with @ by email, a route by alarm."""
    if "@" in recipient:
        return EMAIL
    return SMS if recipient.startswith("+") else APPRISE


def rule_draft(
    rule: CompiledRule, channel: str, event: Event, policy: Policy, now: datetime
) -> Draft | None:
    """Return the first message that a rule would write for an event on a channel, whoever it is
    for; None when it writes none there.
    """
    return next(iter(drafts_for(rule, channel, event, policy, now)), None)


def text_draft(text: str, channel: str = SMS) -> Draft:
    """Return a draft of a plain text that belongs to no rule and no job."""
    terms = RuleTerms(id="", name="", body=lambda job: text, tracking_link="none", max_segments=10)
    if channel != SMS:
        terms = msgspec.structs.replace(
            terms,
            channel=channel,
            title=lambda job: TITLE,
            markup=(lambda job: escape_markdown(text)) if channel == EMAIL else None,
        )
    event = Event(KIND, Job())
    key = MessageKey("", "", KIND, "", "", channel, "")
    return Draft(terms, event, "", key)


def decide_test(
    draft: Draft, recipient: str, memory: Memory, policy: Policy, now: datetime
) -> Decision:
    """Judge a draft as a test to `recipient`: numbers and opt-outs count, hours and age do not.

    A test never stands in the way of the real text: its key has a subject of its own.
    """
    key = draft.key._replace(
        subject=new_id(now), mode=policy.mode, kind=KIND, occasion="", recipient=recipient
    )
    terms = msgspec.structs.replace(
        draft.terms,
        route=ROUTE,
        priorities={draft.event.name: Priority.URGENT},
        contact_tests=(),  # a test is for whoever asks for it
    )
    country = country_of(recipient) if terms.channel == SMS else ""
    test = Draft(terms, draft.event, recipient, key, "", country)
    facts = known_facts([test], memory, policy, {}, now)
    if terms.reads_person:
        facts.contacts = sample_contacts([recipient]) | dict(facts.contacts)
    return judge([test], facts, policy, now, _GATES)[0]


def queue_test(decision: Decision, memory: Memory, run: str, now: datetime) -> None:
    """Put a test into the outbox, where the delivery of `run` finds it."""
    keep(Judged([decision]), memory, Ticket(run), now)
