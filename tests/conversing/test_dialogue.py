"""The dialogue of the mission, from stored replies to queued answers."""

from __future__ import annotations

from talk import ANNA, OURS, Talk


def test_hello_quote_buy_is_finished(talk: Talk) -> None:
    assert talk.hears("Hello") == ["Hi there! Reply QUOTE for 10 % off."]
    assert talk.later(minutes=1).hears(" quote. ") == ["Your code is TEN. Reply BUY to order."]
    assert talk.later(minutes=1).hears('"Buy"') == ["Thank you!"]
    (enrolment,) = talk.rows("enrolments")
    assert (enrolment["state"], enrolment["step"], enrolment["goal_value"]) == (
        "finished",
        "bought",
        10,
    )
    assert talk.column("transitions", "path") == ["start", "QUOTE", "BUY", "end"]
    assert talk.column("replies", "verdict") == ["keyword", "branch", "branch"]
    sent = talk.rows("messages", "account", "sender", "kind", "priority", "purpose", "state")
    assert sent == 3 * [
        {
            "account": "main",
            "sender": OURS,
            "kind": "plan",
            "priority": 0,
            "purpose": "marketing",
            "state": "queued",
        }
    ]
    contact = talk.store.contacts_of([ANNA])[ANNA]
    assert contact.facets == {"tier": "customer"}
    (goal,) = talk.store.interactions_of(contact.id)
    assert (goal.event, goal.value, goal.data["goal"]) == ("goal", 10, "sale")
    (consent,) = talk.rows("consents")
    assert (consent["words"], consent["call_to_action"]) == ("Hello", "quote")
