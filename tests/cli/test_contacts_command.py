"""`contacts` and `track` on a real database."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

MEI, ALI = "+6591230000", "+6591230001"
RULES = """
version: 1
custom_fields: {tier: string, points: number, vip: flag, since: date, page: string}
custom_events: [page_view]
rules:
  - name: looked
    events: [page_view]
    where: {contact.tier: gold}
    to: {fields: [phone_number]}
    body: "Hi {{ contact.first_name | default('there') }}, you saw {{ page }}."
"""
PEOPLE = """\
phone_number,email,name,language,time_zone,tags,tier,Points,vip,since,marketing,marketing_at,marketing_note
91230000,Mei@Ex.com,Mei Tan,zh-Hant,Asia/Singapore,a;b,gold,12,yes,2024-05-01,yes,2026-01-02,form 17
91230001,,"Tan, Ali",,,,tin,2.5,no,,no,2026-01-03,called
"""


@pytest.fixture
def desk(cli: Any, folder: Path) -> Any:
    (folder / "sms-notify.toml").write_text('country = "SG"\n', encoding="utf-8")
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    return cli


def exported(desk: Any, format: str = "json") -> Any:
    done = desk("contacts", "export", "--format", format)
    assert done.code == 0
    return done.json if format == "json" else done.out


def test_what_goes_in_comes_out_and_in_again(desk: Any, folder: Path) -> None:
    (folder / "p.csv").write_text(PEOPLE, encoding="utf-8")
    assert desk("contacts", "import", "p.csv").code == 0
    mei, ali = exported(desk)
    assert mei["addresses"] == [MEI, "mei@ex.com"]
    assert mei["facets"] == {"tier": "gold", "points": 12, "vip": True, "since": "2024-05-01"}
    assert (mei["language"], mei["time_zone"], mei["tags"]) == (
        "zh-Hant",
        "Asia/Singapore",
        ["a", "b"],
    )
    assert (ali["name"], ali["facets"]["points"], ali["facets"]["vip"]) == ("Tan, Ali", 2.5, False)
    (yes,), (no,) = mei["consents"], ali["consents"]
    assert (yes["scope"], yes["opted_out"], yes["note"]) == ("purpose:marketing", False, "form 17")
    assert (no["opted_out"], no["at"]) == (True, "2026-01-03T00:00:00Z")
    for format, name in (("csv", "again.csv"), ("json", "again.jsonl")):
        before = exported(desk, format)
        desk("--database", f"sqlite:///{format}.db", "contacts", "list")
        written = before if format == "csv" else "\n".join(map(json.dumps, before))
        (folder / name).write_text(written, encoding="utf-8")
        told = desk("contacts", "import", name, "--json").json[-1]
        assert (told["made"], told["changed"], told["consents"], told["rejected"]) == (0, 2, 0, 0)
        assert exported(desk, format) == before
        other = ("--database", f"sqlite:///{format}.db")
        assert desk(*other, "contacts", "import", name).code == 0
        assert (
            desk(*other, "contacts", "export", "--format", format).out
            == desk("contacts", "export", "--format", format).out
        )


def test_no_spreadsheet_takes_what_people_say_for_a_formula(desk: Any, folder: Path) -> None:
    names = ["=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(1)", "'=1", "it's", "-5", "=", "''=1"]
    people = [
        {"phone_number": f"+659123000{n}", "name": name, "facets": {}}
        for n, name in enumerate(names)
    ]
    (folder / "p.jsonl").write_text("\n".join(map(json.dumps, people)), encoding="utf-8")
    desk("contacts", "import", "p.jsonl")
    written = exported(desk, "csv")
    cells = [row["name"] for row in csv.DictReader(io.StringIO(written))]
    assert [cell for cell in cells if cell[0] in "=+-@"] == ["-5"]
    assert MEI in written
    (folder / "p.csv").write_text(written, encoding="utf-8")
    other = ("--database", "sqlite:///other.db")
    desk(*other, "contacts", "import", "p.csv")
    kept = desk(*other, "contacts", "export", "--format", "json").json
    assert [one["name"] for one in kept] == names


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("12,,,", "not_a_number"),
        ("91230000,a@b,,", "not_an_email_address"),
        ("91230000,,x,", "points: 'x' is no number"),
        ("91230000,,,perhaps", "marketing is neither yes nor no"),
        ("91230000,,,yes", "an opt-in to marketing needs its evidence and date"),
        (",,3,", "there is neither a number nor an email address"),
    ],
)
def test_a_row_that_cannot_be_read_is_told(desk: Any, row: str, reason: str) -> None:
    text = f"phone_number,email,points,marketing\n{ALI},,1,\n{row}\n"
    done = desk("contacts", "import", "-", "--json", stdin=text)
    assert done.code == 1
    assert done.json[0]["line"] == 3
    assert done.json[0]["reason"].startswith(reason)
    assert done.json[-1]["contacts"] == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("7", "the line is no JSON object"),
        ("{", "the line is no JSON object"),
        ('{"addresses": "x"}', "addresses is no list"),
        ('{"addresses": ["+6591230000"], "facets": {"Tier": 1}}', "'Tier' cannot name a facet"),
        ('{"addresses": ["+6591230000"], "facets": {"a": [1]}}', "a: the value is no text"),
        ('{"addresses": ["+6591230000"], "consents": [{}]}', "consents: "),
        ('{"addresses": ["+6591230000"], "language": "?"}', "'?' is no language"),
    ],
)
def test_json_that_cannot_be_read_is_told(desk: Any, line: str, reason: str) -> None:
    good = json.dumps({"addresses": [ALI]})
    done = desk("contacts", "import", "-", "--json", stdin=f"{good}\n{line}\n")
    assert done.code == 1
    assert done.json[0]["reason"].startswith(reason)


def test_who_said_stop_stays_out_whatever_a_file_says(desk: Any, folder: Path) -> None:
    assert desk("contacts", "opt-out", MEI, "--source", "phone").code == 0
    done = desk("contacts", "import", "-", "--opted-in", stdin=f"{MEI}\n{ALI}\n")
    assert done.code == 0
    assert "stays opted out" in done.err
    assert desk("contacts", "opt-in", MEI).code == 2
    assert desk("contacts", "opt-in", MEI, "--note", "asked by mail").code == 0
    assert desk("contacts", "list", "--opted-out", "--json").json == []


def test_a_list_of_opt_outs_cancels_what_waits(desk: Any) -> None:
    desk("contacts", "set", MEI, "tier=gold")
    desk("track", "page_view", "--contact", MEI, "--data", "page=/x")
    assert desk("contacts", "import", "-", "--opted-out", stdin=f"{MEI}\n").code == 0
    (text,) = desk("outbox", "list", "--json").json
    assert (text["state"], text["reason"]) == ("cancelled", "opted_out")


def test_scopes_and_their_evidence(desk: Any) -> None:
    assert desk("contacts", "opt-out", MEI, "--scope", "everything").code == 2
    assert desk("contacts", "opt-in", MEI, "--scope", "marketing").code == 2
    done = desk("contacts", "opt-in", MEI, "--scope", "marketing", "--note", "form 3")
    assert done.out == f"{MEI}: opted in to marketing\n"
    assert desk("contacts", "opt-out", MEI, "--scope", "sender:+6531590000").code == 0
    told = desk("contacts", "show", MEI).out
    assert "opted in to marketing (by_hand); form 3" in told
    assert "opted out of texts from +6531590000 (by_hand)" in told


def test_a_person_is_set_shown_and_forgotten(desk: Any) -> None:
    args = ("tier=gold", "points=7", "--name", "Mei Tan", "--tag", "x", "--email", "mei@b.co")
    assert desk("contacts", "set", MEI, *args).code == 0
    assert desk("contacts", "set", "MEI@b.co", "points=", "--untag", "x").code == 0
    (shown, *_) = desk("contacts", "show", MEI, "--json").json
    assert (shown["facets"], shown["tags"]) == ({"tier": "gold"}, [])
    for wrong in (["tier"], ["Tier=x"], ["name=x"], ["points=many"], ["--time-zone", "Mars"]):
        assert desk("contacts", "set", MEI, *wrong).code == 2
    desk("contacts", "set", ALI, "--name", "Ali")
    assert desk("contacts", "set", ALI, "--email", "mei@b.co").code == 2
    assert desk("contacts", "forget", MEI).code == 2  # nobody is there to ask
    assert desk("contacts", "forget", MEI, "--yes").code == 0
    assert desk("contacts", "show", MEI).code == 2
    assert desk("contacts", "forget", MEI, "--yes").code == 2


def test_what_is_tracked_is_heard_and_shown(desk: Any) -> None:
    desk("contacts", "set", MEI, "tier=gold", "--name", "Mei Tan")
    args = ("--data", "page=/prices", "--value", "2.5")
    first = desk("track", "page_view", "--contact", "9123 0000", *args, "--id", "v1", "--json")
    assert first.json[0]["decisions"]["queued"] == 1
    again = desk("track", "page_view", "--contact", MEI, *args, "--id", "v1", "--json")
    assert (again.json[0]["accepted"], again.json[0]["repeated"]) == (0, 1)
    other = desk("track", "page_view", "--contact", ALI, *args, "--json")
    assert other.json[0]["decisions"]["matched"] == 0  # the rule does not mean Ali
    moments = [
        one for one in desk("contacts", "show", MEI, "--json").json if one["type"] == "moment"
    ]
    assert {one["kind"] for one in moments} == {"text", "event"}
    shown = desk("contacts", "show", MEI).out
    assert "| Hi Mei, you saw /prices." in shown
    assert "page_view on web, worth 2.5: page /prices" in shown


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["x"],
        ["--contact", MEI],
        ["x", "--contact", "12"],
        ["x", "--contact", MEI, "--data", "y"],
        ["x", "--contact", MEI, "--time", "soon"],
        ["x", "--contact", MEI, "--value", "nan"],
        ["x", "--contact", MEI, "--value", "inf"],
        ["--file", "no-such-file"],
        ["x", "--file", "-"],
    ],
)
def test_a_call_that_says_too_little_is_refused(desk: Any, args: list[str]) -> None:
    assert desk("track", *args).code == 2


def test_what_is_worth_nothing_keeps_its_value(desk: Any) -> None:
    assert desk("track", "x", "--contact", MEI, "--value", "0").code == 0
    story = desk("contacts", "show", MEI, "--json").json
    assert any("worth 0" in one.get("told", "") for one in story)


def test_a_value_beyond_every_number_is_rejected_alone(desk: Any) -> None:
    line = json.dumps({"event": "x", "contact": MEI, "value": 10**400}) + "\n"
    good = json.dumps({"event": "x", "contact": MEI})
    done = desk("track", "--file", "-", "--json", stdin=line + good)
    assert done.code == 1
    assert (done.json[0]["line"], done.json[0]["reason"]) == (1, "wrong_type")
    assert done.json[-1]["accepted"] == 1


def test_a_file_of_interactions(desk: Any, folder: Path) -> None:
    lines = [{"event": "x", "contact": MEI}, {"event": "x"}, {"event": "y", "contact": "a@b.cd"}]
    (folder / "i.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = desk("track", "--file", "i.jsonl", "--json")
    assert done.code == 1
    assert (done.json[0]["line"], done.json[0]["reason"]) == (2, "no_contact")
    assert done.json[-1]["accepted"] == 2
    assert desk("track", "--file", "-", stdin=json.dumps(lines[:1])).code == 0
