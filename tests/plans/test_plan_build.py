"""Plans that are right: what they compile to, their versions, and what old contents give."""

from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from smsnotify.base.errors import PlanError, RuleFileError
from smsnotify.model.plan import Branch, Match, Other, Outcome, Plan
from smsnotify.model.rule import MARKETING_HOURS, Purpose
from smsnotify.plans.book import Book, PlanSet
from smsnotify.plans.build import plan_of_content
from smsnotify.plans.content import version_of
from smsnotify.plans.load import check_book, load_book

EXAMPLE = Path(__file__).parents[2] / "rules.example.yaml"


def read(folder: Path, text: str) -> Book:
    path = folder / "r.yaml"
    path.write_text(text, encoding="utf-8")
    book, problems = check_book([path])
    assert [str(problem) for problem in problems] == []
    assert book is not None
    return book


def one(folder: Path, steps: str, head: str = "") -> Plan:
    """Return the plan of these steps, each a line `NAME: {…}`."""
    lines = "\n".join(f"      - {line}" for line in steps.strip().splitlines())
    return read(folder, f"plans:\n  - name: p\n{head}    steps:\n{lines}\n").plans.all[0]


@pytest.fixture(scope="module")
def example() -> PlanSet:
    return load_book([EXAMPLE]).plans


def test_the_quote_plan_compiles_to_what_it_says(example: PlanSet) -> None:
    plan = example.named("quote")
    assert plan.entry.keywords == ("HELLO", "OFFER")
    assert plan.entry.match is Match.FIRST_WORD
    assert plan.purpose is Purpose.MARKETING
    assert plan.max_life == timedelta(days=14)
    assert plan.first.name == "ask"
    ask = plan.steps["ask"]
    assert ask.send is not None
    assert ask.send(SimpleNamespace()).startswith("Hi there!")
    assert ask.send(SimpleNamespace(contact__first_name="Mei")).startswith("Hi Mei!")
    assert ask.wait is not None
    assert ask.wait.branches == (Branch("QUOTE", "offer"),)
    assert isinstance(ask.wait.other, Other)
    assert (ask.wait.other.times, ask.wait.other.then) == (2, "end")
    assert (ask.wait.no_reply, ask.wait.not_delivered) == ("end", "end")
    bought = plan.steps["bought"]
    assert (bought.goal, bought.value, bought.end) == ("sale", 10.0, Outcome.FINISHED)
    assert bought.set == {"tier": "customer"}


def test_what_is_left_out_has_the_meaning_that_the_pages_tell(tmp_path: Path) -> None:
    plan = one(
        tmp_path, "ask: {send: Hi., wait: {for: 1d, replies: {A: on}}}\non: {delay: {for: 2h}}"
    )
    wait = plan.steps["ask"].wait
    assert wait is not None
    assert (wait.other, wait.no_reply, wait.not_delivered) == (None, "expired", "exited")
    assert wait.match is Match.FIRST_WORD
    assert (plan.purpose, plan.re_enter, plan.route) == (Purpose.SERVICE, "after_exit", "")
    assert (plan.max_life, plan.max_steps, plan.max_burst) == (timedelta(days=30), 1000, 100)
    assert plan.marketing_hours == MARKETING_HOURS
    assert plan.after("ask") == "on"
    assert plan.after("on") == Outcome.FINISHED


def test_every_kind_of_step_compiles(example: PlanSet) -> None:
    plan = example.named("everything-else")
    later, choose = plan.steps["later"].delay, plan.steps["choose"].decide
    assert later is not None
    assert (later.lasting, later.until) == (None, time(9))
    assert [choice.target for choice in choose] == ["rate", "tell_us"]
    assert choose[0].asked == ("contact.tier in gold, customer", "zone exists")
    gold = SimpleNamespace(contact__tier="gold", zone="East")
    assert [all(test(gold) for test in choice.tests) for choice in choose] == [True, True]
    nobody = SimpleNamespace(contact__tier=None, zone=None)
    assert [all(test(nobody) for test in choice.tests) for choice in choose] == [False, True]
    listen = plan.steps["listen"].listen
    assert listen is not None
    assert (listen.events, listen.then, listen.otherwise) == ({"completed"}, "again", "end")
    assert plan.steps["again"].move_to == "quote"
    assert plan.steps["tell_us"].start_plan == "redelivery"
    assert plan.steps["thanks"].tag == ("happy",)
    assert not plan.enabled
    assert plan.reads == {
        "contact__tier",
        "contact__number",
        "contact__first_name",
        "replies__rate",
        "zone",
    }


def test_a_facet_is_typed_by_the_custom_fields(tmp_path: Path) -> None:
    plan = one(
        tmp_path,
        "a: {set: {points: 12, share: 0.5, vip: yes, tier: 007, hello: 'Hi {{ contact.name }}'}}",
        head="    enter: {keywords: [A], where: {contact.points: {lt: 100}}}\n",
    )
    values = plan.steps["a"].set
    assert [values[name] for name in ("points", "share", "vip", "tier")] == [
        "12",
        "0.5",
        "yes",
        "007",
    ]
    hello = values["hello"]
    assert callable(hello)
    assert hello(SimpleNamespace(contact__name="Mei")) == "Hi Mei"
    (tmp_path / "r.yaml").write_text(
        "custom_fields: {points: number, share: number, vip: flag}\n"
        "plans:\n  - name: p\n    steps:\n"
        "      - a: {set: {points: 12, share: 0.5, vip: yes, tier: 007}}\n",
        encoding="utf-8",
    )
    typed = load_book([tmp_path / "r.yaml"]).plans.all[0].steps["a"].set
    assert typed == {"points": 12, "share": 0.5, "vip": True, "tier": "007"}


def test_a_plan_takes_the_defaults_of_its_file_but_for_the_route(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        'defaults: {route: slow, max_segments: 2, quiet_hours: {from: "22:00", to: "07:00"},\n'
        '  expires: 6h, encoding: gsm7, marketing_hours: {from: "11:00", to: "19:00"}}\n'
        "plans:\n"
        "  - {name: p, purpose: marketing, steps: [a: {send: Hi., end: finished}]}\n"
        "  - {name: q, max_segments: 4, quiet_hours: none, steps: [a: {end: finished}]}\n",
    )
    plan, other = book.plans.all
    assert (plan.max_segments, plan.encoding, plan.expires) == (2, "gsm7", timedelta(hours=6))
    assert plan.quiet_hours is not None
    assert plan.marketing_hours.start == time(11)
    assert plan.route == ""
    assert (other.max_segments, other.quiet_hours) == (4, None)
    assert other.marketing_hours == MARKETING_HOURS
    assert plan_of_content(plan.version, plan.content).quiet_hours == plan.quiet_hours


def test_rules_and_plans_may_stand_in_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "rules:\n  - {name: r, events: [failed], to: {fields: [phone_number]}, start_plan: p}\n",
        encoding="utf-8",
    )
    (tmp_path / "b.yaml").write_text(
        "plans:\n  - {name: p, steps: [a: {send: 'No {{ detrack_number }}', end: finished}]}\n",
        encoding="utf-8",
    )
    book = load_book([tmp_path])
    assert book.rules.rules[0].terms.start_plan == "p"
    assert book.rules.rules[0].terms.body(book.rules.job_type()) == ""
    assert [plan.name for plan in book.plans.enabled] == ["p"]
    assert book.plans.job_fields == {"detrack_number"}
    assert "detrack_number" in {field.name for field in msgspec.structs.fields(book.rules.job_type)}


def test_the_plans_are_found_by_name_keyword_and_event(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        "custom_events: [weighed]\nplans:\n"
        "  - {name: a, enter: {keywords: [A]}, steps: [x: {end: finished}]}\n"
        "  - {name: b, enter: {any_text: true}, steps: [x: {end: finished}]}\n"
        "  - {name: c, enter: {events: [weighed]}, steps: [x: {listen: {events: [failed],\n"
        "     for: 1d, then: end}}]}\n"
        "  - {name: d, enabled: false, enter: {keywords: [D]}, steps: [x: {end: finished}]}\n",
    )
    plans = book.plans
    assert bool(plans)
    assert not PlanSet()
    assert list(plans.by_name) == ["a", "b", "c"]
    assert [plan.name for plan in plans.with_keywords] == ["a"]
    assert plans.any_text is plans.by_name["b"]
    assert plans.by_event["weighed"] == (plans.by_name["c"],)
    assert plans.events == {"weighed", "failed"}
    assert plans.job_fields == {"phone_number"}
    assert plans.named("d").enabled is False
    with pytest.raises(PlanError, match="there is no plan 'aa'"):
        plans.named("aa")
    with pytest.raises(PlanError) as caught:
        PlanSet().named("a")
    assert caught.value.hint == "there are no plans"


def test_the_version_is_what_the_plan_says_and_not_how_it_is_written(tmp_path: Path) -> None:
    short = "plans:\n  - {name: p, steps: [a: {send: Hi., wait: {for: 1d, replies: {A: end}}}]}\n"
    long = """\
rules:
  - {name: r, events: [failed], to: {fields: [phone_number]}, body: x}
plans:
  # a comment
  - steps:
      - a:
          wait:
            replies:
              A: end
            for: "1d"
          send: 'Hi.'
    name: p
    enabled: false
"""
    first = read(tmp_path, short).plans.all[0]
    second = read(tmp_path, long).plans.all[0]
    assert first.version == second.version == version_of(first.content)
    assert re.fullmatch("[0-9a-f]{16}", first.version)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Hi.", "Hi!"),
        ("for: 1d", "for: 2d"),
        ("replies: {A: end, B: on}", "replies: {B: on, A: end}"),
        ("name: p", "name: p2"),
        ("points: number", "points: string"),
        ("max_segments: 3", "max_segments: 2"),
    ],
)
def test_what_changes_the_plan_changes_the_version(tmp_path: Path, old: str, new: str) -> None:
    text = (
        "custom_fields: {points: number}\ndefaults: {max_segments: 3}\n"
        "plans:\n  - name: p\n    steps:\n"
        "      - a: {send: Hi., set: {points: 1}, wait: {for: 1d, replies: {A: end, B: on}}}\n"
        "      - on: {end: finished}\n"
    )
    assert old in text
    before = read(tmp_path, text).plans.all[0]
    after = read(tmp_path, text.replace(old, new)).plans.all[0]
    assert before.version != after.version


def test_a_field_that_the_plan_does_not_use_is_not_in_its_content(tmp_path: Path) -> None:
    plans = "plans: [{name: p, steps: [a: {send: '{{ depot_code }}', end: finished}]}]\n"
    one_field = "custom_fields: {depot_code: string}\n"
    two_fields = "custom_fields: {depot_code: string, other: number}\ncustom_events: [weighed]\n"
    first = read(tmp_path, one_field + plans).plans.all[0]
    assert read(tmp_path, two_fields + plans).plans.all[0].version == first.version


def test_an_old_version_is_made_from_its_content(example: PlanSet) -> None:
    later = PlanSet()
    for plan in example.all:
        old = later.from_content(plan.version, plan.content)
        assert (old.version, old.content) == (plan.version, plan.content)
        assert list(old.steps) == list(plan.steps)
        assert old.entry.keywords == plan.entry.keywords
        assert old.reads == plan.reads
        assert later.from_content(plan.version, b"") is old
        assert example.from_content(plan.version, b"") is plan


def test_many_old_versions_do_not_pile_up(example: PlanSet) -> None:
    plans = PlanSet(example.all)
    plan = example.named("quote")
    for number in range(300):
        content = plan.content.replace(b'"14d"', f'"{number + 1}d"'.encode())
        assert plans.from_content(version_of(content), content).max_life.days == number + 1
    assert len(plans._versions) <= 256
    assert plans.from_content(plan.version, b"") is plan


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "the stored plan cannot be read"),
        (b'{"plan": 1}', "the stored plan cannot be read"),
        (b'{"plan": {}, "format": 9}', "the stored plan has format 9, and this program reads 1"),
        (
            b'{"plan": {"name": "p", "steps": [{"a": {"send": "{{ gone }}"}}]}}',
            "of the plan 'p' cannot be used any more: unknown field 'gone'",
        ),
        (b'{"plan": {"name": "p"}}', "of the plan 'p' cannot be used any more: plan 'p' needs"),
        (b'{"plan": {}}', "of the plan None cannot be used any more"),
    ],
)
def test_a_content_that_is_no_plan_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(PlanError, match=re.escape(told)):
        PlanSet().from_content(version_of(content), content)


def test_a_content_of_another_version_is_refused() -> None:
    with pytest.raises(PlanError, match="is not the one it was"):
        PlanSet().from_content("0" * 16, b'{"plan": {}}')


def test_load_book_raises_with_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "plans:\n  - {name: p, steps: [a: {then: x}, b: {then: y}]}\n", encoding="utf-8"
    )
    with pytest.raises(RuleFileError, match=r"there is no step 'x' \(and 1 more\)") as caught:
        load_book([path])
    assert len(caught.value.problems) == 2


def test_a_goal_that_is_named_as_an_event_is_one(tmp_path: Path) -> None:
    book = read(
        tmp_path,
        "custom_events: [sale]\nplans:\n"
        "  - {name: p, steps: [a: {goal: sale}, b: {goal: visit}, c: {goal: sale, emit: sale}]}\n"
        "  - {name: q, steps: [a: {listen: {events: [sale], for: 1d}}]}\n",
    )
    first, second, third = book.plans.all[0].steps.values()
    assert (first.goal, first.emit) == ("sale", "sale")
    assert (second.goal, second.emit) == ("visit", "")
    assert third.emit == "sale"


def test_an_old_content_that_cannot_be_used_is_passed_over(example: PlanSet) -> None:
    plans, redelivery = PlanSet(), example.named("redelivery")
    broken = b'{"plan":{"name":"gone"}}'
    plans.remember(
        [(version_of(broken), broken), (redelivery.version, redelivery.content), ("0", b"{")]
    )
    assert plans.of_version(redelivery.version) is not None
    assert plans.of_version(version_of(broken)) is None


def test_a_rule_may_name_a_plan_that_is_wrong_itself(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "rules:\n  - {name: r, events: [failed], to: {fields: [phone_number]}, start_plan: p}\n"
        "plans:\n  - {name: p, steps: [a: {then: nowhere}]}\n",
        encoding="utf-8",
    )
    _, problems = check_book([tmp_path / "r.yaml"])
    assert [problem.code for problem in problems] == ["unknown_step"]
