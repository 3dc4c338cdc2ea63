from __future__ import annotations

from pathlib import Path

import pytest

from smsnotify.model.event import Event
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.explain import Check, RuleVerdict, explain
from smsnotify.rules.load import check_rules

RULES = """\
rules:
  - name: failed-north
    events: [failed]
    groups: [North]
    reasons: [Nobody at home]
    where: {items_count: {gte: 2}, customer: ACME}
    to: {fields: [phone_number, other_phone_numbers]}
    body: "Hi {{ deliver_to_collect_from }}, {{ do_number }}"
  - name: "off"
    enabled: false
    job_type: collection
    events: [completed, failed]
    to: {fixed: ["+6591230000"]}
    body: "{{ items | length }} of {{ do_number }}"
  - name: with-items
    events: [arrived]
    where: {items: {exists: true}}
    to: {fields: [other_phone_numbers]}
    body: x
"""


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    path = tmp_path / "r.yaml"
    path.write_text(RULES, encoding="utf-8")
    found, problems = check_rules([path])
    assert found is not None, problems
    return found


def check(verdict: RuleVerdict, name: str) -> Check:
    return next(each for each in verdict.checks if each.name == name)


def job(rules: RuleSet, **fields: object) -> object:
    good: dict[str, object] = {
        "do_number": "D1",
        "group_name": "north",
        "reason": "nobody at home",
        "items_count": "3",
        "customer": "ACME",
        "phone_number": "91230000",
        "deliver_to_collect_from": "Mei",
    }
    return rules.job_type(**(good | fields))


def test_every_rule_gets_a_verdict_in_file_order(rules: RuleSet) -> None:
    verdicts = explain(Event("failed", job(rules)), rules)  # type: ignore[arg-type]
    assert [(each.rule.terms.name, each.matched) for each in verdicts] == [
        ("failed-north", True),
        ("off", False),
        ("with-items", False),
    ]
    assert [each.name for each in verdicts[0].checks] == [
        "enabled",
        "event",
        "job_type",
        "group",
        "reason",
        "where items_count",
        "where customer",
        "recipients",
        "body",
    ]


def test_a_check_shows_what_was_asked_and_what_was_there(rules: RuleSet) -> None:
    event = Event("failed", job(rules, items_count=1, group_name=None))  # type: ignore[arg-type]
    verdict = explain(event, rules)[0]
    assert not verdict.matched
    assert check(verdict, "where items_count") == Check(
        name="where items_count", expected="gte 2", actual="1", passed=False
    )
    assert check(verdict, "group") == Check(
        name="group", expected="north", actual="none", passed=False
    )
    assert check(verdict, "where customer").passed


def test_what_is_missing_at_the_gates_is_told_but_does_not_decide(rules: RuleSet) -> None:
    lacking = job(rules, phone_number=" ", other_phone_numbers=[], deliver_to_collect_from=None)
    verdict = explain(Event("failed", lacking), rules)[0]  # type: ignore[arg-type]
    assert verdict.matched
    assert check(verdict, "recipients") == Check(
        name="recipients",
        expected="phone_number, other_phone_numbers",
        actual="phone_number: none; other_phone_numbers: none",
        passed=False,
        info=True,
    )
    assert check(verdict, "body").actual == "deliver_to_collect_from has no value"


def test_a_rule_that_is_off_is_explained_too(rules: RuleSet) -> None:
    snapshot = job(rules, type="Collection", items=[{"sku": "a"}, {"sku": "b"}])
    verdict = explain(Event("completed", snapshot), rules)[1]  # type: ignore[arg-type]
    assert [each.name for each in verdict.checks if not each.passed] == ["enabled"]
    assert check(verdict, "recipients").actual == "fixed: +6591230000"
    assert check(verdict, "body").passed


def test_lists_are_shown_in_short(rules: RuleSet) -> None:
    snapshot = job(rules, items=[{"sku": "a"}, {"sku": "b"}], other_phone_numbers=["91", 92])
    verdict = explain(Event("arrived", snapshot), rules)[2]  # type: ignore[arg-type]
    assert verdict.matched
    assert check(verdict, "where items").actual == "2 entries"
    assert check(verdict, "recipients").actual == "other_phone_numbers: 91, 92"
    assert "reason" not in [each.name for each in verdict.checks]


def test_reasons_are_asked_for_failures_only(rules: RuleSet) -> None:
    verdict = explain(Event("completed", job(rules, reason="x")), rules)[0]  # type: ignore[arg-type]
    assert check(verdict, "reason").passed
    assert not check(verdict, "event").passed


def test_the_verdict_agrees_with_index_and_matching(rules: RuleSet) -> None:
    for name in ("failed", "completed", "arrived"):
        for fields in ({}, {"items_count": 1}, {"group_name": "South"}, {"type": "Collection"}):
            event = Event(name, job(rules, **fields))  # type: ignore[arg-type]
            group = str(event.job.group_name or "")
            found = {
                rule.id
                for rule in rules.candidates(name, event.job.kind, group)
                if rule.matches(event.job)
            }
            assert found == {each.rule.id for each in explain(event, rules) if each.matched}


def test_a_verdict_as_json_has_every_check(rules: RuleSet) -> None:
    verdict = explain(Event("failed", job(rules)), rules)[0]  # type: ignore[arg-type]
    shown = verdict.as_json()
    assert (shown["type"], shown["rule"], shown["matched"]) == ("verdict", "failed-north", True)
    checks = shown["checks"]
    assert isinstance(checks, list)
    assert checks[5] == {
        "name": "where items_count",
        "expected": "gte 2",
        "actual": "3",
        "passed": True,
        "info": False,
    }


def test_a_digest_is_told_and_its_body_has_the_one_job(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "rules:\n  - name: a\n    events: [completed]\n    digest: {by: [date], wait: 90s}\n"
        "    to: {fields: [phone_number]}\n"
        "    body: \"{{ jobs | length }} {{ jobs | join(attribute='do_number') }}\"\n"
    )
    rules, problems = check_rules([tmp_path / "rules.yaml"])
    assert rules is not None, problems
    event = Event("completed", rules.job_type(do_number="DO-1"), "id:1")
    (verdict,) = explain(event, rules)
    told = {check.name: check.actual for check in verdict.checks}
    assert (told["digest"], told["body"]) == ("by date, wait 1m30s", "complete")
