"""Texts of plans that must wait: quiet hours, marketing hours, a doubt."""

from __future__ import annotations

from talk import ANNA, Talk

from smsnotify.engine.release import release_due


def release(talk: Talk) -> list[tuple[str, str]]:
    """Release what is due; return what is in the outbox now."""
    desk = talk.desk
    release_due(talk.store, desk.book.rules, desk.policy, talk.now, plans=desk.book.plans)
    return [(row["body"], row["state"]) for row in talk.rows("messages")]


ASK = "Hi there! Reply QUOTE for 10 % off."


def test_marketing_waits_for_its_hours_and_keeps_its_words(talk: Talk) -> None:
    talk.later(hours=10).hears("HELLO")  # 22:00 in Singapore
    assert talk.rows("messages", "state", "reason") == [
        {"state": "held", "reason": "marketing_hours"}
    ]
    talk.later(hours=12)
    assert release(talk) == [(ASK, "queued")]
    assert talk.hears("QUOTE") == ["Your code is TEN. Reply BUY to order."]


def test_a_question_that_is_answered_already_does_not_go_out(talk: Talk) -> None:
    talk.later(hours=10).hears("HELLO")
    talk.later(hours=1).hears("quote")
    talk.later(hours=11)
    assert release(talk) == [
        (ASK, "cancelled"),
        ("Your code is TEN. Reply BUY to order.", "queued"),
    ]
    assert talk.rows("messages", "reason")[0]["reason"] == "plan_moved_on"


def test_a_text_after_stop_never_leaves(talk: Talk) -> None:
    talk.later(hours=10).hears("HELLO")
    talk.later(minutes=1).hears("Stop")
    texts = [(row["kind"], row["state"]) for row in talk.rows("messages")]
    assert texts == [("plan", "cancelled"), ("consent", "queued")]
    assert [row["state"] for row in talk.rows("enrolments")] == ["exited"]
    talk.later(hours=14)
    release(talk)
    assert [(row["kind"], row["state"]) for row in talk.rows("messages")] == texts
    assert talk.store.people([ANNA])[ANNA].opted_out
