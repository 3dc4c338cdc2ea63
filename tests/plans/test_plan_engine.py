"""The plan engine, one step kind, path and key at a time."""

# ruff: noqa: E501 -- a step of a plan is one line here.

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smsnotify.model.contact import Contact
from smsnotify.model.enrolment import (
    Advance,
    Ended,
    Enrolment,
    Happened,
    MovedTo,
    NotDelivered,
    Replied,
    Started,
    TimeUp,
    Waiting,
)
from smsnotify.model.job import Job
from smsnotify.model.plan import Plan
from smsnotify.plans.engine import advance, enrol
from smsnotify.plans.load import check_book

T0 = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ANN = Contact(id="c1", addresses=("+6591234567",), name="Ann Tan", facets={"tier": "gold"})


def minutes(count: float) -> datetime:
    return T0 + timedelta(minutes=count)


class Talk:
    """One person in one plan, with a clock that the test turns."""

    def __init__(self, folder: Path, steps: str, head: str = "", contact: Contact = ANN) -> None:
        lines = "\n".join(f"      - {line}" for line in steps.strip().splitlines())
        path = folder / "plan.yaml"
        text = "custom_events: [rescheduled]\nplans:\n"
        text += f"  - name: p\n{head}    steps:\n{lines}\n  - name: q\n    steps: [{{a: {{send: q}}}}]\n"
        path.write_text(text, encoding="utf-8")
        book, problems = check_book([path])
        assert book is not None, problems
        self.plan: Plan = book.plans.all[0]
        self.contact = contact
        self.job: Job | None = None
        self.now = T0
        self.one: Enrolment = enrol(
            self.plan,
            id="e1",
            contact=contact,
            number="+6591234567",
            mode="sandbox",
            source="keyword",
            now=T0,
        )
        self.last = self.put(Started("keyword", "r0"))

    def put(self, what: object, at: float | None = None) -> Advance:
        if at is not None:
            self.now = minutes(at)
        self.last = advance(
            self.plan,
            self.one,
            what,  # type: ignore[arg-type]
            contact=self.contact,
            job=self.job,
            now=self.now,
        )
        self.one = self.last.enrolment
        return self.last

    def says(self, body: str, at: float, worked: float | None = None) -> Advance:
        self.now = minutes(at if worked is None else worked)
        return self.put(Replied(f"r{at}", body, minutes(at)))

    @property
    def way(self) -> list[str]:
        return [f"{one.path}>{one.to_step}" for one in self.last.transitions]

    @property
    def said(self) -> list[str]:
        return [text.body for text in self.last.texts]


QUOTE = """
ask: {send: "Hi {{ contact.first_name | default('there') }}! Reply QUOTE.", wait: {for: 3d, replies: {QUOTE: offer}, other: {send: "Please reply QUOTE.", times: 2, then: end}, no_reply: end, not_delivered: end}}
offer: {send: "Reply BUY.", wait: {for: 2d, replies: {BUY: bought, NO: end}}}
bought: {goal: sale, value: 10, set: {tier: customer}, tag: [buyer], send: "Thank you, {{ contact.tier }}!", end: finished}
"""


def test_the_dialogue_of_the_mission(tmp_path: Path) -> None:
    talk = Talk(tmp_path, QUOTE)
    assert (talk.way, talk.said) == (["start>ask"], ["Hi Ann! Reply QUOTE."])
    assert talk.last.texts[0].asks
    assert talk.last.texts[0].occasion == talk.one.message_id == "ask/1"
    assert talk.one.waiting is Waiting.REPLY
    assert talk.one.due_at == T0 + timedelta(days=3)
    talk.says("quote please", 1)
    assert (talk.way, talk.said) == (["QUOTE>offer"], ["Reply BUY."])
    talk.says("BUY", 2)
    assert (talk.way, talk.said) == (["BUY>bought", "end>finished"], ["Thank you, customer!"])
    assert talk.last.goals == (("sale", 10.0),)
    assert talk.last.facets == {"tier": "customer"}
    assert talk.last.tags == {"buyer"}
    assert (talk.one.state, talk.one.turn, talk.one.goal_value) == ("finished", 4, 10.0)
    assert talk.one.answers == {"ask": "quote please", "offer": "BUY"}
    assert (talk.one.due_at, talk.one.ended_at) == (None, minutes(2))
    assert [one.cause for one in talk.last.transitions] == ["reply", "reply"]


def test_silence_expires(tmp_path: Path) -> None:
    talk = Talk(tmp_path, QUOTE)
    assert not talk.put(TimeUp(), 10).consumed
    talk.put(TimeUp(), 3 * 1440)
    assert (talk.way, talk.one.state) == (["no_reply>expired"], "expired")


def test_an_unknown_answer_is_asked_again_so_many_times(tmp_path: Path) -> None:
    talk = Talk(tmp_path, QUOTE)
    talk.says("what?", 1)
    assert (talk.way, talk.said) == (["again>ask"], ["Please reply QUOTE."])
    assert talk.last.texts[0].occasion == "ask/1/other/1"
    assert talk.one.due_at == minutes(1) + timedelta(days=3), "the whole time again"
    talk.says("eh?", 2)
    assert talk.last.texts[0].occasion == "ask/1/other/2"
    talk.says("no idea", 3)
    assert (talk.way, talk.one.state) == (["other>exited"], "exited")
    assert talk.one.answers == {"ask": "no idea"}
    assert talk.one.visits == {"ask": 1}


def test_without_other_the_wait_goes_on_and_a_clerk_looks(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "ask: {send: A, wait: {for: 1d, replies: {YES: end}}}")
    came_to = talk.says("who are you?", 1)
    assert (came_to.consumed, came_to.to_inbox, came_to.transitions) == (False, True, ())
    assert talk.says("yes", 2).enrolment.state == "exited"


def test_an_early_reply_that_is_worked_late_counts(tmp_path: Path) -> None:
    talk = Talk(tmp_path, QUOTE)
    talk.says("QUOTE", at=3 * 1440 - 1, worked=3 * 1440 + 60)
    assert talk.way == ["QUOTE>offer"]
    late = Talk(tmp_path, QUOTE)
    assert not late.says("QUOTE", at=3 * 1440 + 1).consumed


def test_a_reply_from_before_the_question_is_none(tmp_path: Path) -> None:
    talk = Talk(tmp_path, QUOTE)
    talk.says("QUOTE", 5)
    assert not talk.says("BUY", at=4, worked=6).consumed
    assert not talk.says("QUOTE", at=5, worked=6).consumed, "the same once more"


def test_a_text_that_did_not_arrive_takes_its_path(tmp_path: Path) -> None:
    talk = Talk(
        tmp_path,
        "ask: {send: A, wait: {for: 1d, replies: {Y: end}, not_delivered: b}}\nb: {send: B}",
    )
    assert not talk.put(NotDelivered("m9", "unreachable")).consumed
    assert not talk.put(NotDelivered("", "unreachable")).consumed
    talk.put(NotDelivered("ask/1", "quiet_hours"))
    assert talk.way == ["not_delivered>b", "next>finished"]
    assert talk.last.transitions[0].ref == "quiet_hours"
    assert talk.last.transitions[0].cause == "not_delivered"


def test_a_value_that_is_missing_is_a_text_that_did_not_arrive(tmp_path: Path) -> None:
    steps = "ask: {send: 'Hi {{ contact.nick }}', wait: {for: 1d, replies: {Y: end}}}"
    talk = Talk(tmp_path, steps)
    assert talk.way == ["start>ask", "not_delivered>exited"]
    assert talk.last.transitions[1].ref == "missing_value"
    (text,) = talk.last.texts
    assert (text.body, text.missing, text.asks) == ("", "contact.nick", False)
    silent = Talk(tmp_path, "tell: {send: 'Hi {{ contact.nick }}'}\nend_it: {send: Bye}")
    assert silent.way == ["start>tell", "next>end_it", "next>finished"]
    assert [one.missing for one in silent.last.texts] == ["contact.nick", ""]


def test_listen_hears_only_what_happens_while_it_listens(tmp_path: Path) -> None:
    steps = "a: {listen: {events: [completed], for: 3d, then: b, else: end}}\nb: {send: Done}"
    talk = Talk(tmp_path, steps)
    assert talk.one.waiting is Waiting.EVENT
    assert not talk.put(Happened("completed", "x", minutes(-5)), 1).consumed
    assert not talk.put(Happened("failed", "x", minutes(1)), 1).consumed
    assert not talk.says("hello", 1).consumed
    talk.put(Happened("completed", "x", minutes(2)), 2)
    assert (talk.way, talk.said) == (["heard>b", "next>finished"], ["Done"])
    silent = Talk(tmp_path, steps)
    silent.put(TimeUp(), 3 * 1440)
    assert silent.way == ["else>expired"]


def test_a_delay_lets_time_pass(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "a: {delay: {for: 2d}}\nb: {send: B}")
    assert talk.one.waiting is Waiting.DELAY
    assert not talk.put(TimeUp(), 2 * 1440 - 1).consumed
    talk.put(TimeUp(), 2 * 1440)
    assert talk.way == ["next>b", "next>finished"]
    then = Talk(tmp_path, "a: {delay: {for: 1h}, then: c}\nb: {send: B}\nc: {send: C}")
    then.put(TimeUp(), 60)
    assert (then.way[0], then.said) == ("then>c", ["C"])


@pytest.mark.parametrize(
    ("zone", "number", "due"),
    [
        ("Asia/Singapore", "+6591234567", datetime(2026, 3, 3, 1, 0, tzinfo=UTC)),
        ("America/New_York", "+6591234567", datetime(2026, 3, 2, 14, 0, tzinfo=UTC)),
        ("", "+6591234567", datetime(2026, 3, 3, 1, 0, tzinfo=UTC)),
        ("no/zone", "+999", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
    ],
)
def test_until_is_the_next_such_time_where_the_person_is(
    tmp_path: Path, zone: str, number: str, due: datetime
) -> None:
    contact = Contact(id="c1", addresses=(number,), time_zone=zone)
    talk = Talk(tmp_path, 'a: {delay: {until: "09:00"}}', contact=contact)
    one = enrol(
        talk.plan, id="e", contact=contact, number=number, mode="live", source="hand", now=T0
    )
    came_to = advance(talk.plan, one, Started("hand"), contact=contact, now=T0)
    assert came_to.enrolment.due_at == due


def test_decide_takes_the_first_line_that_holds(tmp_path: Path) -> None:
    steps = """
a: {decide: [{if: {contact.tier: silver}, then: end}, {if: {contact.tier: gold}, then: c}, {else: b}]}
b: {send: B}
c: {send: C}"""
    assert Talk(tmp_path, steps).way == ["start>a", "if/2>c", "next>finished"]
    other = Talk(tmp_path, steps, contact=Contact(id="c2"))
    assert other.way == ["start>a", "else>b", "next>c", "next>finished"]


def test_answers_can_be_used_later(tmp_path: Path) -> None:
    steps = """
name: {send: "Your name?", wait: {for: 1d, other: hello}}
hello: {set: {first_name: "{{ replies.name }}", known: true}, send: "Hi {{ contact.first_name }}, you said {{ replies.name }}", end: exited}"""
    talk = Talk(tmp_path, steps)
    talk.says(" Bo ", 1)
    assert (talk.way, talk.said) == (["other>hello", "end>exited"], ["Hi Bo, you said Bo"])
    assert talk.last.facets["first_name"] == "Bo"


def test_errands_are_named_by_step_and_visit(tmp_path: Path) -> None:
    steps = """
a: {emit: rescheduled, action: {do: redeliver, answer: "{{ replies.z | default('none') }}", gap: "{{ contact.nick }}"}, webhook: https://erp.example.com/x, alert: "Look at {{ contact.nick }}", start_plan: q, then: z}
z: {send: Z, wait: {for: 1d, match: number, replies: {1-3: a}}}"""
    talk = Talk(tmp_path, steps)
    kinds = [one.kind for one in talk.last.errands]
    assert kinds == ["emit", "action", "webhook", "alert", "start_plan"]
    emit, action, webhook, alert, start = talk.last.errands
    assert emit.key == "e1/a/1/emit"
    assert emit.data == {"plan_name": "p", "step": "a", "event": "rescheduled"}
    assert action.data["row"] == {"do": "redeliver", "answer": "none", "gap": None}
    assert webhook.data["url"] == "https://erp.example.com/x"
    assert alert.data["text"] == "Look at {{ contact.nick }}", "an alarm is told with gaps too"
    assert (start.data["plan"], start.data["ref"]) == ("q", "a/1")
    talk.says("2", 1)
    assert talk.last.errands[0].key == "e1/a/2/emit"
    assert talk.one.visits == {"a": 2, "z": 2}


def test_move_to_ends_here_and_begins_there(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "a: {move_to: q}")
    assert talk.way == ["start>a", "move_to>finished"]
    assert talk.last.errands[0].data == {
        "plan_name": "p",
        "step": "a",
        "plan": "q",
        "ref": "a/1",
        "moved": True,
    }


def test_a_clerk_can_end_and_move(tmp_path: Path) -> None:
    talk = Talk(tmp_path, QUOTE)
    assert not talk.put(MovedTo("nowhere")).consumed
    talk.put(MovedTo("offer"), 1)
    assert (talk.way, talk.said) == (["moved>offer"], ["Reply BUY."])
    talk.put(Ended("by_hand"), 2)
    assert (talk.way, talk.one.state) == (["by_hand>exited"], "exited")
    for what in (Started("hand"), TimeUp(), MovedTo("ask"), Ended("opted_out")):
        assert not talk.put(what, 3).consumed
    assert not talk.says("BUY", 4).consumed


def test_budgets_end_in_failed(tmp_path: Path) -> None:
    chain = "\n".join(f"s{number}: {{tag: [x]}}" for number in range(9))
    talk = Talk(tmp_path, chain, "    max_burst: 7\n")
    assert (talk.way[-1], talk.one.state, talk.one.steps_taken) == ("budget>failed", "failed", 7)
    slow = Talk(tmp_path, "a: {send: A, wait: {for: 1d, other: a}}", "    max_steps: 3\n")
    for at in (1, 2, 3):
        slow.says("again", at)
    assert (slow.way, slow.one.steps_taken) == (["budget>failed"], 3)


def test_a_life_has_its_end(tmp_path: Path) -> None:
    talk = Talk(tmp_path, QUOTE, "    max_life: 1d\n")
    assert talk.one.due_at == talk.one.expires_at == T0 + timedelta(days=1)
    talk.put(TimeUp(), 1440)
    assert (talk.way, talk.one.state) == (["max_life>expired"], "expired")
    worked_late = Talk(tmp_path, QUOTE, "    max_life: 1d\n")
    worked_late.says("QUOTE", at=1439, worked=1500)
    assert (worked_late.way, worked_late.said) == (["max_life>expired"], [])


def test_a_plan_that_lost_the_step_fails_the_enrolment(tmp_path: Path) -> None:
    talk = Talk(tmp_path, QUOTE)
    talk.plan = Talk(tmp_path, "other_one: {send: A}").plan
    assert talk.says("QUOTE", 1).enrolment.state == "failed"
    assert talk.way == ["no_such_step>failed"]
