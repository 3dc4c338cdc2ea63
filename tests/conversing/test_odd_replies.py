"""Replies that nobody hopes for: whose, how many, how late, and what changed meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from talk import ANNA, BEN, OURS, QUOTE, Talk

from smsnotify.engine.conversing import converse
from smsnotify.engine.conversing_clock import time_outs
from smsnotify.engine.conversing_crowd import Crowd
from smsnotify.engine.conversing_portion import Portion
from smsnotify.engine.errands import Hands, do_errands
from smsnotify.model.enrolment import Advance, Enrolment, Input
from smsnotify.model.plan import Plan
from smsnotify.store.conversation_batch import ConversationBatch, WorkedReply
from smsnotify.store.replies import StoredReply

MakeTalk = Callable[..., Talk]
WELCOME = "Hi there! Reply QUOTE for 10 % off."


def verdicts(talk: Talk) -> list[str]:
    return [f"{row['state']} {row['verdict']}" for row in talk.rows("replies")]


def test_a_stranger_with_no_known_word_lands_in_the_inbox(talk: Talk) -> None:
    assert talk.hears("Who is this?") == []
    assert verdicts(talk) == ["inbox unmatched"]
    assert talk.store.contacts_of([ANNA])[ANNA].addresses == (ANNA,)


@pytest.mark.parametrize("sender", [OURS, "ACME", "12345", ""])
def test_nobody_is_answered_who_is_no_phone_or_is_us(talk: Talk, sender: str) -> None:
    talk.says("HELLO", sender)
    talk.work()
    assert verdicts(talk) == ["worked own_number" if sender == OURS else "inbox no_number"]
    assert talk.rows("messages") == []
    assert talk.rows("contacts") == []


def test_a_thousand_texts_of_one_number_hold_nobody_up(talk: Talk) -> None:
    for number in range(1000):
        talk.says(f"HELLO {number}", id=f"flood-{number}")
    talk.says("HELLO", BEN)
    talk.work()
    counted = Counter(verdicts(talk))
    assert counted["worked flood"] == 980
    assert counted.total() == 1001
    sent = Counter(row["recipient"] for row in talk.rows("messages"))
    assert sent[BEN] == 1
    assert sent[ANNA] <= 20
    talk.later(minutes=2).hears("Stop")
    assert talk.store.people([ANNA])[ANNA].opted_out


def test_stop_is_heard_in_the_middle_of_a_flood(make_talk: MakeTalk) -> None:
    talk = make_talk(QUOTE, most_a_minute=5)
    for number in range(30):
        talk.says(f"hm {number}", id=f"flood-{number}")
    talk.says("STOP")
    talk.work()
    assert verdicts(talk)[-1] == "worked stop"
    assert talk.store.people([ANNA])[ANNA].opted_out


def test_the_same_text_with_the_same_id_is_one_text(talk: Talk) -> None:
    talk.says("HELLO", id="one")
    talk.says("HELLO", id="one")
    talk.work()
    talk.says("HELLO", id="one")
    talk.work()
    assert len(talk.rows("messages")) == len(talk.rows("replies")) == 1


def test_the_same_text_with_another_id_a_moment_later_is_a_repeat(talk: Talk) -> None:
    talk.says("HELLO")
    talk.later(seconds=2).says("hello ")
    talk.work()
    assert verdicts(talk) == ["worked keyword", "worked repeat"]
    assert len(talk.rows("messages")) == 1


def test_replies_out_of_order_are_worked_as_they_came(talk: Talk) -> None:
    talk.hears("HELLO")
    talk.later(minutes=1).says("BUY")
    talk.later(seconds=1).says("QUOTE")
    talk.work()
    assert [row["body"] for row in talk.rows("messages")][1:] == [
        "Please reply QUOTE.",
        "Your code is TEN. Reply BUY to order.",
    ]


def test_a_changed_plan_leads_those_on_who_are_in_the_old_one(talk: Talk) -> None:
    talk.hears("HELLO")
    talk.write(QUOTE.replace("QUOTE", "PRICE").replace("TEN", "NEW"))
    assert talk.later(minutes=1).hears("PRICE") == ["Please reply QUOTE."]
    assert talk.later(minutes=1).hears("QUOTE") == ["Your code is TEN. Reply BUY to order."]
    assert talk.hears("HELLO", BEN) == ["Hi there! Reply PRICE for 10 % off."]
    assert len(talk.rows("plans")) == 2


def test_a_plan_that_is_gone_from_the_files_goes_on(talk: Talk) -> None:
    talk.hears("HELLO")
    talk.write("version: 1\nplans:\n  - name: x\n    steps: [a: {send: b}]\n")
    assert talk.later(minutes=1).hears("QUOTE") == ["Your code is TEN. Reply BUY to order."]
    talk.hears("HELLO", BEN)
    assert verdicts(talk)[-1] == "inbox unmatched"


def test_a_version_that_cannot_be_used_any_more_fails(talk: Talk) -> None:
    from sqlalchemy import text

    talk.hears("HELLO")
    talk.write("version: 1\nplans:\n  - name: x\n    steps: [a: {send: b}]\n")
    with talk.store.begin() as connection:
        connection.execute(text("UPDATE plans SET content = :none"), {"none": b"{"})
    assert time_outs(talk.desk, talk.later(days=4).now).ended == 1
    assert talk.rows("enrolments")[0]["state"] == "failed"
    assert talk.column("transitions", "path")[-1] == "plan_gone"


def test_a_forgotten_contact_is_a_stranger_again(talk: Talk) -> None:
    talk.hears("HELLO")
    talk.store.forget(ANNA, talk.now)
    assert talk.later(minutes=1).hears("QUOTE") == []
    assert time_outs(talk.desk, talk.later(days=30).now).moved == 0
    states = [row["state"] for row in talk.rows("enrolments")]
    assert "waiting" not in states


def test_a_reply_that_is_worked_a_day_late_only_counts_for_consent(talk: Talk) -> None:
    talk.says("HELLO")
    talk.says("STOP", BEN)
    talk.later(hours=25).work()
    assert verdicts(talk) == ["inbox late", "worked stop"]
    assert [row["kind"] for row in talk.rows("messages")] == ["consent"]


def test_long_texts_pictures_and_nothing_at_all(talk: Talk) -> None:
    talk.hears("HELLO")
    talk.later(minutes=1).says("x" * 1600)
    talk.later(seconds=1).says("", media=("https://media.example.com/1",))
    talk.later(minutes=1).says("😀" * 70)
    talk.work()
    assert verdicts(talk)[1:] == 3 * ["worked other"]
    assert [row["state"] for row in talk.rows("enrolments")] == ["exited"]


class Slow:
    """A store that somebody else is faster than, once."""

    def __init__(self, talk: Talk, reply: str) -> None:
        self._talk = talk
        self._reply = reply
        self.beaten = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._talk.store, name)

    def keep_conversation(self, batch: ConversationBatch, now: object) -> object:
        if not self.beaten:
            self.beaten += 1
            faster = ConversationBatch(
                mode="live", worked=[WorkedReply(id=self._reply, verdict="elsewhere")]
            )
            self._talk.store.keep_conversation(faster, self._talk.now)
        return self._talk.store.keep_conversation(batch, self._talk.now)


def test_whoever_is_overtaken_keeps_nothing_and_reads_again(talk: Talk) -> None:
    talk.says("HELLO")
    talk.says("HELLO", BEN)
    first: StoredReply = talk.store.unworked_replies(1)[0]
    slow = Slow(talk, first.id)
    desk = type(talk.desk)(slow, talk.desk.book, talk.desk.policy, talk.desk.terms)  # type: ignore[arg-type]
    done = converse(desk, talk.now)
    assert (done.overtaken, done.read_as["keyword"]) == (1, 1)
    assert sorted(verdicts(talk)) == ["worked elsewhere", "worked keyword"]
    assert [row["recipient"] for row in talk.rows("messages")] == [BEN]


# Consent.


def test_stop_ends_everything_and_is_confirmed_once(talk: Talk) -> None:
    talk.hears("HELLO")
    (confirmed,) = talk.later(minutes=1).hears("STOP")
    assert "START" in confirmed
    assert talk.later(minutes=1).hears("stop!") == []
    assert talk.later(minutes=6).hears("STOP") != []
    assert [row["state"] for row in talk.rows("enrolments")] == ["exited"]
    evidence = talk.rows("consents", "opted_out", "source", "words", "scope")
    assert dict(evidence[1]) == {
        "opted_out": 1,
        "source": "keyword",
        "words": "STOP",
        "scope": "all",
    }


def test_what_the_provider_has_answered_is_not_answered_twice(talk: Talk) -> None:
    assert talk.hears("Stop", keyword="STOP") == []
    assert talk.store.people([ANNA])[ANNA].opted_out
    assert talk.later(minutes=1).hears("START", keyword="START") == []
    assert not talk.store.people([ANNA])[ANNA].opted_out


def test_only_the_person_comes_back_by_start(talk: Talk) -> None:
    talk.hears("STOP")
    assert talk.later(minutes=10).hears("HELLO") == []
    (back,) = talk.later(minutes=10).hears("Start")
    assert "again" in back
    assert talk.later(minutes=10).hears("HELLO") == [WELCOME]
    assert talk.hears("HELP", BEN) != []


def test_a_likely_opt_out_holds_what_follows(talk: Talk) -> None:
    talk.hears("HELLO")
    talk.later(minutes=1).hears("please stop texting me")
    assert verdicts(talk)[-1] == "doubtful doubt"
    talk.later(minutes=1).says("QUOTE")
    talk.work()
    assert talk.rows("messages", "state", "reason")[-1] == {
        "state": "held",
        "reason": "opt_out_in_doubt",
    }


def test_a_number_is_let_in_again_only_as_the_plan_says(make_talk: MakeTalk) -> None:
    talk = make_talk(QUOTE.replace("re_enter: after_exit", "re_enter: never"))
    assert talk.hears("HELLO") == [WELCOME]
    talk.later(minutes=1).hears("QUOTE")
    talk.later(minutes=1).hears("NO")
    assert talk.later(minutes=1).hears("HELLO") == []
    assert verdicts(talk)[-1] == "inbox unmatched"


# What this program itself stumbles over.


def test_a_reply_that_cannot_be_worked_holds_nobody_up(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smsnotify.engine import conversing

    real = conversing.act

    def stumble(portion: Portion, crowd: Crowd, reply: StoredReply) -> str:
        if reply.sender == ANNA:
            raise ZeroDivisionError
        return real(portion, crowd, reply)

    monkeypatch.setattr(conversing, "act", stumble)
    talk.says("HELLO")
    talk.says("HELLO", BEN)
    talk.work()
    assert verdicts(talk) == ["inbox failed", "worked keyword"]
    assert [row["recipient"] for row in talk.rows("messages")] == [BEN]


def test_somebody_who_cannot_be_moved_holds_nobody_up(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smsnotify.engine import conversing_moving

    talk.hears("HELLO")
    talk.hears("HELLO", BEN)
    real = conversing_moving.advance

    def stumble(plan: Plan, enrolment: Enrolment, what: Input, **rest: Any) -> Advance:
        if enrolment.number == ANNA:
            raise ZeroDivisionError
        return real(plan, enrolment, what, **rest)

    monkeypatch.setattr(conversing_moving, "advance", stumble)
    assert time_outs(talk.desk, talk.later(days=4).now).ended == 1
    assert {row["number"]: row["state"] for row in talk.rows("enrolments")} == {
        ANNA: "waiting",
        BEN: "expired",
    }


def test_forgetting_reaches_what_alerts_have_quoted(
    make_talk: Callable[..., Talk], tmp_path: Path
) -> None:
    talk = make_talk(
        "plans:\n  - name: help\n    enter: {keywords: [MOVE]}\n    steps:\n"
        '      - ask: {alert: "call {{ contact.number }}", send: "We call you.", end: finished}\n',
        staff=("+6591239000",),
    )
    talk.hears("MOVE")
    assert (
        do_errands(talk.desk, Hands(action_file=tmp_path / "a", webhook_secret=None), talk.now).done
        == 1
    )
    assert any(ANNA in body for body in talk.column("messages", "body"))
    talk.store.forget(ANNA, talk.now)
    for table in ("messages", "errands", "enrolments", "replies", "interactions", "decisions"):
        assert ANNA not in str(talk.rows(table)), table
