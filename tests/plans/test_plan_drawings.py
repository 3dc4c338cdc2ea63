"""Drawings of plans: the ways between steps, Mermaid, SVG, and nothing of a text that is obeyed."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.model.plan import Plan
from smsnotify.plans.book import PlanSet
from smsnotify.plans.load import check_book, load_book
from smsnotify.plans.mermaid import mermaid
from smsnotify.plans.outline import begins, does, goes, terms
from smsnotify.plans.svg import svg
from smsnotify.plans.ways import Way, circle, graph_of, reachable, way_out, ways

EXAMPLE = Path(__file__).parents[2] / "rules.example.yaml"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def example() -> PlanSet:
    return load_book([EXAMPLE]).plans


def told(plan: Plan, step: str) -> list[tuple[str, str]]:
    return [(label, way.target) for label, way in goes(plan, plan.steps[step])]


def test_the_ways_of_a_wait_are_in_the_order_of_the_engine(example: PlanSet) -> None:
    plan = example.named("quote")
    assert ways(plan, plan.steps["ask"]) == [
        Way("QUOTE", "offer", pauses=True, label="QUOTE"),
        Way("other", "exited", pauses=True, label="other"),
        Way("no_reply", "expired", pauses=True, label="no reply"),
        Way("not_delivered", "exited", label="not delivered"),
    ]
    assert told(plan, "bought") == [("", "finished")]


def test_end_means_something_else_in_each_place(example: PlanSet) -> None:
    plan = example.named("everything-else")
    assert told(plan, "listen") == [("completed", "again"), ("else", "expired")]
    assert told(plan, "again") == [("moves to quote", "finished")]
    assert told(plan, "later") == [("", "choose")]
    assert told(plan, "choose") == [
        ("contact.tier in gold, customer and zone exists", "rate"),
        ("else", "tell_us"),
    ]


def test_a_plan_in_short_lines(example: PlanSet) -> None:
    plan = example.named("everything-else")
    assert begins(plan) == "any text; event completed"
    assert terms(plan) == "off, service, again after it is over, life 30d, route default"
    assert begins(example.named("redelivery")) == "a rule, another plan, or by hand"
    assert list(does(plan.steps["tell_us"])) == [
        "calls https://erp.example.com/unhappy",
        "to staff: “Unhappy: {{ contact.number }} answered "
        "{{ replies.rate | default('nothing') }}”",
        "starts the plan redelivery",
    ]
    assert list(does(plan.steps["later"])) == ["waits until 09:00"]
    assert list(does(example.named("redelivery").steps["tomorrow"]))[:2] == [
        "event rescheduled",
        "action do, order, answer",
    ]


def test_the_flowchart_has_every_step_and_every_way(example: PlanSet) -> None:
    for plan in example.all:
        text = mermaid(plan)
        lines = text.splitlines()
        assert lines[0] == "flowchart TD"
        for name, step in plan.steps.items():
            assert sum(line.startswith(f'  s_{name}["{name}') for line in lines) == 1
            drawn = [line for line in lines if re.match(rf"  s_{name} (--|-->)", line)]
            assert len(drawn) == len(ways(plan, step))
        for line in lines[1:]:
            assert line.count('"') % 2 == 0


def test_the_picture_is_xml_in_which_every_row_lies_in_its_box(example: PlanSet) -> None:
    for plan in example.all:
        root = ElementTree.fromstring(svg(plan))
        width, height = int(root.attrib["width"]), int(root.attrib["height"])
        texts = [each.text for each in root.iter(f"{SVG}text")]
        assert [name for name in plan.steps if name in texts] == list(plan.steps)
        boxes = [each for each in root.iter(f"{SVG}rect") if "class" in each.attrib]
        assert len(boxes) == len(plan.steps) + 1
        for above, below in pairwise(boxes):
            end = int(above.attrib["y"]) + int(above.attrib["height"])
            assert end < int(below.attrib["y"]) < height
        links = [way for step in plan.steps.values() for way in ways(plan, step) if not way.ends]
        assert len([each for each in root.iter() if each.get("class") == "way"]) == len(links) + 1
        for path in root.iter(f"{SVG}path"):
            assert all(int(x) <= width for x in re.findall(r"H(\d+)", path.attrib["d"]))


_KEYS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12
).filter(lambda text: text.strip() == text and text not in ("<<", ""))
_TEXT = st.text(st.sampled_from("ab <>&\"'`\\#|;]-é漢 \t\x85\u2028\u202e")) | st.text(max_size=30)


@settings(max_examples=60, deadline=None)
@given(_KEYS, _TEXT, _TEXT)
def test_no_text_of_a_plan_gets_out_of_its_drawing(
    tmp_path_factory: pytest.TempPathFactory, key: str, name: str, body: str
) -> None:
    import json

    words = {"match": "regex", "for": "1d", "replies": {re.escape(key): "end"}, "no_reply": "last"}
    steps = [{"ask": {"send": body, "wait": words}}, {"last": {"tag": [name], "end": "failed"}}]
    path = tmp_path_factory.mktemp("drawn") / "r.yaml"
    data = json.dumps({"plans": [{"name": name, "steps": steps}]}, ensure_ascii=True)
    path.write_text(data, encoding="utf-8")
    book, _ = check_book([path])
    if book is None:
        return
    plan = book.plans.all[0]
    root = ElementTree.fromstring(svg(plan))
    kinds = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert kinds == {"svg", "title", "style", "rect", "text", "path"}
    chart = mermaid(plan)
    assert len(chart.splitlines()) == len(chart.split("\n")) - 1
    for line in chart.splitlines():
        assert line.count('"') % 2 == 0
        assert not re.search("[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e]", line)
        label = re.sub(r"<br/>", "", line)
        assert not re.search(r"<[^-]", label)


def graph(folder: Path, steps: str) -> Plan:
    path = folder / "r.yaml"
    path.write_text(f"plans:\n  - name: p\n    steps:\n{steps}", encoding="utf-8")
    return load_book([path]).plans.all[0]


def test_who_can_come_where_and_who_can_leave(tmp_path: Path) -> None:
    plan = graph(
        tmp_path,
        "      - a: {send: Hi., wait: {for: 1d, replies: {X: b}, no_reply: c, not_delivered: c}}\n"
        "      - b: {delay: {for: 1d}, then: a}\n"
        "      - c: {listen: {events: [failed], for: 1d, then: c, else: d}}\n"
        "      - d: {delay: {for: 1h}, then: c}\n"
        "      - e: {end: finished}\n",
    )
    ways_on = graph_of(plan)
    assert reachable(ways_on, "a") == {"a", "b", "c", "d"}
    assert reachable(ways_on, "e") == {"e"}
    assert way_out(ways_on) == {"e"}
    assert circle(ways_on) == []


@st.composite
def _graphs(draw: st.DrawFn) -> list[tuple[int, list[int]]]:
    """A plan as steps, each waiting (1) or at once (0), with the steps that it leads to."""
    count = draw(st.integers(1, 6))
    targets = st.lists(st.integers(0, count), min_size=1, max_size=3)  # `count` is an end
    return [(draw(st.integers(0, 1)), draw(targets)) for _ in range(count)]


@settings(max_examples=80, deadline=None)
@given(_graphs())
def test_a_circle_is_told_exactly_when_there_is_one(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, list[int]]]
) -> None:
    count = len(drawn)

    def name(index: int) -> str:
        return "finished" if index == count else f"s{index}"

    lines = []
    for index, (waits, targets) in enumerate(drawn):
        if waits:
            replies = ", ".join(f"K{at}: {name(target)}" for at, target in enumerate(targets))
            lines.append(f"s{index}: {{wait: {{for: 1d, replies: {{{replies}}}}}}}")
        else:
            choices = "".join(f"{{if: {{zone: z{t}}}, then: {name(t)}}}, " for t in targets[1:])
            lines.append(f"s{index}: {{decide: [{choices}{{else: {name(targets[0])}}}]}}")
    path = tmp_path_factory.mktemp("graph") / "r.yaml"
    steps = "".join(f"      - {line}\n" for line in lines)
    path.write_text(f"plans:\n  - name: p\n    steps:\n{steps}", encoding="utf-8")
    _, problems = check_book([path])
    at_once = {index: targets for index, (waits, targets) in enumerate(drawn) if not waits}
    assert any(one.code == "endless_loop" for one in problems) == _has_circle(at_once)


def _has_circle(graph: dict[int, list[int]]) -> bool:
    left = dict(graph)
    while True:
        gone = [node for node, targets in left.items() if not any(t in left for t in targets)]
        if not gone:
            return bool(left)
        for node in gone:
            del left[node]


def test_long_words_and_wide_letters_stay_in_their_box(tmp_path: Path) -> None:
    body = "https://example.com/" + "x" * 200 + " 我们明天会把您的包裹送到您的家里" * 6
    plan = graph(tmp_path, f"      - a: {{send: '{body}', end: finished}}\n").first
    lines = [
        str(each.text)
        for each in ElementTree.fromstring(svg(load_book([tmp_path / "r.yaml"]).plans.all[0])).iter(
            f"{SVG}text"
        )
    ]
    assert all(sum(1 + (letter > "⺀") for letter in line) <= 52 for line in lines)
    joined = "".join(line.strip() for line in lines).replace(" ", "")
    assert plan.send_source.replace(" ", "") in joined
