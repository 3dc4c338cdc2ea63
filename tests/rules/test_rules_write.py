from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import RuleError
from smsnotify.rules.load import check_rules
from smsnotify.rules.usual import usual_rules
from smsnotify.rules.write import append_rule, rule_yaml
from smsnotify.rules.yaml_nodes import plain
from smsnotify.rules.yaml_positions import read_yaml

ANSWERS: dict[str, Any] = {
    "name": "failed: nobody home",
    "job_type": "delivery",
    "events": ["failed"],
    "reasons": ["Nobody at home", "no"],
    "groups": [],
    "to": {"fields": ["phone_number"], "fixed": ["+6591230000"]},
    "body": 'We missed you, "{{ do_number }}".\nCall us.',
    "max_segments": 2,
    "enabled": True,
    "route": None,
}


def names(folder: Path, text: str) -> list[str]:
    path = folder / "r.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    rules, problems = check_rules([path])
    assert rules is not None, [str(problem) for problem in problems]
    return [rule.terms.name for rule in rules.all]


def test_a_rule_is_written_in_the_order_of_the_schema() -> None:
    assert rule_yaml(ANSWERS) == (
        '  - name: "failed: nobody home"\n'
        "    enabled: true\n"
        "    job_type: delivery\n"
        "    events: [failed]\n"
        '    reasons: [Nobody at home, "no"]\n'
        '    to: {fields: [phone_number], fixed: ["+6591230000"]}\n'
        "    body: |-\n"
        '      We missed you, "{{ do_number }}".\n'
        "      Call us.\n"
        "    max_segments: 2\n"
    )


def test_a_key_that_rules_do_not_have_is_refused() -> None:
    with pytest.raises(RuleError, match="no key 'groop'"):
        rule_yaml({"name": "a", "groop": "x"})


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=40), st.lists(st.text(min_size=1, max_size=10), max_size=3))
def test_any_text_is_read_back_as_it_was(body: str, groups: list[str]) -> None:
    root = read_yaml("rules:\n" + rule_yaml({"name": "a", "body": body, "groups": groups})).root
    assert root is not None
    [rule] = plain(root)["rules"]
    assert rule.get("body", "") == body
    assert rule.get("groups", []) == groups


def test_a_rule_goes_into_an_empty_file(tmp_path: Path) -> None:
    for empty in ("", "\n", "# ours\n"):
        text = append_rule(empty, rule_yaml(ANSWERS))
        assert names(tmp_path, text) == ["failed: nobody home"]
        assert text.startswith("# ours\n\nversion" if empty.startswith("#") else "version: 1\n")


def test_comments_and_order_stay_and_the_rule_comes_last(tmp_path: Path) -> None:
    text = append_rule(usual_rules(), rule_yaml(ANSWERS))
    assert text.startswith(usual_rules())
    assert names(tmp_path, text)[-1] == "failed: nobody home"


@pytest.mark.parametrize(
    "existing",
    [
        "rules: []\n",
        "rules:\n",
        "version: 1\nrules: # all of them\n",
        "version: 1\n",
        "rules: []\ncustom_events: [x]\n",
        "version: 1\nrules: []  # none yet\n\n# about defaults\ndefaults: {route: default}\n",
    ],
)
def test_a_file_without_rules_gets_its_first(tmp_path: Path, existing: str) -> None:
    text = append_rule(existing, rule_yaml(ANSWERS))
    assert names(tmp_path, text) == ["failed: nobody home"]
    for line in existing.splitlines():
        assert line.replace(" []", "").strip() in text


@pytest.mark.parametrize("indent", ["", "  ", "    "])
@pytest.mark.parametrize("tail", ["", "# the end\n", "\n# about events\ncustom_events: [x]\n"])
def test_a_rule_follows_the_files_own_indentation(tmp_path: Path, indent: str, tail: str) -> None:
    existing = (
        f"rules:\n{indent}- name: first\n{indent}  events: [deleted]  # gone\n"
        f"{indent}  to: {{fields: [phone_number]}}\n{indent}  body: x\n{tail}"
    )
    text = append_rule(existing, rule_yaml(ANSWERS))
    assert names(tmp_path, text) == ["first", "failed: nobody home"]
    assert f'\n{indent}- name: "failed' in text
    for line in existing.splitlines():
        assert line in text.splitlines()


def test_windows_line_ends_stay(tmp_path: Path) -> None:
    text = append_rule(usual_rules().replace("\n", "\r\n"), rule_yaml(ANSWERS))
    assert "\n" not in text.replace("\r\n", "")
    assert names(tmp_path, text)[-1] == "failed: nobody home"


@pytest.mark.parametrize(
    ("existing", "told"),
    [
        ("rules: [{name: a}]\n", "stand in one line"),
        ("rules: {a: b}\n", "no list"),
        ("rules: soon\n", "no list"),
        ("- a\n", "no rule file"),
        ("rules: [\n", "line 2"),
    ],
)
def test_a_file_that_cannot_take_a_rule_is_left_alone(existing: str, told: str) -> None:
    with pytest.raises(RuleError, match=told):
        append_rule(existing, rule_yaml(ANSWERS))


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(2, 5))
def test_rules_can_be_added_again_and_again(tmp_path: Path, count: int) -> None:
    text = ""
    for number in range(count):
        text = append_rule(text, rule_yaml(ANSWERS | {"name": f"r{number}", "events": ["failed"]}))
    assert names(tmp_path, text) == [f"r{number}" for number in range(count)]
