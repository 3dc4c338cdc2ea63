"""A bad rating and an unhappy customer, told in a chat that listens on this machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from loopback import Answer, Loopback, Reply
from place import Place, event

pytest.importorskip("apprise")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RULES = """
rules:
  - name: low-rating
    channel: apprise
    events: [feedback]
    where: {driver_rating: {lte: 2}}
    route: ops
    subject: "{{ driver_rating }} stars for {{ assign_to | default('a driver') }}"
    body: "{{ do_number }}: {{ customer_feedback | default('no comment') }}"
plans:
  - name: unhappy
    steps:
      - tell: {alert: "Call {{ contact.number | default('them') }}"}
"""


@pytest.fixture
def chat(serve: Callable[[Answer], Loopback]) -> Loopback:
    return serve(lambda seen: Reply(200))


def settings(place: Place, chat: Loopback, **more: object) -> None:
    (place.folder / "chat.url").write_text(chat.url.replace("http://", "json://") + "/t0ken")
    account = {"provider": "apprise", "urls": [{"file": "chat.url"}]}
    place.settings(**{"mode": "live", "staff": ["ops"], "accounts": {"ops": account}} | more)


def test_a_low_rating_and_an_alert_of_a_plan_reach_the_chat(place: Place, chat: Loopback) -> None:
    settings(place, chat)
    place.rules(RULES)
    rated = event("feedback", driver_rating="1", customer_feedback="Rude @everyone <b>")
    done = place.process(place.events(rated, rated))
    assert (done.code, done.summary["sent"], done.summary["duplicates"]) == (0, 1, 1)
    (seen,) = chat.seen
    assert seen.path == "/t0ken"
    assert seen.json["title"] == "1 stars for a driver"
    assert seen.json["message"].endswith(": Rude @\u200beveryone <b>")
    (message,) = place.outbox()
    assert (message["channel"], message["recipient"], message["state"]) == (
        "apprise",
        "ops",
        "accepted",
    )
    assert place.run("plans", "enrol", "unhappy", "+6591230001").code == 0
    assert place.run("tick").code == 0
    assert place.run("deliver").code == 0
    assert [one.json["message"] for one in chat.seen[1:]] == ["Call +6591230001"]
    for told in (place.run("config", "show"), place.run("outbox", "list"), done):
        assert "t0ken" not in told.out + told.err


def test_in_test_mode_nobody_is_alarmed_who_is_not_named(place: Place, chat: Loopback) -> None:
    settings(place, chat, mode="test")
    place.rules(RULES)
    done = place.process(place.events(event("feedback", driver_rating="1")))
    assert (done.summary["sent"], done.summary["stopped"], chat.seen) == (0, 1, [])
    settings(place, chat, mode="test", allow=["ops"])
    done = place.process(place.events(event("feedback", driver_rating="2", do_number="DO-2")))
    assert (done.summary["sent"], len(chat.seen)) == (1, 1)


def test_a_chat_that_is_down_is_told_later(place: Place, chat: Loopback) -> None:
    settings(place, chat)
    place.rules(RULES)
    answers = [Reply(503)]
    chat.answer = lambda seen: answers.pop() if answers else Reply(200)
    done = place.process(place.events(event("feedback", driver_rating="1")))
    assert (done.code, done.summary["sent"]) == (0, 1)
    assert len(chat.seen) == 2
