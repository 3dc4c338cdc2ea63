"""A rule's season: when it begins, when it is over, and on whose clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from smsnotify.gates.active import active_gate
from smsnotify.model.decision import Draft, MessageKey, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import Job
from smsnotify.model.rule import Bounds, RuleTerms
from smsnotify.rules.explain import explain
from smsnotify.rules.load import load_rules

POLICY = Policy(timezone="Asia/Singapore")
NOTHING = Facts({}, {})
RULE = """\
rules:
  - name: season
    events: [completed]
    to: {fields: [phone_number]}
    body: x
"""


def draft(bounds: Bounds | None) -> Draft:
    terms = RuleTerms(id="r", name="r", body=lambda job: "Hi", bounds=bounds)
    event = Event("completed", Job(do_number="DO-1"), "id:1", "", None)
    key = MessageKey("id:1", "live", "completed", "r", "1", "sms", "+6591230000")
    return Draft(terms, event, "+6591230000", key, "", "SG")


def bounds_of(tmp_path: Path, keys: str) -> Bounds | None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULE + keys, encoding="utf-8")
    return load_rules([path]).rules[0].terms.bounds


@pytest.mark.parametrize(
    ("keys", "at", "active"),
    [
        # Midnight in Singapore is 16:00 UTC of the day before.
        ("    active_from: 2026-03-02\n", "2026-03-01T15:59:59", False),
        ("    active_from: 2026-03-02\n", "2026-03-01T16:00:00", True),
        ("    active_until: 2026-03-02\n", "2026-03-02T15:59:59", True),
        ("    active_until: 2026-03-02\n", "2026-03-02T16:00:00", False),
        ("    active_until: 2026-03-02T18:00\n", "2026-03-02T09:59:59", True),
        ("    active_until: 2026-03-02T18:00\n", "2026-03-02T10:00:00", False),
        ("    active_from: '2026-03-02 18:00:00+02:00'\n", "2026-03-02T15:59:59", False),
        ("    active_from: '2026-03-02 18:00:00+02:00'\n", "2026-03-02T16:00:00", True),
        ("    active_from: 2026-03-02T18:00:00Z\n", "2026-03-02T18:00:00", True),
    ],
)
def test_a_season_begins_and_ends_on_the_settings_clock_unless_it_says_otherwise(
    tmp_path: Path, keys: str, at: str, active: bool
) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    ruling = active_gate(draft(bounds_of(tmp_path, keys)), NOTHING, POLICY, now)
    assert (ruling is None) is active
    if ruling is not None:
        assert (ruling.verdict, ruling.reason) == (Verdict.STOP, "not_active")
        assert "2026-03-0" in ruling.detail


def test_one_day_is_a_season(tmp_path: Path) -> None:
    bounds = bounds_of(tmp_path, "    active_from: 2026-03-02\n    active_until: 2026-03-02\n")
    assert bounds is not None
    assert bounds.active_until is not None
    assert bounds.active_until - timedelta(days=1) == bounds.active_from


def test_ends_in_different_zones_are_compared_as_far_as_they_can_be(tmp_path: Path) -> None:
    far = timezone(timedelta(hours=8))
    bounds = bounds_of(
        tmp_path,
        "    active_from: 2026-03-02T10:00:00+08:00\n    active_until: 2026-03-02T08:00\n",
    )
    assert bounds is not None
    assert bounds.active_from == datetime(2026, 3, 2, 10, tzinfo=far)


def test_explain_tells_of_a_season_and_a_plain_rule_has_none(tmp_path: Path) -> None:
    assert bounds_of(tmp_path, "") is None
    bounds_of(tmp_path, "    active_from: 2026-03-02\n")
    rules = load_rules([tmp_path / "rules.yaml"])
    job = rules.job_type(do_number="DO-1", phone_number="+6591230000")
    (verdict,) = explain(Event("completed", job, "id:1"), rules)
    told = {check.name: check for check in verdict.checks}
    assert verdict.matched
    assert (told["active_from"].actual, told["active_from"].info) == ("2026-03-02 00:00", True)
