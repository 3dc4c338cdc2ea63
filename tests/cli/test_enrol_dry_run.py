"""`plans enrol --file --dry-run` decides as the real run does, and keeps nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PLANS = """
plans:
  - name: offer
    purpose: marketing
    marketing_hours: {from: "00:00", to: "23:59"}
    enter: {keywords: [OFFER], where: {contact.tier: {ne: none}}}
    steps:
      - tell: {send: "Only today, {{ contact.first_name | default('you') }}."}
  - name: letter
    enter: {keywords: [LETTER], where: {contact.tier: {ne: none}}}
    steps:
      - tell:
          channel: email
          subject: "For {{ contact.first_name }}"
          send: "Dear {{ contact.tier }}."
          wait: {for: 2d, other: end, not_delivered: by_text}
      - by_text: {send: "Dear {{ contact.first_name | default('you') }}."}
"""
PEOPLE = (
    "phone_number,email,name,tier,marketing,marketing_at,marketing_note,opted_out\n"
    "+6591230001,ann@acme.test,Ann Tan,gold,yes,2026-01-05,form 1,\n"
    "+6591230002,,Ben Lim,,yes,2026-01-05,form 2,\n"
    "+6591230003,,Cat Ong,,,,,\n"
    "+6591230004,,Dan Goh,none,yes,2026-01-05,form 4,\n"
    "+6591230005,,Eve Lau,,yes,2026-01-05,form 5,yes\n"
)


@pytest.fixture
def desk(folder: Path) -> Path:
    (folder / "sms-notify.toml").write_text('country = "SG"\ntimezone = "Asia/Singapore"\n')
    (folder / "rules.yaml").write_text(PLANS)
    (folder / "people.csv").write_text(PEOPLE)
    return folder


def told(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    keys = ("recipient", "channel", "verdict", "reason", "body")
    return sorted(tuple(row[key] for key in keys) for row in rows if row["type"] == "decision")


@pytest.mark.parametrize(
    ("plan", "sent"),
    [
        (
            "offer",
            [
                ("+6591230001", "sms", "Only today, Ann."),
                ("+6591230002", "sms", "Only today, Ben."),
            ],
        ),
        (
            "letter",
            [
                ("+6591230002", "sms", "Dear Ben."),
                ("+6591230003", "sms", "Dear Cat."),
                ("ann@acme.test", "email", "Dear gold."),
            ],
        ),
    ],
)
def test_a_dry_run_of_a_file_says_what_the_real_one_does(
    cli: Any, desk: Path, plan: str, sent: list[tuple[str, ...]]
) -> None:
    enrol = ("plans", "enrol", plan, "--file", "people.csv", "--json")
    rehearsed = cli(*enrol, "--dry-run").json
    assert cli("contacts", "list", "--json").json == []
    real = cli(*enrol).json
    assert told(rehearsed) == told(real)
    (would,) = [row for row in rehearsed if row["type"] == "enrolled"]
    (did,) = [row for row in real if row["type"] == "enrolled"]
    assert (would["entered"], would["left_out"]) == (did["entered"], did["left_out"]) == (4, 1)
    assert [(row[0], row[1], row[4]) for row in told(real) if row[2] == "send"] == sent


def test_a_dry_run_says_why_people_would_get_no_text(cli: Any, desk: Path) -> None:
    done = cli("plans", "enrol", "offer", "--file", "people.csv", "--dry-run", "-v")
    assert done.code == 0
    assert "stop  offer  plan  " in done.out
    assert "+6591230003  no_consent: no opt-in to marketing holds" in done.out
    table = [line.split() for line in done.out.splitlines()]
    assert ["no_consent", "1"] in table
    assert ["opted_out", "1"] in table
