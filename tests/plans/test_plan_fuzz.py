"""Whatever stands in a plan, reading it ends with problems that have places, never with a fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsnotify.plans.book import PlanSet
from smsnotify.plans.load import check_book
from smsnotify.plans.mermaid import mermaid
from smsnotify.plans.svg import svg

EXAMPLE = Path(__file__).parents[2] / "rules.example.yaml"
PLANS: list[dict[str, Any]] = yaml.load(EXAMPLE.read_text(encoding="utf-8"), yaml.BaseLoader)[
    "plans"
]

_ODD = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "end", "ask", "none", "1-2", "{{ contact.x }}", "{{", "9" * 40]),
    st.text(max_size=6),
    st.lists(st.sampled_from(["ask", "", None]), max_size=2),
    st.dictionaries(st.sampled_from(["for", "then", "if", "send", "x", ""]), st.text(max_size=3)),
    st.lists(st.dictionaries(st.sampled_from(["if", "then", "else"]), st.none()), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every part of plain data."""
    found = [path]
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    if isinstance(value, (dict, list)):
        for key, inner in pairs:
            found += places(inner, (*path, key))
    return found


PLACES = [path for path in places(PLANS) if path]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.booleans(), _ODD), min_size=1, max_size=3))
def test_a_plan_with_anything_in_any_place_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[tuple[Any, ...], bool, Any]]
) -> None:
    plans = json.loads(json.dumps(PLANS))
    for path, remove, odd in changes:
        holder = plans
        try:
            for key in path[:-1]:
                holder = holder[key]
            if remove:
                del holder[path[-1]]
            else:
                holder[path[-1]] = odd
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    path = tmp_path_factory.mktemp("fuzz") / "r.yaml"
    path.write_text(json.dumps({"custom_events": ["rescheduled"], "plans": plans}), "utf-8")

    book, problems = check_book([path])

    for problem in problems:
        assert problem.message
        assert problem.line == 1
    assert (book is None) == any(one.severity == "error" for one in problems)
    for plan in book.plans.all if book is not None else ():
        assert svg(plan).endswith("</svg>\n")
        assert mermaid(plan)
        assert PlanSet().from_content(plan.version, plan.content).version == plan.version
