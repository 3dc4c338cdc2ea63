from __future__ import annotations

import timeit
from pathlib import Path

import msgspec
import pytest

from smsnotify.model.job import Job
from smsnotify.model.rule import RuleTerms
from smsnotify.rules.compile import CompiledRule, RuleSet
from smsnotify.rules.conditions import Condition


def rule(name: str, **kwargs: object) -> CompiledRule:
    terms = RuleTerms(id=name, name=name, body=lambda job: "x")
    kwargs.setdefault("events", ["completed"])
    return CompiledRule(terms, **kwargs)  # type: ignore[arg-type]


def names(found: tuple[CompiledRule, ...]) -> list[str]:
    return [each.terms.name for each in found]


def test_candidates_are_narrowed_by_event_kind_and_group_in_file_order() -> None:
    rules = RuleSet(
        [
            rule("all"),
            rule("north", groups=["North"]),
            rule("collections", job_type="collection"),
            rule("failures", events=["failed"]),
            rule("off", enabled=False),
        ]
    )
    assert names(rules.candidates("completed", "delivery", "South")) == ["all"]
    assert names(rules.candidates("completed", "delivery", "")) == ["all"]
    assert names(rules.candidates("completed", "delivery", " nORTH ")) == ["all", "north"]
    assert names(rules.candidates("completed", "collection", "x")) == ["all", "collections"]
    assert names(rules.candidates("failed", "delivery", "x")) == ["failures"]
    assert rules.candidates("arrived", "delivery", "x") == ()


def test_disabled_rules_are_known_but_never_candidates() -> None:
    rules = RuleSet([rule("on"), rule("off", enabled=False)])
    assert names(rules.all) == ["on", "off"]
    assert names(rules.rules) == ["on"]
    assert rules.by_id["off"].enabled is False


def test_groups_of_strangers_do_not_pile_up() -> None:
    rules = RuleSet([rule("all")])
    for number in range(10_000):
        rules.candidates("completed", "delivery", f"group {number}")
    assert len(rules._seen) <= 4096
    assert len(rules._narrowed) == 1


def test_reasons_count_for_failures_only() -> None:
    rules = RuleSet([rule("r", events=["failed", "completed"], reasons=["Nobody at home"])])
    job = Job(reason="Damaged")
    [failed] = rules.candidates("failed", "delivery", "")
    [completed] = rules.candidates("completed", "delivery", "")
    assert failed.matches(job) is False
    assert failed.matches(Job(reason=" nobody AT home ")) is True
    assert failed.matches(Job()) is False
    assert completed.matches(job) is True
    assert completed.terms is failed.terms


def test_every_condition_must_hold() -> None:
    both = rule("r", conditions=[Condition("status", "eq", "a"), Condition("type", "eq", "b")])
    assert both.matches(Job(status="a", type="b")) is True
    assert both.matches(Job(status="a", type="c")) is False
    assert rule("none").matches(Job()) is True


def test_the_decoders_type_has_only_the_fields_that_rules_use() -> None:
    rules = RuleSet(
        [
            rule("a", recipient_fields=["phone_number"], template_fields=frozenset({"items"})),
            rule("b", conditions=[Condition("tags", "contains", "x", "list")], enabled=False),
            rule("c", template_fields=frozenset({"sender_phone_number", "do_number"})),
        ],
        custom_fields={"tags": "list"},
    )
    extra = set(rules.job_type.__struct_fields__) - set(Job.__struct_fields__)
    assert extra == {"phone_number", "items", "tags", "sender_phone_number"}
    raw = (
        b'{"do_number":"D1","phone_number":["91",92],"items":[{"sku":"S","serial_numbers":["x"]}],'
        b'"tags":"a,b","sender_phone_number":null,"weight":"unread"}'
    )
    job = msgspec.json.decode(raw, type=rules.job_type)
    assert job.number == "D1"
    assert job.phone_number == ["91", 92]  # type: ignore[attr-defined]
    assert job.items[0]["sku"] == "S"  # type: ignore[attr-defined]
    assert job.tags == "a,b"  # type: ignore[attr-defined]


def test_without_rules_a_job_is_the_plain_one() -> None:
    assert RuleSet().job_type is Job


def test_a_field_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="no field"):
        RuleSet([rule("a", template_fields=frozenset({"nope"}))])


def test_looking_up_candidates_costs_the_same_with_a_thousand_rules(tmp_path: Path) -> None:
    def lookup(count: int) -> float:
        rules = RuleSet([rule(f"r{n}", groups=[f"g{n}"]) for n in range(count)])
        rules.candidates("completed", "delivery", "g3")
        return min(
            timeit.repeat(
                lambda: rules.candidates("completed", "delivery", "g3"), number=2000, repeat=7
            )
        )

    assert lookup(1000) < lookup(10) * 3
