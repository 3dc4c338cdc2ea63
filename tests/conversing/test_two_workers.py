"""Two workers at once, without a turn between them: each text is answered once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from talk import Talk

from smsnotify.engine.conversing import converse
from smsnotify.engine.conversing_clock import time_outs
from smsnotify.store.open import open_store

PEOPLE = 250


def test_two_workers_answer_everybody_once(talk: Talk, database_url: str, tmp_path: Path) -> None:
    numbers = [f"+659{1_200_000 + one}" for one in range(PEOPLE)]
    (tmp_path / "other").mkdir()
    with open_store(database_url) as other_store, ThreadPoolExecutor(2) as pool:
        other = Talk(other_store, tmp_path / "other", talk.now)
        for word in ("HELLO", "QUOTE"):
            for number in numbers:
                talk.says(word, number)
            other.now = talk.now
            list(pool.map(lambda one: converse(one.desk, one.now), (talk, other)))
            talk.work()
            talk.later(minutes=1)
        later = talk.later(days=3).now
        ended = list(pool.map(lambda one: time_outs(one.desk, later).ended, (talk, other)))
        ended.append(time_outs(talk.desk, later).ended)
    assert sum(ended) == PEOPLE
    said = Counter((row["recipient"], row["occasion"]) for row in talk.rows("messages"))
    assert said == Counter((number, step) for number in numbers for step in ("ask/1", "offer/1"))
    assert Counter(talk.column("replies", "verdict")) == {"keyword": PEOPLE, "branch": PEOPLE}
    assert set(talk.column("enrolments", "state")) == {"expired"}
    assert len(talk.rows("contacts")) == PEOPLE
