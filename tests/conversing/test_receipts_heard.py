"""Plans that listen to what became of their own texts."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from talk import BEN, Talk

from smsnotify.engine.conversing_clock import receipts_heard
from smsnotify.engine.ticking import talk as tick_talk

PLAN = """plans:
  - name: news
    enter: {keywords: [NEWS]}
    steps:
      - tell:
          send: "Here it is."
          listen: {events: [EVENT], for: 2d, then: thanks, else: expired}
      - thanks: {send: "Did you like it?", end: finished}
"""


def told(talk: Talk, state: str) -> None:
    """A provider says what became of every text so far."""
    with talk.store.begin() as connection:
        connection.execute(
            text("UPDATE messages SET state = :state, updated_at = :t WHERE kind = 'plan'"),
            {"state": state, "t": int(talk.now.timestamp() * 1e6)},
        )


@pytest.mark.parametrize(
    ("event", "state", "other"),
    [
        ("text_delivered", "delivered", "undelivered"),
        ("text_delivered", "read", "failed"),
        ("text_failed", "undelivered", "delivered"),
        ("text_failed", "expired", "read"),
    ],
)
def test_a_word_on_the_text_moves_whoever_listens_to_it(
    talk: Talk, event: str, state: str, other: str
) -> None:
    talk.write(PLAN.replace("EVENT", event))
    assert talk.hears("NEWS") == ["Here it is."]
    assert receipts_heard(talk.desk, talk.now).moved == 0
    told(talk.later(minutes=1), other)
    assert receipts_heard(talk.desk, talk.now).moved == 0
    told(talk.later(minutes=1), state)
    assert receipts_heard(talk.desk, talk.now).ended == 1
    assert talk.column("messages", "body") == ["Here it is.", "Did you like it?"]
    assert talk.column("enrolments", "state") == ["finished"]
    assert receipts_heard(talk.desk, talk.now).moved == 0


def test_silence_of_the_provider_goes_the_other_way(talk: Talk) -> None:
    talk.write(PLAN.replace("EVENT", "text_delivered"))
    talk.hears("NEWS")
    talk.hears("NEWS", BEN)
    tick_talk(talk.desk, talk.later(days=2).now)
    assert talk.column("enrolments", "state") == ["expired", "expired"]


def test_a_plan_that_does_not_listen_costs_no_look(talk: Talk) -> None:
    assert receipts_heard(talk.desk, talk.now).moved == 0
