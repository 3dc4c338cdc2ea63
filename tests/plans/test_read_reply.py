"""What a text from a person is taken for, in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest

from smsnotify.model.contact import Contact
from smsnotify.model.enrolment import Enrolment, Started
from smsnotify.model.plan import Plan
from smsnotify.plans.book import PlanSet
from smsnotify.plans.consent_words import USUAL_WORDS
from smsnotify.plans.engine import advance, enrol
from smsnotify.plans.inbound import Reading, Standing, read_reply
from smsnotify.plans.load import load_book

T0 = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ANN = Contact(id="c1", addresses=("+6591234567",), facets={"tier": "gold"})
PLANS = """
plans:
  - name: quote
    enter: {keywords: [HELLO]}
    steps:
      - ask:
          send: A
          wait: {for: 3d, replies: {QUOTE: end, YES: end}, other: {send: B, then: end}}
  - name: redelivery
    re_enter: always
    steps:
      - ask: {send: A, wait: {for: 1d, match: number, replies: {1: end, 2: end}}}
  - name: gold
    enter: {keywords: [GOLD], where: {contact.tier: gold}}
    re_enter: never
    steps: [{ask: {send: A, wait: {for: 1d, replies: {"NO": end}}}}]
  - name: catch_all
    enter: {any_text: true}
    steps: [{a: {send: A}}]
"""


class Text(NamedTuple):
    body: str
    received_at: datetime = T0 + timedelta(minutes=10)
    id: str = "r1"
    to: str = "+6580000000"
    keyword: str = ""


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> PlanSet:
    path = tmp_path_factory.mktemp("plans") / "plans.yaml"
    path.write_text(PLANS, encoding="utf-8")
    return load_book([path]).plans


def waiting(
    plan: Plan, id: str = "e1", at: datetime = T0, **changes: Any
) -> tuple[Enrolment, Plan]:
    one = enrol(plan, id=id, contact=ANN, number="+6591234567", mode="live", source="hand", now=at)
    one = advance(plan, one, Started("hand"), contact=ANN, now=at).enrolment
    return msgspec.structs.replace(one, **changes), plan


def read(plans: PlanSet, text: str | Text, *pairs: tuple[Enrolment, Plan], **more: Any) -> Reading:
    said = Text(text) if isinstance(text, str) else text
    standing = Standing(contact=ANN, waiting=pairs, **more)
    return read_reply(said, standing, plans, USUAL_WORDS, said.received_at)


def test_stop_wins_over_everything(plans: PlanSet) -> None:
    quote = waiting(plans.named("quote"))
    assert read(plans, "STOP", quote).kind == "stop"
    assert read(plans, "stop.").kind == "stop"
    assert read(plans, "END", quote).kind == "stop"


def test_yes_is_an_answer_unless_the_person_is_out(plans: PlanSet) -> None:
    quote = waiting(plans.named("quote"))
    assert read(plans, "YES", quote) == Reading(
        kind="branch", enrolment=quote[0], plan=quote[1], word="YES"
    )
    assert read(plans, "HELP", quote).kind == "help"
    assert read(plans, "help me", quote).kind == "help"
    assert read(plans, "YES", quote, opted_out=True).kind == "start"
    assert read(plans, "YES").kind == "any_text", "nothing special from somebody who is in"
    assert read(plans, "UNSTOP").kind == "start"
    assert read(plans, "START").kind == "start"
    assert read(plans, "START", opted_out=True).kind == "start"


def test_the_providers_own_word_counts_and_is_answered(plans: PlanSet) -> None:
    reading = read(plans, Text("ARRET TOTAL", keyword="STOP"))
    assert (reading.kind, reading.by_provider) == ("stop", True)
    assert read(plans, Text("STOP", keyword="HELP")).kind == "stop"
    assert read(plans, Text("INFO", keyword="HELP")).by_provider


def test_a_likely_opt_out_waits_for_a_clerk(plans: PlanSet) -> None:
    quote = waiting(plans.named("quote"))
    assert read(plans, "STOP PLEASE", quote).kind == "doubt"
    assert read(plans, "please remove me", quote).kind == "doubt"
    assert read(plans, "Quote, and stop texting me", quote).kind == "doubt"


def test_an_answer_beats_a_keyword_and_a_keyword_beats_other(plans: PlanSet) -> None:
    quote = waiting(plans.named("quote"))
    assert read(plans, "quote please", quote).kind == "branch"
    gold = read(plans, "GOLD please", quote)
    assert (gold.kind, gold.plan and gold.plan.name, gold.word) == ("keyword", "gold", "GOLD")
    assert read(plans, "what?", quote).kind == "other"
    assert read(plans, "what?", waiting(plans.named("redelivery"))).kind == "inbox"
    assert read(plans, "what?").kind == "any_text"


def test_a_keyword_of_the_plan_one_is_in_goes_to_the_wait(plans: PlanSet) -> None:
    quote = waiting(plans.named("quote"))
    silver = Contact(id="c2")
    said = Text("HELLO")
    standing = Standing(contact=silver, waiting=(quote,))
    assert read_reply(said, standing, plans, USUAL_WORDS, T0).kind == "other"
    free = Standing(contact=silver)
    reading = read_reply(said, free, plans, USUAL_WORDS, T0)
    assert (reading.kind, reading.plan and reading.plan.name) == ("keyword", "quote")


def test_never_means_once_in_a_life(plans: PlanSet) -> None:
    assert read(plans, "GOLD").kind == "keyword"
    assert read(plans, "GOLD", been_in=frozenset({"gold"})).kind == "any_text"


def test_an_answer_that_fits_two_questions_is_asked_about(plans: PlanSet) -> None:
    plan = plans.named("redelivery")
    first, second = waiting(plan, "e1"), waiting(plan, "e2", T0 + timedelta(minutes=1))
    asked = read(plans, "2", first, second)
    assert (asked.kind, [one.id for one, _ in asked.options]) == ("which", ["e2", "e1"])

    class Asked(NamedTuple):
        options: tuple[str, ...] = ("e2", "e1")
        due_at: datetime = T0 + timedelta(hours=1)

    settled = read(plans, "2", first, second, choice=Asked())
    assert (settled.kind, settled.enrolment and settled.enrolment.id) == ("choice", "e1")
    assert read(plans, "3", first, second, choice=Asked()).kind == "inbox"
    late = Text("2", T0 + timedelta(hours=2))
    assert read(plans, late, first, second, choice=Asked()).kind == "which"
    assert read(plans, "2", first, choice=Asked(("e7", "e8"))).kind == "branch", "e8 is over"


def test_a_conversation_stays_on_its_number(plans: PlanSet) -> None:
    plan = plans.named("redelivery")
    first, second = waiting(plan, "e1", ours="+6580000000"), waiting(plan, "e2", ours="+6580000001")
    reading = read(plans, "2", first, second)
    assert (reading.kind, reading.enrolment and reading.enrolment.id) == ("branch", "e1")


def test_the_same_text_within_seconds_is_a_repeat(plans: PlanSet) -> None:
    at = T0 + timedelta(minutes=10)
    quote = waiting(plans.named("quote"))
    before = Text("Quote", at - timedelta(seconds=4), "r0")
    assert read(plans, "QUOTE", quote, recent=[before]).kind == "repeat"
    assert read(plans, Text("QUOTE", to="+6580000009"), quote, recent=[before]).kind == "branch"
    assert read(plans, Text("YES"), quote, recent=[before]).kind == "branch"
    long_ago = Text("quote", at - timedelta(seconds=11), "r0")
    assert read(plans, "QUOTE", quote, recent=[long_ago]).kind == "branch"
    assert read(plans, "QUOTE", quote, recent=[Text("QUOTE", at, "r1")]).kind == "branch", "itself"


def test_the_same_answer_to_the_next_question_is_no_repeat(plans: PlanSet) -> None:
    at = T0 + timedelta(minutes=10)
    before = Text("2", at - timedelta(seconds=9), "r0")
    plan = plans.named("redelivery")
    read_since = waiting(plan, at=at - timedelta(seconds=8))
    assert read(plans, "2", read_since, recent=[before]).kind == "branch"
    just_asked = waiting(plan, at=at - timedelta(seconds=1))
    assert read(plans, "2", just_asked, recent=[before]).kind == "repeat"


def test_a_picture_without_words_goes_to_other_or_a_clerk(plans: PlanSet) -> None:
    assert read(plans, "", waiting(plans.named("quote"))).kind == "other"
    assert read(plans, "", waiting(plans.named("redelivery"))).kind == "inbox"
    picture = Text("", T0 + timedelta(minutes=10), "r0")
    assert read(plans, "", waiting(plans.named("quote")), recent=[picture]).kind == "other"


def test_a_reply_before_the_question_or_after_its_time_finds_no_wait(plans: PlanSet) -> None:
    quote = waiting(plans.named("quote"))
    early = Text("QUOTE", T0 - timedelta(seconds=1))
    late = Text("QUOTE", T0 + timedelta(days=3, seconds=1))
    assert read(plans, early, quote).kind == "any_text"
    assert read(plans, late, quote).kind == "any_text"
