"""`rules`: validate, list, schema, explain, add."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

RULES = """\
version: 1
rules:
  - name: arrived
    events: [arrived]
    where: {customer: ACME}
    to: {fields: [phone_number]}
    body: "Hi {{ deliver_to_collect_from }}, we are here."
  - name: done
    enabled: false
    events: [completed]
    to: {fields: [phone_number], fixed: ["+6591230000"]}
    body: "Done."
"""
EVENT = {
    "event": "arrived",
    "job": {"do_number": "DO-1", "type": "Delivery", "phone_number": "91230000", "customer": "X"},
}


@pytest.fixture
def rules(folder: Path) -> Path:
    file = folder / "rules.yaml"
    file.write_text(RULES, encoding="utf-8")
    return file


def test_right_rules_end_with_0_and_say_nothing_on_stdout(cli: Any, rules: Path) -> None:
    done = cli("rules", "validate")
    assert (done.code, done.out) == (0, "")
    assert "2 rules, 1 of them on" in done.err


def test_every_mistake_is_told_with_its_place(cli: Any, rules: Path) -> None:
    rules.write_text(RULES.replace("[arrived]", "[arived]").replace("Done.", "{{ do_numbr }}"))
    done = cli("rules", "validate", "--json", "rules.yaml")
    assert done.code == 2
    assert [problem["line"] for problem in done.json] == [4, 12]
    assert all(problem["type"] == "problem" for problem in done.json)
    assert "did you mean" in cli("rules", "validate").out


def test_a_missing_or_empty_rule_file_ends_with_2(cli: Any, folder: Path) -> None:
    assert cli("rules", "validate").code == 2
    (folder / "rules.yaml").write_text("", encoding="utf-8")
    assert cli("rules", "validate").code == 2


def test_rules_can_be_named_before_and_after_the_command(cli: Any, rules: Path) -> None:
    other = rules.rename(rules.with_name("other.yaml"))
    assert cli("--rules", other.name, "rules", "list").code == 0
    assert cli("rules", "list", "--rules", other.name, "--json").json[0]["id"] == "arrived"


def test_the_list_says_what_a_rule_listens_to_and_whom_it_texts(cli: Any, rules: Path) -> None:
    first, second = cli("rules", "list", "--json").json
    assert first["events"] == ["arrived"]
    assert first["where"][0].startswith("customer ")
    assert "ACME" in first["where"][0]
    assert second["enabled"] is False
    assert second["to"] == {"fields": ["phone_number"], "fixed": ["+6591230000"]}
    assert cli("rules", "list").out.count("\n") == 3


def test_a_rule_that_starts_a_plan_is_listed_and_explained(cli: Any, folder: Path) -> None:
    (folder / "rules.yaml").write_text(
        "rules:\n  - {name: r, events: [failed], to: {fields: [phone_number]}, start_plan: p}\n"
        "plans:\n  - {name: p, steps: [a: {send: Hi., end: finished}]}\n",
        encoding="utf-8",
    )
    (rule,) = cli("rules", "list", "--json").json
    assert (rule["start_plan"], rule["body"]) == ("p", "")
    assert cli("rules", "list").out.endswith("→ plan p\n")
    event = {"event": "failed", "job": {"id": "1", "phone_number": "+6591230000"}}
    (folder / "e.json").write_text(json.dumps(event), encoding="utf-8")
    (verdict,) = cli("rules", "explain", "e.json", "--json").json
    assert verdict["matched"]
    assert verdict["checks"][-1]["name"] == "start_plan"


def test_the_schema_is_json(cli: Any) -> None:
    schema = json.loads(cli("rules", "schema").out)
    assert schema == cli("rules", "schema", "--json").json[0]
    assert "rules" in schema["properties"]


def test_explain_tells_check_by_check_why_a_rule_is_silent(
    cli: Any, folder: Path, rules: Path
) -> None:
    (folder / "e.json").write_text(json.dumps(EVENT), encoding="utf-8")
    done = cli("rules", "explain", "e.json")
    assert done.code == 0
    assert "✗ arrived does not fire" in done.out
    assert "✗ where customer: X" in done.out
    verdicts = cli("rules", "explain", "e.json", "--json", "--rule", "arrived").json
    (verdict,) = verdicts
    assert (verdict["matched"], verdict["event"], verdict["job"]) == (False, "arrived", "DO-1")
    failed = [check["name"] for check in verdict["checks"] if not check["passed"]]
    assert "where customer" in failed


def test_explain_reads_a_bare_snapshot_from_stdin(cli: Any, rules: Path) -> None:
    job = {"do_number": "DO-1", "type": "Delivery", "status": "completed", "date": "2026-03-02"}
    done = cli("rules", "explain", "--json", "-", stdin=json.dumps(job))
    assert {verdict["event"] for verdict in done.json} == {"completed"}


def test_explain_tells_a_line_that_it_cannot_read(cli: Any, rules: Path) -> None:
    done = cli("rules", "explain", "-", stdin='{"event": "arived", "job": {"do_number": "1"}}')
    assert done.code == 1
    assert "rejected" in done.err
    assert cli("rules", "explain", "no-such-file").code == 2
    assert cli("rules", "explain", "-", "--rule", "nope").code == 2


def test_add_writes_a_rule_and_shows_its_text(cli: Any, rules: Path) -> None:
    args = ["--name", "late", "--event", "delayed", "--to", "phone_number", "--to", "+6591230000"]
    done = cli("rules", "add", "--yes", *args, "--text", "Order {{ do_number }} is late.")
    assert done.code == 0
    assert "Order DO-SAMPLE is late." in done.out
    assert rules.read_text(encoding="utf-8").startswith(RULES)
    assert cli("rules", "list", "--json").json[2]["to"]["fixed"] == ["+6591230000"]


def test_add_makes_a_reminder(cli: Any, rules: Path) -> None:
    args = ["--name", "tomorrow", "--event", "pre_job", "--days-before", "1", "--at", "18:00"]
    done = cli("rules", "add", "--yes", *args, "--to", "phone_number", "--text", "Tomorrow!")
    assert done.code == 0
    assert cli("rules", "validate").code == 0


def test_a_rule_that_would_be_wrong_is_not_written(cli: Any, rules: Path) -> None:
    args = ["--name", "late", "--event", "delayd", "--to", "phone_number", "--text", "{{ nope }}"]
    done = cli("rules", "add", "--yes", *args)
    assert done.code == 2
    assert "did you mean delayed" in done.err
    assert "nope" in done.err
    assert "rules.yaml:" in done.err
    assert rules.read_text(encoding="utf-8") == RULES


def test_add_asks_trigger_then_text(cli: Any, rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answers = iter(["delivery", "failed", "Nobody at home", "", "", "Sorry!", ""])

    def ask(question: str, *, default: str = "", choices: object = ()) -> str:
        asked.append(question)
        return next(answers) or default

    monkeypatch.setattr("smsnotify.cli.show.can_ask", lambda: True)
    monkeypatch.setattr("smsnotify.cli.show.ask", ask)
    monkeypatch.setattr("smsnotify.cli.show.confirm", lambda question, *, default=False: True)
    assert cli("rules", "add").code == 0
    assert asked.index(next(q for q in asked if q.startswith("When"))) < len(asked) - 2
    written = cli("rules", "list", "--json").json[2]
    assert (written["job_type"], written["reasons"]) == ("delivery", ["nobody at home"])


def test_nothing_is_written_when_the_text_is_not_liked(
    cli: Any, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsnotify.cli.show.can_ask", lambda: True)
    monkeypatch.setattr(
        "smsnotify.cli.show.ask", lambda question, *, default="", choices=(): default
    )
    monkeypatch.setattr("smsnotify.cli.show.confirm", lambda question, *, default=False: False)
    assert cli("rules", "add", "--text", "x", "--name", "y").code == 0
    assert rules.read_text(encoding="utf-8") == RULES
