"""Silence, lateness, and texts that do not arrive."""

from __future__ import annotations

from sqlalchemy import text
from talk import ANNA, BEN, Talk

from smsnotify.engine.conversing_clock import not_delivered, time_outs


def outcomes(talk: Talk) -> list[tuple[str, str]]:
    """How enrolments ended, and by which path."""
    last = {row["enrolment_id"]: row["path"] for row in talk.rows("transitions")}
    return [(row["state"], last[row["id"]]) for row in talk.rows("enrolments")]


def test_silence_expires(talk: Talk) -> None:
    talk.hears("HELLO")
    assert time_outs(talk.desk, talk.later(days=2).now).moved == 0
    assert time_outs(talk.desk, talk.later(days=1).now).ended == 1
    assert outcomes(talk) == [("expired", "no_reply")]
    assert talk.later(minutes=1).hears("QUOTE") == []
    assert talk.column("replies", "verdict")[-1] == "unmatched"
    assert talk.column("replies", "state")[-1] == "inbox"


def test_a_reply_before_the_deadline_wins_however_late_it_is_worked(talk: Talk) -> None:
    talk.hears("HELLO")
    talk.later(days=3, seconds=-1).says("QUOTE")
    talk.later(minutes=5)
    assert time_outs(talk.desk, talk.now).moved == 0
    talk.work()
    assert talk.rows("enrolments")[0]["step"] == "offer"
    assert time_outs(talk.desk, talk.now).moved == 0


def test_a_text_that_does_not_arrive_ends_the_wait(talk: Talk) -> None:
    talk.hears("HELLO")
    with talk.store.begin() as connection:
        connection.execute(
            text(
                "UPDATE messages SET state = 'undelivered', error = 'unreachable', updated_at = :t"
            ),
            {"t": int(talk.now.timestamp() * 1e6)},
        )
    assert not_delivered(talk.desk, talk.later(minutes=1).now).ended == 1
    assert outcomes(talk) == [("exited", "not_delivered")]
    assert not_delivered(talk.desk, talk.now).moved == 0


def test_time_outs_of_many_people_at_once(talk: Talk) -> None:
    for number in range(1, 4):
        talk.says("HELLO", f"+659124000{number}")
    talk.says("HELLO", ANNA)
    talk.work()
    talk.later(days=3).says("QUOTE", BEN)
    assert time_outs(talk.desk, talk.now).ended == 4


def test_whoever_is_opted_out_gets_no_text_and_leaves(talk: Talk) -> None:
    talk.store.opt_out(ANNA, talk.now, source="phone")
    assert talk.hears("HELLO") == []
    assert outcomes(talk) == [("exited", "not_delivered")]
    assert talk.rows("decisions", "verdict", "reason") == [
        {"verdict": "stop", "reason": "opted_out"}
    ]
