"""Mails are no texts: `why`, `contacts show`, `doctor` and `rules lint` know the difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SETTINGS = """
country = "SG"
timezone = "Asia/Singapore"
{mode}
[accounts.mail]
provider = "smtp"
host = "localhost"
sender = "Acme <notify@example.com>"
"""
RULES = """
version: 1
defaults: {tracking_link: none}
rules:
  - name: receipt
    channel: email
    events: [completed]
    to: {fields: [notify_email], fixed: [ops@example.com]}
    subject: "Order {{ do_number }} delivered"
    body: "It is **there** — “really”."
"""
JOB = {"do_number": "DO-1", "notify_email": "Mei@Example.com"}
AS_OF = ("--as-of", "2026-03-02T12:00:00+08:00")


@pytest.fixture
def settings(folder: Path) -> Path:
    file = folder / "sms-notify.toml"
    file.write_text(SETTINGS.format(mode='mode = "sandbox"'), encoding="utf-8")
    file.chmod(0o600)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    return file


def test_an_address_has_its_story(cli: Any, settings: Path) -> None:
    line = json.dumps({"event": "completed", "job": JOB})
    (settings.parent / "events.jsonl").write_text(f"{line}\n", encoding="utf-8")
    assert cli("process", "events.jsonl", *AS_OF).code == 0
    assert "receipt" in cli("why", "Mei@example.com").out
    told = cli("contacts", "show", "mei@example.com").out
    assert "→ mei@example.com" in told
    assert "mail “Order DO-1 delivered”, receipt: delivered" in told
    assert cli("why", "nobody@example.com").code == 2


def test_a_mail_account_is_no_sender_that_cannot_be_answered(cli: Any, settings: Path) -> None:
    settings.write_text(SETTINGS.format(mode='mode = "live"'), encoding="utf-8")
    told = cli("doctor").out
    assert "mail: SMTP (email), sender Acme <notify@example.com>" in told
    assert "is a word" not in told
    assert "must be registered" not in told


def test_lint_asks_no_mail_for_cheap_letters_or_an_opt_out(cli: Any, settings: Path) -> None:
    done = cli("rules", "lint")
    assert done.code == 0
    assert [code for code in ("no_opt_out", "foreign", "UCS-2") if code in done.out] == []


PLAN = """
version: 1
rules:
  - name: papers
    events: [completed]
    to: {fields: [phone_number]}
    start_plan: papers
plans:
  - name: papers
    steps:
      - ask:
          channel: email
          subject: "Papers for {{ do_number }}"
          send: "Dear **{{ contact.first_name | default('customer') }}**"
"""


def test_a_rule_that_starts_a_plan_shows_the_mail_that_it_begins_with(
    cli: Any, settings: Path
) -> None:
    (settings.parent / "rules.yaml").write_text(PLAN, encoding="utf-8")
    (shown,) = cli("preview", "--rule", "papers", "--json").json
    assert (shown["channel"], shown["recipient"]) == ("email", "mei.tan@example.com")
    assert (shown["subject"], shown["body"]) == ("Papers for DO-SAMPLE", "Dear **Mei**")
    event = {"event": "completed", "job": {"do_number": "DO-1", "phone_number": "+6591230000"}}
    (settings.parent / "events.jsonl").write_text(json.dumps(event), encoding="utf-8")
    (stopped,) = cli("preview", "events.jsonl", "--json").json
    assert (stopped["verdict"], stopped["reason"]) == ("stop", "no_address")
    rows = "phone_number,email,name\n+6591230000,ann@example.com,Ann Tan\n"
    (settings.parent / "people.csv").write_text(rows, encoding="utf-8")
    assert cli("contacts", "import", "people.csv").code == 0
    (mailed,) = cli("preview", "events.jsonl", "--json").json
    assert (mailed["recipient"], mailed["body"]) == ("ann@example.com", "Dear **Ann**")


def test_a_channel_that_no_account_serves_is_said(cli: Any, settings: Path) -> None:
    settings.write_text(SETTINGS.format(mode='mode = "live"'), encoding="utf-8")
    rule = '  - {name: ops, channel: apprise, events: [failed], body: "{{ do_number }}"}\n'
    (settings.parent / "rules.yaml").write_text(f"version: 1\nrules:\n{rule}", encoding="utf-8")
    line = json.dumps({"event": "failed", "job": JOB})
    (settings.parent / "events.jsonl").write_text(f"{line}\n", encoding="utf-8")
    done = cli("process", "events.jsonl", *AS_OF)
    assert (done.code, "no account of the route serves apprise" in done.err) == (3, True)
    told = cli("doctor").out
    assert "no account on the route 'default' is for apprise, and the rule 'ops' needs one" in told
