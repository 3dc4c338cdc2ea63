"""`plans validate`, `plans list` and `plans show`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import smsnotify

ROOT = Path(smsnotify.__file__).parent.parent
Cli = Any

RULES = """\
plans:
  - name: quote
    enter: {keywords: [HELLO]}
    steps:
      - ask: {send: "Reply QUOTE.", wait: {for: 3d, replies: {QUOTE: done}}}
      - done: {goal: sale, value: 10, send: "Thank you!", end: finished}
"""


@pytest.fixture
def rules(folder: Path) -> Path:
    """The plan QUOTE as the folder's rule file."""
    path = folder / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return path


def test_plans_in_order_are_counted(cli: Cli, rules: Path) -> None:
    done = cli("plans", "validate")
    assert (done.code, done.out) == (0, "")
    assert done.err == "1 plan, 1 of them on: in order\n"
    example = cli("plans", "validate", str(ROOT / "rules.example.yaml"))
    assert (example.code, example.err.endswith("; 3 plans, 2 of them on: in order\n")) == (0, True)
    assert cli("rules", "validate").err == done.err


def test_a_mistake_in_a_plan_ends_with_2_and_json_tells_the_same(cli: Cli, rules: Path) -> None:
    rules.write_text(RULES.replace("QUOTE: done", "QUOTE: don"), encoding="utf-8")
    done = cli("plans", "validate")
    assert done.code == 2
    assert done.out == f"error: {rules}:5:70: there is no step 'don' (did you mean done?)\n"
    assert done.err == "1 mistake\n"
    (problem,) = cli("plans", "validate", "--json").json
    assert (problem["code"], problem["line"], problem["column"]) == ("unknown_step", 5, 70)
    assert cli("rules", "validate").code == 2
    shown = cli("plans", "show", "quote")
    assert shown.code == 2
    assert "there is no step 'don'" in shown.err


SETTINGS = """\
country = "SG"
[accounts.word]
provider = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = {env = "NONE"}
sender = "ACME"
[accounts.number]
provider = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = {env = "NONE"}
sender = "+6591230000"
[routes]
default = ["word"]
"""


def test_a_sender_that_cannot_hear_the_answer_is_told(cli: Cli, folder: Path, rules: Path) -> None:
    (folder / "sms-notify.toml").write_text(SETTINGS, encoding="utf-8")
    done = cli("plans", "validate")
    assert done.code == 0
    assert done.out.endswith(
        "rules.yaml:5:1: plan 'quote': the step 'ask' waits for a reply, and the sender of 'word' "
        "on the route 'default' cannot receive any (give the route accounts whose sender is a "
        "number)\n"
    )
    assert done.err.endswith("1 warning\n")
    assert "waits for a reply" in cli("doctor").out
    with_route = SETTINGS + 'conversation = ["number"]\n'
    (folder / "sms-notify.toml").write_text(with_route, encoding="utf-8")
    assert cli("plans", "validate").out == ""
    rules.write_text(RULES.replace("wait: {for", "route: word, wait: {for"), encoding="utf-8")
    assert "on the route 'word' cannot receive any" in cli("plans", "validate").out
    rules.write_text(RULES.replace("wait: {for", "route: talk, wait: {for"), encoding="utf-8")
    assert "names the route 'talk', which the settings do not have" in cli("plans", "validate").out


def test_what_a_plan_needs_of_the_settings_is_told(cli: Cli, folder: Path, rules: Path) -> None:
    (folder / "sms-notify.toml").write_text(SETTINGS, encoding="utf-8")
    steps = "plans:\n  - {name: p, steps: [a: {alert: Hm., webhook: 'https://e.example.com'}]}\n"
    rules.write_text(steps, encoding="utf-8")
    first, second = cli("plans", "validate", "--json").json
    assert (first["code"], second["code"]) == ("no_staff", "no_secret")
    more = 'staff = ["+6591230001"]\n' + SETTINGS + '[conversation]\nwebhook_secret = "x"\n'
    (folder / "sms-notify.toml").write_text(more, encoding="utf-8")
    assert cli("plans", "validate").out == ""


def test_a_word_of_the_settings_that_a_plan_waits_for_is_told(
    cli: Cli, folder: Path, rules: Path
) -> None:
    own = '[keywords.sg]\nhelp = ["Quote"]\nstop = "no more lah"\n'
    (folder / "sms-notify.toml").write_text(own, encoding="utf-8")
    done = cli("plans", "validate")
    assert done.code == 2
    assert "'QUOTE' is a word of HELP: it never reaches a plan" in done.out
    assert cli("rules", "validate").out == done.out
    assert cli("plans", "list").code == 2
    (folder / "sms-notify.toml").write_text('[keywords.sg]\nstop = ["?!"]\n', encoding="utf-8")
    told = cli("config", "check")
    assert told.code == 2
    assert "keywords.sg.stop" in told.out
    assert "'?!' has nothing in it that is compared" in told.out


def test_plans_are_listed(cli: Cli, rules: Path) -> None:
    done = cli("plans", "list")
    assert done.code == 0
    head, row = done.out.splitlines()
    assert head.split() == ["plan", "begins", "with", "purpose", "steps", "version"]
    assert row.startswith("on  quote  HELLO (first_word)  service  ask, done  ")
    (listed,) = cli("plans", "list", "--json").json
    assert (listed["type"], listed["name"], listed["keywords"]) == ("plan", "quote", ["HELLO"])
    assert listed["version"] == row.split()[-1]


TREE = """\
  begins with HELLO (first_word)
  service, again after it is over, life 30d
  ask
    text: “Reply QUOTE.”
    waits 3d for an answer
    QUOTE → done
    no reply → expired
    not delivered → exited
  done
    goal sale, worth 10
    text: “Thank you!”
    → finished
"""


def test_a_plan_is_drawn_in_every_form(cli: Cli, rules: Path) -> None:
    tree = cli("plans", "show", "quote")
    first, _, rest = tree.out.partition("\n")
    assert first.startswith("quote (version ")
    assert rest == TREE
    assert cli("plans", "show", "quote", "--mermaid").out.startswith("flowchart TD\n")
    assert ElementTree.fromstring(cli("plans", "show", "quote", "--svg").out) is not None
    (shown,) = cli("plans", "show", "quote", "--json").json
    assert [step["name"] for step in shown["steps"]] == ["ask", "done"]
    assert shown["steps"][0]["ways"][0] == {
        "path": "QUOTE",
        "label": "QUOTE",
        "target": "done",
        "ends": False,
    }


def test_two_drawings_at_once_and_a_plan_that_is_not_there_are_refused(
    cli: Cli, rules: Path
) -> None:
    two = cli("plans", "show", "quote", "--svg", "--mermaid")
    assert (two.code, "choose one" in two.err) == (2, True)
    none = cli("plans", "show", "quot")
    assert (none.code, none.out) == (2, "")
    assert none.err == "error: there is no plan 'quot'\nhint: did you mean quote?\n"


def test_without_plans_the_list_is_empty(cli: Cli, folder: Path) -> None:
    shutil.copy(ROOT / "rules.example.yaml", folder / "rules.yaml")
    text = (folder / "rules.yaml").read_text(encoding="utf-8")
    rule = text[: text.index("# Automation plans")].replace("start_plan: redelivery", "body: x")
    (folder / "rules.yaml").write_text(rule, encoding="utf-8")
    assert cli("plans", "list", "--json").out == ""
    assert cli("plans", "show", "quote").code == 2


STARTING = """\
rules:
  - {name: missed, events: [failed], to: {fields: [phone_number]}, start_plan: redelivery}
plans:
  - name: redelivery
    steps:
      - ask: {send: "We missed you with {{ do_number }}, {{ contact.name | default('dear') }}.",
          wait: {for: 1d, match: number, replies: {1: end}}}
"""


def test_a_plan_that_a_rule_starts_is_previewed_by_its_first_text(cli: Cli, folder: Path) -> None:
    (folder / "rules.yaml").write_text(STARTING, encoding="utf-8")
    (sample,) = cli("preview", "--json").json
    assert sample["rule"] == "missed"
    assert sample["body"].startswith("We missed you with ")
    job = {"id": "1", "do_number": "DO-9", "phone_number": "+6591230000", "status": "failed"}
    event = json.dumps({"event": "failed", "id": "e", "time": "2026-03-02T05:00:00Z", "job": job})
    (folder / "e.jsonl").write_text(event + "\n", encoding="utf-8")
    at = ("--as-of", "2026-03-02T13:05:00+08:00")
    (shown,) = cli("preview", "e.jsonl", "--json", *at).json
    assert (shown["verdict"], shown["body"]) == ("send", "We missed you with DO-9, dear.")
    assert "would enter plans  1\n" in cli("process", "e.jsonl", "--dry-run", *at).out
    done = cli("process", "e.jsonl", "--json", *at)
    assert done.json[-1]["into_plans"] == 1
    again = cli("process", "e.jsonl", *at)
    assert "into plans" not in again.out
