"""Plans that can be run, and what there is to doubt about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsnotify.plans.book import PlanSet
from smsnotify.plans.load import check_book
from smsnotify.wiring.models import Settings
from smsnotify.wiring.plan_settings import check_plan_settings

DOUBTS = [
    (
        "unreachable",
        "      - a: {send: Hi., end: finished}\n      - b: {send: Hi., end: finished}\n",
        "5:9: nobody ever comes to the step 'b' (let a step lead to it, or take it out)",
    ),
    (
        "dead end",
        "      - a: {send: Hi., wait: {for: 1d, replies: {X: end}, no_reply: b}}\n"
        "      - b: {delay: {for: 1d}, then: b}\n",
        "5:9: whoever comes to the step 'b' leaves the plan only when max_life is over "
        "(let one of its ways lead to an end)",
    ),
    (
        "longer than life",
        "      - a: {listen: {events: [failed], for: 30d, then: end}}\n",
        "4:45: this listen is as long as max_life or longer: the plan is over before it "
        "(shorten it, or give the plan a longer max_life)",
    ),
    (
        "off",
        "      - a: {start_plan: off}\n",
        "4:25: the plan 'off' is off: nobody comes into it (enabled: true in the plan)",
    ),
    (
        "not https",
        "      - a: {webhook: 'http://erp.example.com/x', end: finished}\n",
        "4:22: webhook: what is sent there travels unencrypted",
    ),
    (
        "offer",
        "      - a: {send: 'Get 10 % off!', end: finished}\n",
        "4:19: '10 % off' reads like an offer, and the plan's purpose is service "
        "(purpose: marketing, if it is one: then only those who asked for it get it)",
    ),
    (
        "too long",
        f"      - a: {{send: '{'x' * 500}', end: finished}}\n",
        "4:19: the send takes 4 segments before any field is filled in, and max_segments is 3: "
        "it would always be stopped (shorten it, or raise max_segments)",
    ),
    (
        "no answer",
        "      - a: {send: '{{ replies.b }}', wait: {for: 1d, other: {send: '{{ replies.a }}!',\n"
        "          then: b}}}\n"
        "      - b: {send: '{{ replies.a }}', wait: {for: 1d, replies: {X: c}}}\n"
        "      - c: {send: '{{ replies.a }} {{ replies.b }}', end: finished}\n",
        "4:19: {{ replies.b }} has no value here: nobody has answered that step before "
        "({{ replies.b | default('…') }})",
        "4:68: {{ replies.a }} has no value here: nobody has answered that step before "
        "({{ replies.a | default('…') }})",
    ),
    (
        "no effect",
        "      - a: {route: default, goal: sale, end: finished}\n",
        "4:13: route changes nothing: the step sends no text",
    ),
]


def doubts(folder: Path, text: str) -> list[str]:
    path = folder / "r.yaml"
    path.write_text(text, encoding="utf-8")
    book, problems = check_book([path])
    assert book is not None, problems
    assert {problem.severity for problem in problems} <= {"warning"}
    return [str(problem).partition("r.yaml:")[2] for problem in problems]


@pytest.mark.parametrize("row", DOUBTS, ids=[row[0] for row in DOUBTS])
def test_a_doubt_is_told_with_its_place(tmp_path: Path, row: tuple[str, ...]) -> None:
    _, steps, *told = row
    off = "  - {name: off, enabled: false, steps: [x: {end: finished}]}\n"
    assert doubts(tmp_path, f"plans:\n  - name: p\n    steps:\n{steps}{off}") == told


def test_a_plan_that_is_off_may_start_one_that_is_off(tmp_path: Path) -> None:
    text = (
        "plans:\n  - {name: off, enabled: false, steps: [x: {end: finished}]}\n"
        "  - {name: p, enabled: false, steps: [x: {start_plan: off}]}\n"
    )
    assert doubts(tmp_path, text) == []


def test_a_rule_that_starts_a_plan_that_is_off_is_told_unless_it_is_off_itself(
    tmp_path: Path,
) -> None:
    plan = "plans:\n  - {name: p, enabled: false, steps: [x: {end: finished}]}\n"
    rule = (
        "rules:\n  - {name: r, events: [failed], to: {fields: [phone_number]}, start_plan: p,\n"
        "     enabled: true}\n"
    )
    assert doubts(tmp_path, rule + plan) == [
        "2:75: the plan 'p' is off: nobody comes into it (enabled: true in the plan)"
    ]
    assert doubts(tmp_path, (rule + plan).replace("enabled: true", "enabled: false")) == []


def test_what_says_how_a_text_goes_out_says_nothing_in_a_rule_that_starts_a_plan(
    tmp_path: Path,
) -> None:
    text = (
        "rules:\n  - {name: r, events: [failed], to: {fields: [phone_number]}, start_plan: p,\n"
        "     route: default, max_segments: 2}\n"
        "plans:\n  - {name: p, steps: [x: {end: finished}]}\n"
    )
    assert doubts(tmp_path, text) == [
        "3:6: route changes nothing for a rule that starts a plan (say it in the plan)",
        "3:22: max_segments changes nothing for a rule that starts a plan (say it in the plan)",
    ]


@pytest.mark.parametrize(
    ("enter", "told"),
    [
        ("enter: {keywords: [HELLO]}", "a keyword"),
        ("enter: {any_text: true}", "any text"),
        ("enter: {events: [failed]}", ""),
        ("max_life: 2d", ""),
    ],
)
def test_a_text_that_needs_a_job_is_told_where_there_may_be_none(
    tmp_path: Path, enter: str, told: str
) -> None:
    text = (
        f"plans:\n  - name: p\n    {enter}\n    steps:\n"
        "      - a: {send: 'Order {{ do_number }} for {{ contact.first_name }}',\n"
        "          wait: {for: 1d, other: {send: 'Hm, {{ zone }}?'}}, }\n"
    )
    found = doubts(tmp_path, text)
    if not told:
        assert found == []
        return
    assert found == [
        f"5:19: {{{{ do_number }}}} has no value for whoever came in by {told}: there is no job, "
        "and the text is stopped ({{ do_number | default('…') }})",
        f"6:41: {{{{ zone }}}} has no value for whoever came in by {told}: there is no job, and "
        "the text is stopped ({{ zone | default('…') }})",
    ]
    safe = text.replace("do_number }", 'do_number | default("x") }').replace("{{ zone }}", "what")
    assert doubts(tmp_path, safe) == []


def test_without_plans_that_are_on_no_route_is_doubted() -> None:
    assert check_plan_settings(PlanSet(), Settings()) == []


def test_plans_may_begin_each_other_after_a_pause_or_once(tmp_path: Path) -> None:
    text = (
        "plans:\n  - {name: a, steps: [x: {delay: {for: 30d}}, y: {move_to: a}], max_life: 60d}\n"
        "  - {name: b, re_enter: never, steps: [x: {start_plan: b}]}\n"
        "  - {name: c, steps: [x: {start_plan: b}, y: {start_plan: a}]}\n"
    )
    assert doubts(tmp_path, text) == []
