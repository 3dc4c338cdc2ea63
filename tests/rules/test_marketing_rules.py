"""Rules for marketing, and rules that read the recipient."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from smsnotify.model.contact import Contact
from smsnotify.model.event import Event
from smsnotify.model.job import Job
from smsnotify.model.reading import Reading
from smsnotify.model.rule import MARKETING_HOURS, MarketingHours, Purpose
from smsnotify.rules.compile import CompiledRule
from smsnotify.rules.explain import explain
from smsnotify.rules.load import check_rules
from smsnotify.rules.offers import offer_word

WHOLE = """
    body: "{{ contact.first_name | default('you') }}, {{ do_number }}: {{ opt_out_link }}"
    where: {contact.points: {gte: 10}, contact.tags: {contains: vip}, do_number: {ne: X}}
"""


def read(tmp_path: Path, rule: str = "", head: str = "") -> tuple[CompiledRule | None, list[str]]:
    text = (
        f"version: 1\n{head}\nrules:\n  - name: r\n    events: [completed]\n"
        f"    to: {{fields: [phone_number]}}\n{rule}"
    )
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    rules, problems = check_rules([tmp_path / "rules.yaml"], country="SG")
    return (rules.all[0] if rules else None), [f"{one.severity} {one.code}" for one in problems]


@pytest.mark.parametrize(
    "text",
    [
        "10% off today",
        "Get 10 % off, {{ contact.name }}",
        "Big SALE",
        "Enter promo code TEN",
        "20% Rabatt",
        "gratis Versand",
        "打8折",
        "限时优惠",
        "セール開催中",
        "diskon 10%",
        "giảm giá hôm nay",
        "Скидка 10",
        "Livraison gratuite",
    ],
)
def test_an_offer_is_seen(text: str) -> None:
    assert offer_word(text)


@pytest.mark.parametrize(
    "text",
    [
        "Your order {{ do_number }} has arrived.",
        "Feel free to call us toll-free.",
        "{{ free }} {{ sale | default('sale') }}",
        "Customs clearance is done.",
        "Contact-free handover at 10:30",
        "Remise en main propre",
        "Wir liefern wochentags",
        "80% of your items are here",
        "Salesman Tan comes at 9",
    ],
)
def test_news_is_no_offer(text: str) -> None:
    assert offer_word(text) == ""


def test_an_offer_under_service_is_a_warning(tmp_path: Path) -> None:
    offer = '    body: "10 % off"\n'
    assert read(tmp_path, offer)[1] == ["warning offer_word"]
    rule, problems = read(tmp_path, offer + "    purpose: marketing\n")
    assert problems == []
    assert rule is not None
    assert (rule.terms.purpose, rule.terms.marketing_hours) == (Purpose.MARKETING, MARKETING_HOURS)


def test_hours_come_from_the_rule_the_file_or_are_ten_to_eight(tmp_path: Path) -> None:
    marketing = '    body: "Hi"\n    purpose: marketing\n'
    head = 'defaults: {marketing_hours: {from: "11:00", to: "17:00"}}'
    rule, _ = read(tmp_path, marketing, head)
    assert rule is not None
    assert rule.terms.marketing_hours == MarketingHours(time(11), time(17))
    own = '    marketing_hours: {from: "12:00", to: "13:30"}\n'
    rule, _ = read(tmp_path, marketing + own, head)
    assert rule is not None
    assert rule.terms.marketing_hours == MarketingHours(time(12), time(13, 30))


@pytest.mark.parametrize(
    ("rule", "head", "told"),
    [
        ("    marketing_hours: {from: '10:00', to: '20:00'}\n", "", "hours_without_marketing"),
        ("    purpose: marketing\n    marketing_hours: none\n", "", "bad_value"),
        (
            "    purpose: marketing\n    marketing_hours: {from: '20:00', to: '10:00'}\n",
            "",
            "bad_value",
        ),
        ("", "defaults: {marketing_hours: {from: '10:00', to: '10:00'}}", "bad_value"),
        ("    purpose: selling\n", "", "unknown_word"),
        ("    where: {contact.Tier: gold}\n", "", "unknown_field"),
        ("    where: {contact.tier: {gt: x}}\n", "custom_fields: {tier: number}", "bad_condition"),
        ("    where: {person.tier: gold}\n", "", "unknown_field"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, rule: str, head: str, told: str) -> None:
    assert read(tmp_path, '    body: "Hi"\n' + rule, head) == (None, [f"error {told}"])


def test_a_reminder_at_an_hour_when_marketing_waits_is_a_mistake(tmp_path: Path) -> None:
    rule = (
        '    body: "Hi"\n    purpose: marketing\n    pre_job: {days_before: 1, at: "09:00"}\n'
    ).replace("    body", "    body")
    text = (
        "version: 1\nrules:\n  - name: r\n    events: [pre_job]\n"
        f"    to: {{fields: [phone_number]}}\n{rule}"
    )
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    _, problems = check_rules([tmp_path / "rules.yaml"])
    assert [one.code for one in problems] == ["pre_job_outside_marketing_hours"]


def test_custom_fields_cannot_hide_the_link(tmp_path: Path) -> None:
    head = "custom_fields: {opt_out_link: string}"
    assert read(tmp_path, '    body: "Hi"\n', head)[1] == ["error bad_name"]


def test_a_rule_reads_the_recipient_beside_the_job(tmp_path: Path) -> None:
    rule, problems = read(
        tmp_path,
        WHOLE,
        "custom_fields: {points: number}",
    )
    assert problems == []
    assert rule is not None
    terms = rule.terms
    assert (terms.reads_person, terms.has_opt_out_link, len(terms.contact_tests)) == (True, True, 2)
    assert rule.fields == {"do_number", "phone_number"}
    job = Job(do_number="D1")
    gold = Contact(name="Mei Tan", facets={"points": 12}, tags=frozenset({"vip"}))
    who = Reading(job, gold, "https://x/o/1")
    assert terms.body(who) == "Mei, D1: https://x/o/1"
    assert all(test(who) for test in terms.contact_tests)
    poor = Reading(job, Contact(facets={"points": "9"}, tags=frozenset({"vip"})))
    assert [test(poor) for test in terms.contact_tests] == [False, True]
    assert rule.matches(job)


def test_a_rule_fires_when_one_recipient_is_meant_whole(tmp_path: Path) -> None:
    rule, _ = read(
        tmp_path, '    body: "Hi"\n    where: {contact.tier: gold, contact.vip: {exists: true}}\n'
    )
    assert rule is not None
    from smsnotify.rules.compile import RuleSet

    event = Event("completed", Job(do_number="D1"))
    half, other = Contact(facets={"tier": "gold"}), Contact(facets={"vip": "x"})
    for people, fires in (
        ({"+1": half, "+2": other}, False),
        ({"+1": half, "+2": Contact(facets={"tier": "gold", "vip": "x"})}, True),
        ({}, False),
    ):
        (verdict,) = explain(event, RuleSet([rule]), lambda rule, event, found=people: found)  # type: ignore[misc]
        assert verdict.matched is fires
