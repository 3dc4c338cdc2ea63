"""`rules test`: events of files, what tests have touched, and `--update`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

Cli = Any

RULES = """\
rules:
  - name: one
    events: [completed]
    groups: [North]
    where: {items_count: {gte: 2}, contact.tier: {ne: silver}}
    quiet_hours: {from: "21:00", to: "08:00", then: hold}
    to: {fields: [phone_number]}
    body: "One: {{ do_number }}"
  - {name: two, events: [failed], to: {fields: [phone_number]}, body: Two}
"""
JOB = {
    "do_number": "D-1",
    "type": "Delivery",
    "group_name": "North",
    "items_count": "2",
    "phone_number": '"+6591230000"',
}


@pytest.fixture
def tests(folder: Path) -> Path:
    """Two rules, and a place for their tests."""
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    return folder / "rules.test.yaml"


def write(path: Path, steps: str, more: str = "") -> None:
    head = f"tests:\n  - name: the way\n    at: 2026-03-02T12:00:00+08:00\n{more}    steps:\n"
    path.write_text(head + steps, encoding="utf-8")


def event(name: str = "completed", **other: str) -> str:
    job = ", ".join(f"{key}: {value}" for key, value in (JOB | other).items())
    return f"events: [{{event: {name}, job: {{{job}}}}}]"


def test_rules_conditions_and_gates_that_no_test_has_shown_are_told(cli: Cli, tests: Path) -> None:
    write(tests, f"      - {{{event()}, expect: {{rule: one}}}}\n")
    done = cli("rules", "test")
    assert (done.code, done.out.splitlines()[-3:]) == (
        0,
        [
            "rules: 1 of 2 tested; never: two",
            "conditions: 0 of 3 met and unmet; never: one: group (never unmet), "
            "one: where items_count gte 2 (never unmet), "
            "one: where contact.tier ne silver (never unmet)",
            "gates: 0 of 4 at work; never: any rule: number, any rule: duplicate, "
            "any rule: opted_out, one: quiet_hours",
        ],
    )
    rows = cli("rules", "test", "--json").json[1:]
    assert [(row["type"], row["of"], row["taken"], row["ways"]) for row in rows] == [
        ("coverage", "rules", 1, 2),
        ("coverage", "conditions", 0, 3),
        ("coverage", "gates", 0, 4),
    ]
    assert rows[0]["missed"] == ["two"]


def test_tests_that_show_both_sides_of_everything_miss_nothing(cli: Cli, tests: Path) -> None:
    silver, out = '"+6591230002"', '"+6591230001"'
    steps = [
        f'{event()}, expect: {{rule: one, body: "One: D-1"}}',
        f"{event()}, expect: {{rule: one, verdict: stop, reason: duplicate}}",
        event(group_name="South"),
        event(items_count="1"),
        event(do_number="D-3", phone_number=silver),
        f"{event('failed', phone_number=out)}, expect: {{verdict: stop, reason: opted_out}}",
        f"{event('failed', phone_number='12')}, expect: {{verdict: stop, gate: number}}",
        "wait: 10h",
        f"{event(do_number='D-2')}, expect: {{verdict: hold, reason: quiet_hours}}",
    ]
    contacts = f"{{{silver}: {{tier: silver}}, {out}: {{opted_out: true}}}}"
    write(
        tests,
        "".join(f"      - {{{step}}}\n" for step in steps),
        more=f"    contacts: {contacts}\n",
    )
    done = cli("rules", "test")
    assert done.out.splitlines()[-3:] == [
        "rules: 2 of 2 tested",
        "conditions: 3 of 3 met and unmet",
        "gates: 4 of 4 at work",
    ]


def test_the_events_of_a_step_may_stand_in_a_file(cli: Cli, tests: Path) -> None:
    (tests.parent / "day.csv").write_text(
        "event,do_number,group_name,items_count,phone_number\ncompleted,D-7,North,3,+6591230000\n",
        encoding="utf-8",
    )
    write(tests, '      - {file: day.csv, expect: "One: D-7"}\n')
    assert cli("rules", "test").code == 0
    (tests.parent / "day.csv").write_text("event,do_number\nno_such,D-7\n", encoding="utf-8")
    done = cli("rules", "test")
    assert (done.code, "day.csv:2 cannot be read" in done.out) == (1, True)
    write(tests, "      - {file: gone.jsonl}\n")
    done = cli("rules", "test")
    assert (done.code, "gone.jsonl" in done.out) == (1, True)


BEFORE = """\
# The tests of one rule
tests:
  - name: the way   # by day
    at: 2026-03-02T12:00:00+08:00
    steps:
      - EVENT
        expect: "Eins: D-1"      # a comment behind it stays

      - EVENT
        # and so does one above
        expect:
          rule: two
          verdict: hold
      - {EVENT}

  - name: by night
    at: 2026-03-02T22:00:00+08:00
    steps:
      - EVENT
        expect: [{rule: one, contains: [One, Eins]}, Not this]
""".replace("EVENT", event())
AFTER = """\
# The tests of one rule
tests:
  - name: the way   # by day
    at: 2026-03-02T12:00:00+08:00
    steps:
      - EVENT
        expect: "One: D-1"      # a comment behind it stays

      - EVENT
        # and so does one above
        expect: {verdict: stop, rule: one, reason: duplicate}
      - {EVENT, expect: {rule: one, recipient: "+6591230000", verdict: stop, reason: duplicate}}

  - name: by night
    at: 2026-03-02T22:00:00+08:00
    steps:
      - EVENT
        expect: {verdict: hold, body: "One: D-1", rule: one, reason: quiet_hours}
""".replace("EVENT", event())


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_update_writes_what_came_and_never_passes(
    cli: Cli, tests: Path, line_end: str, mark: bytes
) -> None:
    tests.write_bytes(mark + BEFORE.replace("\n", line_end).encode())
    done = cli("rules", "test", "--update")
    assert done.code == 1
    assert done.out.splitlines() == [
        f"{tests}: the way: rewritten, line 6, 9, 14",
        f"{tests}: by night: rewritten, line 19",
        "4 steps rewritten: read the difference, then run the tests again",
    ]
    assert tests.read_bytes() == mark + AFTER.replace("\n", line_end).encode()
    assert cli("rules", "test").code == 0
    again = cli("rules", "test", "--update")
    assert (again.code, again.out) == (1, "0 steps rewritten: run the tests again\n")
    assert tests.read_bytes() == mark + AFTER.replace("\n", line_end).encode()


def test_update_tells_what_cannot_happen_and_keeps_what_came_before(cli: Cli, tests: Path) -> None:
    write(tests, f"      - {event()}\n      - fail: x\n      - file: gone.csv\n")
    done = cli("rules", "test", "--update", "--json")
    (row,) = done.json
    assert (row["type"], row["lines"], done.code) == ("updated", [5], 1)
    assert "gone.csv" in row["problem"]
    assert "expect: {rule: one" in tests.read_text(encoding="utf-8")


def test_update_writes_times_by_the_settings_clock(cli: Cli, folder: Path, tests: Path) -> None:
    (folder / "sms-notify.toml").write_text('country = "SG"\ntimezone = "Asia/Singapore"\n')
    tests.write_text(f"tests:\n  - at: 2026-03-02T22:10:00+08:00\n    steps:\n      - {event()}\n")
    assert cli("rules", "test", "--update").code == 1
    assert 'not_before: "2026-03-03T08:00:00+08:00"' in tests.read_text(encoding="utf-8")


def test_a_text_with_our_own_address_is_the_same_in_every_run(
    cli: Cli, folder: Path, tests: Path
) -> None:
    settings = 'country = "SG"\npublic_url = "https://n.example.com"\n[tracking]\nenabled = true\n'
    (folder / "sms-notify.toml").write_text(settings)
    (folder / "rules.yaml").write_text(
        "rules:\n  - {name: out, events: [completed], to: {fields: [phone_number]},\n"
        '     body: "No more: {{ opt_out_link }}"}\n'
    )
    write(tests, f"      - {event()}\n")
    assert cli("rules", "test", "--update").code == 1
    written = tests.read_text(encoding="utf-8")
    assert "https://n.example.com/o/" in written
    assert "https://n.example.com/t/" in written
    assert cli("rules", "test").code == 0


def test_update_leaves_what_is_shared_to_people(cli: Cli, tests: Path) -> None:
    write(tests, f"      - &same\n        {event()}\n      - *same\n")
    before = tests.read_bytes()
    done = cli("rules", "test", "--update")
    assert (done.code, "by hand" in done.err) == (2, True)
    assert tests.read_bytes() == before
    assert cli("rules", "test", "--update", "--junit", "x.xml").code == 2


def test_update_mends_every_key_of_a_dialogue(cli: Cli, tests: Path) -> None:
    plan = """\
plans:
  - name: quote
    enter: {keywords: [HELLO]}
    steps:
      - ask: {send: "Reply QUOTE.", wait: {for: 3d, replies: {QUOTE: done}}}
      - done:
          set: {tier: gold}
          tag: [new]
          goal: sale
          value: 10
          action: {do: ship, n: 7}
          end: finished
"""
    (tests.parent / "rules.yaml").write_text(plan, encoding="utf-8")
    write(
        tests,
        """\
      - {says: HELLO, expect: Hi, read_as: branch, step: done}
      - says: quote
        outcome: expired
        contact: {tier: silver, size: L}
        tags: []
        goals: {sale: 1}
        answers: {ask: no}
        actions: [{do: keep}]
        emits: [moved]
""",
    )
    assert cli("plans", "test", "--update").code == 1
    assert cli("plans", "test").code == 0
    written = tests.read_text(encoding="utf-8")
    assert '{says: HELLO, expect: "Reply QUOTE.", read_as: keyword, step: ask}' in written
    assert "contact: {tier: gold, size: null}" in written
    assert "actions: [{do: ship}]" in written
    assert "emits: []" in written


def test_a_test_that_can_never_pass_is_a_mistake_with_its_place(cli: Cli, tests: Path) -> None:
    steps = f"""\
      - {event()}
        expect: [{{rule: one}}, {{rule: twoo, verdict: stop}}]
      - {{{event()}, expect: {{rule: three}}}}
      - event: [{{event: completed}}]
"""
    more = """\
    already_sent: [{rule: on}]
    contacts:
      "9123 0001": {language: english}
      "+6591230002": {time_zone: Asia/Singapor}
"""
    write(tests, steps, more)
    done = cli("rules", "test")
    assert done.code == 2
    assert [line.removeprefix(f"error: {tests}:") for line in done.out.splitlines()] == [
        "4:27: there is no rule 'on' (did you mean one?)",
        "6:7: contacts: '9123 0001' is no number in full (write \"+6591230001\")",
        "6:31: contacts.9123 0001.language: 'english' is no language "
        "(write its tag, such as en, zh, zh-Hant or pt-BR)",
        "7:34: contacts.+6591230002.time_zone: 'Asia/Singapor' is no time zone "
        "(write Asia/Singapore, or another of its kind)",
        "10:38: there is no rule 'twoo' (did you mean two?)",
        "11:158: there is no rule 'three' (sms-notify rules list shows them all)",
        "12:16: event: one event by its name stands here (did you mean events?)",
    ]


def test_rules_that_are_off_and_answers_of_the_desk_may_be_named(cli: Cli, tests: Path) -> None:
    rules = RULES + "  - {name: off, enabled: false, events: [failed], body: Off,\n"
    rules += "     to: {fields: [phone_number]}}\n"
    (tests.parent / "rules.yaml").write_text(rules, encoding="utf-8")
    write(
        tests, "      - {says: STOP, expect: {rule: stop}}\n", "    already_sent: [{rule: off}]\n"
    )
    assert cli("rules", "test").code == 0
