"""Lines that somebody wrote to break the run: each costs itself at most, never the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smsnotify.base.errors import EventError
from smsnotify.base.redact import scrub
from smsnotify.engine.intake import Intake
from smsnotify.events.decode import Decoder
from smsnotify.events.instants import read_instant
from smsnotify.model.decision import Mode
from smsnotify.model.facts import Policy
from smsnotify.rules.conditions import Condition
from smsnotify.rules.load import load_rules
from smsnotify.store.open import open_store
from smsnotify.text.markdown import escape_markdown
from smsnotify.text.phone import read_number

RULES = """
version: 1
defaults: {max_age: none}
rules:
  - name: delivered
    events: [completed, heading_to]
    where: {items: {exists: false}}
    to: {fields: [phone_number]}
    body: "Order {{ do_number }} has arrived."
"""


def line(event: str = "completed", **fields: Any) -> bytes:
    job = {"do_number": "D1", "phone_number": "+6591230000", "date": "2026-03-02"} | fields
    return json.dumps({"event": event, "job": job}).encode()


@pytest.fixture
def intake(tmp_path: Path, database_url: str) -> Any:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    rules = load_rules([tmp_path / "rules.yaml"], country="SG")
    policy = Policy(mode=Mode.LIVE, country="SG", timezone="Asia/Singapore")
    with open_store(database_url) as store:
        yield Intake(rules, policy, store)


@pytest.mark.parametrize("written", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_an_instant_at_the_end_of_time_meets_no_condition(written: str) -> None:
    condition = Condition("pod_at", "gt", "2026-01-01T00:00:00Z", "instant")

    class Job:
        pod_at = written

    assert condition.test(Job()) is False  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["items", "milestones"])
def test_half_a_character_where_a_list_should_be_rejects_the_line(
    field: str, tmp_path: Path
) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    decoder = Decoder(load_rules([tmp_path / "rules.yaml"]).job_type)
    with pytest.raises(EventError):
        decoder.decode(line(**{field: "\ud800"}))


@pytest.mark.parametrize("attempt", [10**30, 2**31, "9" * 40, "9" * 5000, -(10**30)])
def test_an_attempt_beyond_all_counting_is_nonsense(intake: Any, now: Any, attempt: Any) -> None:
    taken = intake.take(1, [line(attempt=attempt), line(do_number="D2")], now)
    assert [(d.draft.event.job.number, d.verdict.value) for d in taken.decisions] == [
        ("D1", "send"),
        ("D2", "send"),
    ]
    assert taken.decisions[0].draft.key.occasion == "1"


@pytest.mark.parametrize("field", ["do_number", "id", "date", "type"])
def test_a_name_that_no_index_holds_costs_only_its_own_line(
    intake: Any, now: Any, field: str
) -> None:
    endless = "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(3000))
    taken = intake.take(1, [line(**{field: endless}), line(do_number="D2")], now)
    told = [decision.draft.event.job.number for decision in taken.decisions]
    assert "D2" in told
    assert len(taken.rejected) + len(told) == 2


def test_a_stamp_that_no_index_holds_costs_only_its_own_line(intake: Any, now: Any) -> None:
    endless = "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(3000))
    taken = intake.take(1, [line("heading_to", head_to_delivery_at=endless), line()], now)
    assert [decision.verdict.value for decision in taken.decisions] == ["send", "send"]


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (lambda text: read_number(text, "", "SG"), "+" * 60_000),
        (lambda text: read_number(text, "", "SG"), "+6" + "+-" * 30_000),
        (escape_markdown, f"x{' ' * 60_000}x"),
        (read_instant, f"2026-03-02{' ' * 60_000}x"),
        (scrub, "0" * 60_000),
        (scrub, "a://b:" * 10_000),
    ],
)
def test_a_long_value_takes_no_more_time_than_it_is_long(
    read: Callable[[str], object], written: str
) -> None:
    """Each took the square of it: ten seconds and more."""
    began = time.process_time()
    read(written)
    assert time.process_time() - began < 2
